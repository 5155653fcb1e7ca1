"""What holds for a tactic generator; see :class:`proofsearch.protocols.TacticGenerator`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Unpack

from proofsearch.config import ComponentConfig
from proofsearch.errors import ProofsearchError
from proofsearch.protocols import Builder, Factory, Prepares, TacticGenerator
from proofsearch.testing.cases import CONFIG_CHECKS, add_closing_check
from proofsearch.testing.checking import CheckOptions, check
from proofsearch.testing.checks import (
    Checks,
    NotApplicable,
    Report,
    brief,
    expect,
)
from proofsearch.testing.requests import RequestCase, add_request_checks
from proofsearch.testing.samples import Sample, states_of
from proofsearch.types import Candidate

_ROUNDING = 1e-6
"""How far above 0 a log-probability may lie; the search takes it as 0."""


class GeneratorCase(RequestCase[TacticGenerator, Sequence[Candidate]]):
    """A generator under check.

    The arguments are those of :func:`check_generator`.
    """

    def __init__(
        self,
        factory: Factory,
        config: ComponentConfig | None,
        builder: Builder,
        samples: Sequence[Sample],
        tolerance: float,
        shared: bool,
        candidates: int,
    ) -> None:
        super().__init__(factory, config, builder, samples, tolerance, shared)
        self.candidates = candidates
        # A state is asked about with the same seed wherever it stands in a call.
        self._seeds = {id(sample): number for number, sample in enumerate(samples)}

    def answers(self, component: TacticGenerator, samples: Sequence[Sample]) -> Sequence[Sequence[Candidate]]:
        """The candidates of the requests' states."""
        return self.suggestions(component, samples, self.candidates)

    def suggestions(
        self, component: TacticGenerator, samples: Sequence[Sample], n: int
    ) -> Sequence[Sequence[Candidate]]:
        """At most so many candidates a sample."""
        requests = [sample.generation_request(self._seeds.get(id(sample), 0)) for sample in samples]
        return component.generate(requests, n)

    def difference(self, one: Sequence[Candidate], other: Sequence[Candidate]) -> str:
        """How two lists of candidates differ. Equally likely ones may stand in another order."""
        ones, others = sorted(one, key=_by_tactic), sorted(other, key=_by_tactic)
        if [candidate.tactic for candidate in ones] != [candidate.tactic for candidate in others]:
            return f"its tactics are {_tactics(one)} and {_tactics(other)}"
        for candidate, twin in zip(ones, others, strict=True):
            if candidate.num_tokens != twin.num_tokens or not self.close_to(candidate.logprob, twin.logprob):
                return f"a candidate is {candidate} and {twin}"
        return ""

    def all_candidates(self) -> list[Candidate]:
        """The candidates of all samples.

        Raises:
            NotApplicable: there are none.
        """
        found = [candidate for candidates in self.ask(self.samples) for candidate in candidates]
        if not found:
            raise NotApplicable("it suggests nothing: see 'suggests something'")
        return found


GENERATOR_CHECKS: Checks[GeneratorCase] = Checks("generator", CONFIG_CHECKS)
"""What is checked of a generator."""


@GENERATOR_CHECKS.add
def prepares_twice(case: GeneratorCase) -> None:
    """If it prepares something before a run, it can do so again when that is there already."""
    if not isinstance(case.component, Prepares):
        raise NotApplicable("it has nothing to prepare")
    case.component.prepare()
    with case.another() as other:
        assert isinstance(other, Prepares)
        other.prepare()


add_request_checks(GENERATOR_CHECKS)


@GENERATOR_CHECKS.add
def suggests_something(case: GeneratorCase) -> str:
    """For some of the states it has candidates; without any, nothing else can be checked."""
    with_some = sum(bool(candidates) for candidates in case.ask(case.samples))
    expect(with_some, f"it has no candidate for any of {len(case.samples)} states: try those of another environment")
    return f"candidates for {with_some} of {len(case.samples)} states"


