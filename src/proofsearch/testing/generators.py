"""What holds for a tactic generator; see :class:`proofsearch.protocols.TacticGenerator`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Unpack

import numpy as np

from proofsearch.config import ComponentConfig
from proofsearch.errors import ProofsearchError
from proofsearch.models.confidence import summary_of
from proofsearch.protocols import (
    SUMMARY,
    Builder,
    Factory,
    GenerationRequest,
    PolicyStatistics,
    Prepares,
    ReportsStatistics,
    RepresentsStates,
    SumsUpStatistics,
    TacticGenerator,
)
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
from proofsearch.testing.scripts import add_proposal_checks
from proofsearch.types import Candidate

_RANGES = {
    "best": (-math.inf, 0.0),
    "second": (-math.inf, 0.0),
    "entropy": (0.0, math.inf),
    "moves": (0.0, math.inf),
    "admitted": (0.0, 1.0),
    "mass": (0.0, 1.0),
    "closes": (0.0, 1.0),
}
"""Of the statistics that have one."""

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
        return component.generate(self.requests(samples), n)

    def requests(self, samples: Sequence[Sample]) -> list[GenerationRequest]:
        """What it is asked about samples."""
        return [sample.generation_request(self._seeds.get(id(sample), 0)) for sample in samples]

    def difference(self, one: Sequence[Candidate], other: Sequence[Candidate]) -> str:
        """How two lists of candidates differ. Equally likely ones may stand in another order."""
        ones, others = sorted(one, key=_by_tactic), sorted(other, key=_by_tactic)
        if [candidate.tactic for candidate in ones] != [candidate.tactic for candidate in others]:
            return f"its tactics are {_tactics(one)} and {_tactics(other)}"
        for candidate, twin in zip(ones, others, strict=True):
            if candidate.num_tokens != twin.num_tokens or not self.close_to(candidate.logprob, twin.logprob):
                return f"a candidate is {candidate} and {twin}"
        return ""

    def statistics(
        self, component: TacticGenerator, samples: Sequence[Sample] | None = None
    ) -> Sequence[PolicyStatistics | None]:
        """How sure it says that it is at each sample; of all of them by default.

        Raises:
            NotApplicable: it doesn't say.
        """
        if not isinstance(component, ReportsStatistics):
            raise NotApplicable("it doesn't say how sure it is")
        asked = self.samples if samples is None else samples
        found = component.statistics(self.requests(asked), self.candidates)
        expect(len(found) == len(asked), f"it returned {len(found)} statistics for {len(asked)} states")
        return found

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


@GENERATOR_CHECKS.add
def statistics_in_range(case: GeneratorCase) -> str:
    """If it says how sure it is, it does so for each state, in range, and ``nan`` where it can't say."""
    found = case.statistics(case.component)
    for number, one in enumerate(found):
        for name, (low, high) in _RANGES.items():
            value = math.nan if one is None else getattr(one, name)
            fits = value != value or low - _ROUNDING <= value <= high + _ROUNDING
            expect(fits, f"state {number}: {name} is {value!r}, expected {low:g} to {high:g}, or nan")
    return f"for {sum(one is not None for one in found)} of {len(case.samples)} states"


@GENERATOR_CHECKS.add
def statistics_repeatable(case: GeneratorCase) -> None:
    """If it says how sure it is, it says the same when it is asked again, one by one, or after it suggested tactics."""
    first = [repr(one) for one in case.statistics(case.component)]
    case.answers(case.component, case.samples)
    expect(first == [repr(one) for one in case.statistics(case.component)], "asked again, its statistics differ")
    singles = [case.statistics(case.component, [sample])[0] for sample in case.samples]
    for number, (one, other) in enumerate(zip(case.statistics(case.component), singles, strict=True)):
        expect(_alike(one, other, case), f"state {number}: its statistics are {one} in a call of many, alone {other}")


@GENERATOR_CHECKS.add
def summaries_fit_statistics(case: GeneratorCase) -> None:
    """If it sums its statistics up itself, it comes to what they add up to."""
    component = case.component
    if not isinstance(component, SumsUpStatistics):
        raise NotApplicable("it leaves that to others")
    requests = [dataclasses.replace(request, moves=None) for request in case.requests(case.samples)]
    found = component.summaries(requests, case.candidates)
    expect(len(found) == len(requests), f"it returned {len(found)} summaries for {len(requests)} states")
    for number, (row, one) in enumerate(zip(found, case.statistics(component), strict=True)):
        expected = None if one is None else summary_of(one)
        if row is None or expected is None:
            expect(row is expected, f"state {number}: its summary is {row}, of {one}")
            continue
        for name, mine, theirs in zip(SUMMARY, row, expected, strict=True):
            fits = (mine != mine and theirs != theirs) or case.close_to(mine, theirs)
            expect(fits, f"state {number}: {name} is {mine} in its summary, and {theirs} by its statistics")


@GENERATOR_CHECKS.add
def statistics_change_nothing(case: GeneratorCase) -> None:
    """If it says how sure it is, what it suggests afterwards is what it suggests without having been asked."""
    case.statistics(case.component, [])
    with case.another() as unasked, case.another() as other:
        case.statistics(other)
        before, after = case.answers(unasked, case.samples), case.answers(other, case.samples)
        for number, (one, twin) in enumerate(zip(before, after, strict=True)):
            difference = case.difference(one, twin)
            expect(not difference, f"state {number}: after it said how sure it is, {difference}")


@GENERATOR_CHECKS.add
def vectors_fit(case: GeneratorCase) -> str:
    """If it gives its vectors of states, they have its width, are finite, and the same when it is asked again."""
    if not isinstance(case.component, RepresentsStates):
        raise NotApplicable("it gives no vectors of states")
    requests = [sample.generation_request(0) for sample in case.samples]
    rows, again = case.component.represent(requests), case.component.represent(requests)
    wanted = (len(requests), case.component.representation_width)
    expect(rows.shape == wanted, f"its vectors have the shape {rows.shape}, expected {wanted}")
    expect(bool(np.isfinite(rows).all()), "its vectors are not finite")
    expect(bool(np.allclose(rows, again, rtol=case.tolerance, atol=case.tolerance)), "asked again, its vectors differ")
    return f"{wanted[1]} columns"


add_proposal_checks(GENERATOR_CHECKS)
add_closing_check(GENERATOR_CHECKS)


def _alike(one: PolicyStatistics | None, other: PolicyStatistics | None, case: GeneratorCase) -> bool:
    if one is None or other is None:
        return one is other
    pairs = [(getattr(one, name), getattr(other, name)) for name in PolicyStatistics.__slots__]
    return all((a != a and b != b) or case.close_to(a, b) for a, b in pairs)


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
