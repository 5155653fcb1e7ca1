"""What a search comes back with, and what a run keeps of it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proofsearch.graph import SearchGraph
from proofsearch.protocols.abilities import Usage
from proofsearch.types import Verdict


class SearchStatus(enum.StrEnum):
    """Why a search ended."""

    PROVED = "proved"
    """The independent check accepted a finished path."""
    FINISHED = "finished"
    """A path finished, and no check was given. Not proved: only a verdict says that."""
    EXHAUSTED = "exhausted"
    """No node is left to expand: with this generator, candidate count and depth there is no proof."""
    LIMIT = "limit"
    """A limit was reached; ``limit_hit`` says which."""
    CANCELLED = "cancelled"
    """The caller asked it to stop."""
    FAILED = "failed"
    """The session gave no initial state; ``messages`` says why."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The outcome of one search. Results compare equal when the searches went the same way: times are left out.

    Attributes:
        theorem: the theorem's name.
        status: why the search ended.
        limit_hit: the field of :class:`~proofsearch.types.Limit` that ended it; ``None`` unless status is ``limit``.
        tactics: the path that ended the search, when status is ``proved`` or ``finished``; else ``None``.
        verdict: the verdict on it, when status is ``proved``; else ``None``.
        proof: the written proof that the verdict is on; ``None`` where the check wrote none.
        expansions: nodes expanded, one cut short by a limit or a proof included.
        steps: tactics tried.
        generated: states sent to the generator.
        scored: states sent to the scorer; one that follows paths gets a state again when a better path is found.
        unscored: those of them that got no value.
        scorer_failures: scorer calls that raised, or returned a wrong number of values.
        refused: finished paths that the check refused.
        nodes: distinct states reached.
        edges: steps recorded, equal to ``steps``.
        messages: what a person should know: the first failure of the scorer, whether the search gave it up, the first
            refusal of the check, the first crash of the prover.
        seconds: wall-clock time without verification.
        generate_seconds, step_seconds, score_seconds: its parts spent in the generator (with the environment's
            ``moves``), in the session, and in the scorer.
        engine_seconds: the rest of it: the search's own work and its observers'.
        accept_seconds: time in verification, not part of ``seconds``.
        graph: everything that was found.
        unsuggested: expanded nodes for which the generator suggested nothing.
        misscored: those of the unscored states where the scorer failed: its call raised, or what it said was no finite
            number.
        warnings: what components did against their contracts without ending the search, each naming the component
            and its method: the first of each kind. All of them are in ``messages`` too.
        trace: where the scorer's first failure was raised, as text; empty where there was none.
        usage: the most that the prover used, of those times that it was asked; ``None`` where it never was.
        replacements: how often the prover was replaced because it used more than it may.
        generate_calls: how often the generator was asked, of one or more states each time.
        score_calls: the same of the scorer.
        tokens_in, tokens_out: tokens that the policy read and wrote; ``None`` where it doesn't count them.
        processor_seconds: how long processors worked for the search, without verification: in the worker and in the
            prover's own processes. What others compute for it, such as a model's server or a GPU, is not in it.
        prover_processor_seconds: the part of it that steps took.
    """

    theorem: str
    status: SearchStatus
    limit_hit: str | None
    tactics: tuple[str, ...] | None
    verdict: Verdict | None
    expansions: int
    steps: int
    generated: int
    scored: int
    unscored: int
    scorer_failures: int
    refused: int
    nodes: int
    edges: int
    messages: tuple[str, ...]
    seconds: float = field(compare=False)
    generate_seconds: float = field(compare=False)
    step_seconds: float = field(compare=False)
    score_seconds: float = field(compare=False)
    engine_seconds: float = field(compare=False)
    accept_seconds: float = field(compare=False)
    graph: SearchGraph = field(compare=False, repr=False)
    unsuggested: int = 0
    misscored: int = 0
    warnings: tuple[str, ...] = ()
    proof: str | None = field(default=None, repr=False)
    trace: str = field(default="", compare=False, repr=False)
    usage: Usage | None = field(default=None, compare=False)
    replacements: int = field(default=0, compare=False)
    generate_calls: int = 0
    score_calls: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None
    processor_seconds: float | None = field(default=None, compare=False)
    prover_processor_seconds: float | None = field(default=None, compare=False)

    @property
    def model_calls(self) -> int:
        """States sent to the generator plus states sent to the scorer."""
        return self.generated + self.scored


@dataclass(frozen=True, slots=True)
class TheoremResult:
    """What came of one theorem.

    Attributes:
        theorem: its name.
        status: of the search: ``"proved"``, ``"finished"``, ``"exhausted"``, ``"limit"``, ``"cancelled"`` or
            ``"failed"``; ``"failed"`` too where the worker gave no result.
        verdict: what the independent check said of the finished proof; ``None`` where nothing was finished.
        limit_hit: which bound of :class:`proofsearch.types.Limit` stopped the search; ``""`` if none did.
        tactics: the steps of the finished proof.
        expansions: nodes expanded.
        steps: tactics tried.
        generated: states sent to the tactic generator.
        scored: states sent to the value scorer; one that follows paths gets some of them again.
        unscored: those that got no value.
        scorer_failures: calls of the scorer that failed.
        refused: finished proofs that the check refused.
        nodes: nodes of the search graph.
        edges: edges of the search graph.
        seconds: wall-clock time of the search, without verification.
        seconds_by_part: where it went: ``generate``, ``step``, ``score``, ``engine``; and ``accept``, the time of
            verification, on top.
        usage: the most that the prover used, of those times that it was asked: ``memory`` in bytes, its children's
            included, ``processes``, and the ``states`` that it held; empty where it never was.
        replacements: how often the prover was replaced because it used more than it may.
        messages: what the search had to report, in order.
        attempts: how often the theorem was tried, at least 1.
        failure: ``""``, or why there is no result, as :attr:`proofsearch.protocols.JobResult.failure`.
        message: more about the failure.
        seed: of the search.
        search_id: of the trajectory; ``""`` where none was recorded.
        proof_file: the written proof, relative to the run folder; ``""`` where there is none.
        unsuggested: expanded nodes for which the generator suggested nothing.
        misscored: those of the unscored states where the scorer failed, and did not say that it has no value.
        warnings: what components did against their contracts without ending the search, each naming the component and
            its method.
        traceback: where the failure, or else the first warning, was raised; ``""`` where nothing was.
        generate_calls: how often the generator was asked, of one or more states each time.
        score_calls: the same of the scorer.
        tokens_in, tokens_out: tokens that the policy read and wrote.
        processor_seconds: how long processors worked for the search, without verification: in the worker and in the
            prover's own processes; not in equality, as times differ.
        prover_processor_seconds: the part of it that steps took.

    The last six are ``None`` where they were not counted: missing is not zero.
    """

    theorem: str
    status: str
    verdict: Verdict | None = None
    limit_hit: str = ""
    tactics: tuple[str, ...] = ()
    expansions: int = 0
    steps: int = 0
    generated: int = 0
    scored: int = 0
    unscored: int = 0
    scorer_failures: int = 0
    refused: int = 0
    nodes: int = 0
    edges: int = 0
    seconds: float = 0.0
    seconds_by_part: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, float] = field(default_factory=dict)
    replacements: int = 0
    messages: tuple[str, ...] = ()
    attempts: int = 1
    failure: str = ""
    message: str = ""
    seed: int = 0
    search_id: str = ""
    proof_file: str = ""
    unsuggested: int = 0
    misscored: int = 0
    warnings: tuple[str, ...] = ()
    traceback: str = ""
    generate_calls: int | None = None
    score_calls: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    processor_seconds: float | None = field(default=None, compare=False)
    prover_processor_seconds: float | None = field(default=None, compare=False)

    @property
    def tokens(self) -> int | None:
        """Tokens that the policy read and wrote; ``None`` where they were not counted."""
        return None if self.tokens_in is None or self.tokens_out is None else self.tokens_in + self.tokens_out

    @property
    def proved(self) -> bool:
        """Whether an independent check accepted a proof. Nothing else makes a theorem proved."""
        return self.verdict is not None and self.verdict.proved

    @property
    def ending(self) -> str:
        """How it ended, for people: ``"proved"``, ``"stopped at the limit on …"``, the status, or the failure."""
        if self.proved:
            return "proved"
        return self.failure or (f"stopped at the limit on {self.limit_hit}" if self.limit_hit else self.status)

    @classmethod
    def from_search(cls, search: SearchResult, *, seed: int, search_id: str = "", attempts: int = 1) -> TheoremResult:
        """What a search came back with, without its graph.

        Args:
            search: the result of the search.
            seed: of the search.
            search_id: of its trajectory; empty where none is recorded.
            attempts: how often the theorem was tried, this time included.
        """
        shared = {entry.name for entry in dataclasses.fields(cls)} & {
            entry.name for entry in dataclasses.fields(search)
        }
        values: dict[str, Any] = {name: getattr(search, name) for name in shared}
        values |= {
            "status": str(search.status),
            "limit_hit": search.limit_hit or "",
            "tactics": search.tactics or (),
            "seconds_by_part": {
                "generate": search.generate_seconds,
                "step": search.step_seconds,
                "score": search.score_seconds,
                "engine": search.engine_seconds,
                "accept": search.accept_seconds,
            },
            "usage": {} if search.usage is None else dataclasses.asdict(search.usage),
            "traceback": search.trace,
        }
        return cls(**values, attempts=attempts, seed=seed, search_id=search_id)