@GENERATOR_CHECKS.add
def at_most_as_many_as_asked(case: GeneratorCase) -> None:
    """It returns at most as many candidates as it is asked for."""
    for n in (1, 2, case.candidates):
        most = max(len(found) for found in case.suggestions(case.component, case.samples, n))
        expect(most <= n, f"asked for {n}, it returned {most} candidates for a state")


@GENERATOR_CHECKS.add
def no_tactic_twice(case: GeneratorCase) -> None:
    """No tactic is suggested twice for a state."""
    for number, candidates in enumerate(case.ask(case.samples)):
        tactics = [candidate.tactic for candidate in candidates]
        twice = [tactic for tactic in tactics if tactics.count(tactic) > 1]
        expect(not twice, f"state {number}: {brief(twice[:1])} is suggested twice")


@GENERATOR_CHECKS.add
def best_first(case: GeneratorCase) -> None:
    """The candidates of a state come with falling log-probability."""
    for number, candidates in enumerate(case.ask(case.samples)):
        logprobs = [candidate.logprob for candidate in candidates]
        ranked = all(one >= other - _ROUNDING or one != one or other != other for one, other in pairwise(logprobs))
        expect(ranked, f"state {number}: the log-probabilities are {brief(logprobs)}")


@GENERATOR_CHECKS.add
def finite(case: GeneratorCase) -> None:
    """A log-probability is a finite number, and a tactic is a text of at least one token."""
    for candidate in case.all_candidates():
        expect(math.isfinite(candidate.logprob), f"{candidate}: leave out what has probability 0")
        expect(isinstance(candidate.tactic, str), f"{candidate}: its tactic is no text")
        expect(isinstance(candidate.num_tokens, int) and candidate.num_tokens >= 1, f"{candidate}: has no tokens")


@GENERATOR_CHECKS.add
def probabilities(case: GeneratorCase) -> None:
    """Log-probabilities are at most 0, and the probabilities of a state's candidates add up to at most 1."""
    for number, candidates in enumerate(case.ask(case.samples)):
        logprobs = [candidate.logprob for candidate in candidates if candidate.logprob == candidate.logprob]
        highest = max(logprobs, default=0.0)
        expect(highest <= _ROUNDING, f"state {number}: a log-probability is {highest:.6g}; normalise scores first")
        total = sum(map(math.exp, logprobs))
        expect(total <= 1 + 1e-3, f"state {number}: the probabilities add up to {total:.4f}")


@GENERATOR_CHECKS.add
def works_without_moves(case: GeneratorCase) -> str:
    """If the environment can't enumerate moves, it suggests what it can, or says what it needs."""
    bare = [dataclasses.replace(sample, moves=None) for sample in case.samples]
    try:
        case.answers(case.component, bare)
    except ProofsearchError as error:
        return f"it needs moves, and says so: {error}"
    return ""


add_closing_check(GENERATOR_CHECKS)


def _by_tactic(candidate: Candidate) -> tuple[str, float]:
    return candidate.tactic, candidate.logprob


def _tactics(candidates: Sequence[Candidate]) -> str:
    return brief([candidate.tactic for candidate in candidates])


def check_generator(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    samples: Sequence[Sample] | None = None,
    candidates: int = 8,
    tolerance: float = 1e-4,
    shared: bool = False,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks a tactic generator against its contract.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        samples: the states to suggest tactics for; default: states of the builder's environment.
        candidates: how many to ask for, at least 1.
        tolerance: how far log-probabilities may differ that should be equal, absolutely and as a share.
        shared: whether it is registered as shared.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of a generator that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """

    def make_case(builder: Builder, opened: ExitStack) -> GeneratorCase:
        chosen = states_of(builder, opened) if samples is None else samples
        return GeneratorCase(factory, config, builder, chosen, tolerance, shared, candidates)

    return check(GENERATOR_CHECKS, make_case, factory, options)
