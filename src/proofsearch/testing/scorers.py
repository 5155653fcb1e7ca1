"""What holds for a value scorer; see :class:`proofsearch.protocols.ValueScorer`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from numbers import Real
from typing import Unpack

from proofsearch.config import ComponentConfig
from proofsearch.protocols import Builder, Calibrated, Factory, ValueScorer, follows_paths
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

Better = Sequence[tuple[Sample, Sample]]
"""Pairs of states, of which the first should have the higher value."""


class ScorerCase(RequestCase[ValueScorer, "float | None"]):
    """A scorer under check, with what is known of its values; the arguments are those of :func:`check_scorer`."""

    def __init__(
        self,
        factory: Factory,
        config: ComponentConfig | None,
        builder: Builder,
        samples: Sequence[Sample],
        tolerance: float,
        shared: bool,
        better: Better,
        least_share: float,
    ) -> None:
        super().__init__(factory, config, builder, samples, tolerance, shared)
        self.better = better
        self.least_share = least_share

    def answers(self, component: ValueScorer, samples: Sequence[Sample]) -> Sequence[float | None]:
        """The values of the requests' states."""
        return component.score([sample.score_request for sample in samples])

    def difference(self, one: float | None, other: float | None) -> str:
        """How two values differ."""
        if one is None or other is None:
            return "" if one is other else f"its value is {one} and {other}"
        return "" if self.close_to(one, other, 1e-9) else f"its value is {one:.9g} and {other:.9g}"


SCORER_CHECKS: Checks[ScorerCase] = Checks("scorer", CONFIG_CHECKS)
"""What is checked of a scorer."""

add_request_checks(SCORER_CHECKS)


@SCORER_CHECKS.add
def finite(case: ScorerCase) -> str:
    """A value is a finite number, or ``None`` where there is none."""
    values = case.ask(case.samples)
    for number, value in enumerate(values):
        if value is not None:
            expect(isinstance(value, Real), f"state {number}: its value is a {type(value).__name__}: {value!r}")
            expect(math.isfinite(value), f"state {number}: its value is {value!r}; say None where there is none")
    missing = sum(value is None for value in values)
    return f"{missing} of {len(values)} states have no value" if missing else ""


@SCORER_CHECKS.add
def follows_its_path(case: ScorerCase) -> None:
    """If a value changes with the path to a state, the scorer has ``follows_paths`` and is asked again."""
    if follows_paths(case.component):
        raise NotApplicable("it has follows_paths")
    for number, sample in enumerate(case.samples):
        value, other = case.ask([sample, replace(sample, depth=sample.depth + 1, logprob=sample.logprob - 1)])
        if value is not None and other is not None:
            difference = case.difference(value, other)
            expect(not difference, f"state {number}, reached by one step more: {difference}; say follows_paths = True")


@SCORER_CHECKS.add
def polarity(case: ScorerCase) -> str:
    """Higher is better: of two states, that from which a proof is nearer has the higher value."""
    if not case.better:
        raise NotApplicable("no pairs of a better and a worse state are given")
    values = case.ask([sample for pair in case.better for sample in pair])
    right = compared = 0.0
    for number, (better, worse) in enumerate(case.better):
        good, bad = values[2 * number : 2 * number + 2]
        if good is None or bad is None:
            continue
        expect(
            good > bad or case.least_share < 1,
            f"{good:.6g} for {brief(better.state.text)}, which is better than {brief(worse.state.text)} with {bad:.6g}",
        )
        compared += 1
        right += 1.0 if good > bad else 0.5 if good == bad else 0.0
    if not compared:
        raise NotApplicable("no pair of states has two values")
    found = f"{100 * right / compared:.0f}% of {compared:.0f} pairs have the better state first"
    expect(right >= case.least_share * compared, f"{found}: it seems to say lower for better")
    return found


@SCORER_CHECKS.add
def usable_calibration(case: ScorerCase) -> None:
    """If it has a calibration, that is finite, with positive deviations and weights in their bounds."""
    if not isinstance(case.component, Calibrated):
        raise NotApplicable("it has no calibration")
    found = case.component.calibration()
    numbers = (found.value_mean, found.logprob_mean, found.value_std, found.logprob_std, found.goal_weight, found.scale)
    expect(all(map(math.isfinite, numbers)), f"a number is not finite: {found}")
    expect(found.value_std > 0 and found.logprob_std > 0, f"a standard deviation is not above 0: {found}")
    expect(0 <= found.value_weight <= 1, f"value_weight is {found.value_weight}, expected 0 to 1")
    expect(found.goal_weight >= 0 and found.scale > 0, f"goal_weight is below 0, or scale not above: {found}")


add_closing_check(SCORER_CHECKS)


def check_scorer(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    samples: Sequence[Sample] | None = None,
    better: Better = (),
    least_share: float = 1.0,
    tolerance: float = 1e-4,
    shared: bool = False,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks a value scorer against its contract.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        samples: the states to score; default: states of the builder's environment.
        better: pairs of samples, the first of which must have the higher value.
        least_share: the share of these pairs that must come out right, in [0, 1].
        tolerance: how far numbers may differ that should be equal, as a share of the larger.
        shared: whether it is registered as shared.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of a scorer that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """

    def make_case(builder: Builder, opened: ExitStack) -> ScorerCase:
        chosen = states_of(builder, opened) if samples is None else samples
        return ScorerCase(factory, config, builder, chosen, tolerance, shared, better, least_share)

    return check(SCORER_CHECKS, make_case, factory, options)
