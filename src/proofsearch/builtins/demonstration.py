"""Searching along known proofs: the scorer ``demonstration`` and the generator ``demonstrated``.

Together they record what a trainer wants to see of theorems that the policy can't prove yet: the states of the
library's own proof with what the policy would have tried there instead.

    proofsearch search --split train --generator demonstrated --scorer demonstration --priority split

With ``--priority split`` every other expansion follows the known proof and the others follow the policy, so the
record also holds the states that really compete with those of the proof. Such a run proves nothing of the policy: it
was shown the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.errors import UsageError
from proofsearch.models.confidence import fingerprint_of, statistics_of
from proofsearch.protocols import (
    Builder,
    Demonstrates,
    GenerationRequest,
    PolicyStatistics,
    Prepares,
    ReportsStatistics,
    ScoreRequest,
    TacticGenerator,
    ValueScorer,
)
from proofsearch.types import Candidate, Theorem

OFF_PATH = -1e4
"""The value of a state that the known proof does not pass through; those that it does have minus the steps left."""


@dataclass(frozen=True, slots=True)
class _Step:
    tactic: str
    remaining: int


class KnownProofs:
    """The steps of the library's own proofs, by theorem and by the text of the state.

    Args:
        environment: whose library; or whatever else demonstrates proofs.
        user: the component that asks, for errors.

    Raises:
        UsageError: the environment lists no proofs.
    """

    def __init__(self, environment: object, user: str) -> None:
        if not isinstance(environment, Demonstrates):
            raise UsageError(f"{user}: the environment lists no proofs of its library; choose another part")
        self._environment = environment
        self._theorem: str | None = None
        self._steps: Mapping[str, _Step] = {}

    def steps(self, theorem: Theorem) -> Mapping[str, _Step]:
        """The theorem's steps by the text of their state; none where its proof can't be replayed."""
        if self._theorem != theorem.name:
            self._steps = {
                step.state.text: _Step(step.tactic, step.remaining)
                for step in self._environment.demonstrations([theorem])
            }
            self._theorem = theorem.name
        return self._steps


class DemonstrationScorer(ValueScorer):
    """Values a state of the library's own proof by minus the steps that are left, any other by :data:`OFF_PATH`.

    The oracle of every comparison, and the guide of recorded demonstrations.
    """

    def __init__(self, environment: object) -> None:
        self._known = KnownProofs(environment, "--scorer demonstration")

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """One value a request."""
        values: list[float | None] = []
        for request in requests:
            step = self._known.steps(request.theorem).get(request.state.text)
            values.append(OFF_PATH if step is None else -float(step.remaining))
        return values


class DemonstratedConfig(ComponentConfig):
    """Configuration of the generator ``demonstrated``."""

    generator: str = Field(default="knn", description="The policy that suggests the other candidates.")


class DemonstratedGenerator(TacticGenerator):
    """A policy's candidates, among which is always the tactic of the library's own proof.

    Where the policy does not suggest it, it takes the place of the last candidate, with that one's log-probability:
    the most that the policy can have given it.

    Args:
        policy: suggests the candidates.
        environment: whose library holds the proofs.
    """

    def __init__(self, policy: TacticGenerator, environment: object) -> None:
        self._policy = policy
        self._known = KnownProofs(environment, "--generator demonstrated")

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request, best first."""
        return [
            self._with_known(request, list(candidates), n)
            for request, candidates in zip(requests, self._policy.generate(requests, n), strict=True)
        ]

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[PolicyStatistics | None]:
        """How sure the policy is, which was not shown the proof: :class:`proofsearch.protocols.ReportsStatistics`."""
        if isinstance(self._policy, ReportsStatistics):
            return self._policy.statistics(requests, n)
        return list(map(statistics_of, self._policy.generate(requests, n)))

    def fingerprint(self) -> str:
        """That of the policy, whose statistics it gives; see :class:`proofsearch.protocols.Fingerprinted`."""
        return fingerprint_of(self._policy)

    def _with_known(self, request: GenerationRequest, candidates: list[Candidate], n: int) -> list[Candidate]:
        step = self._known.steps(request.theorem).get(request.state.text)
        if step is None or any(candidate.tactic == step.tactic for candidate in candidates):
            return candidates
        last = candidates[-1] if candidates else Candidate(step.tactic, 0.0)
        kept = candidates[: n - 1]
        return [*kept, Candidate(step.tactic, last.logprob, last.num_tokens)]

    def prepare(self) -> None:
        """Has the policy prepare what it needs; see :class:`proofsearch.protocols.Prepares`."""
        if isinstance(self._policy, Prepares):
            self._policy.prepare()


def make_demonstration(config: ComponentConfig | None, builder: Builder) -> DemonstrationScorer:
    """Builds the scorer ``demonstration``."""
    return DemonstrationScorer(builder.environment())


def make_demonstrated(config: DemonstratedConfig, builder: Builder) -> DemonstratedGenerator:
    """Builds the generator ``demonstrated``."""
    return DemonstratedGenerator(builder.generator(config.generator), builder.environment())
