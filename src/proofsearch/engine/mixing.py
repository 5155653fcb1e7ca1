"""The priorities that mix value and log-probability on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from proofsearch.engine.standardisation import (
    DEFAULT_GOAL_WEIGHT,
    EQUAL_WEIGHT,
    Standardisation,
    mean_and_std,
    tidied,
)
from proofsearch.errors import UsageError
from proofsearch.protocols import Linear, PriorityTraits

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Calibration, Priority, PriorityColumns


ZERO = 2.0
"""How many standard deviations above its mean a calibrated value stands for nothing left to do.

Costs are at least 0, so better values than that are no longer told apart. With the mean itself for zero half of them
weren't, and a search lost most of what the value gained (docs/decisions.md).
"""


class Mix:
    """``mix``: (1 − value_weight)·z(L) + value_weight·z(v).

    z standardises by the scorer's calibration; without one, by mean and standard deviation over the first scored nodes
    of the search.

    Args:
        value_weight: in [0, 1]; ``None``: the calibration's, else one half.
        warmup: how many scored nodes fix the standardisation where there is no calibration, at least 2.
    """

    traits: ClassVar = PriorityTraits(fitted_goals=True)

    def __init__(self, value_weight: float | None = None, warmup: int = 64) -> None:
        self._value_weight = value_weight
        self._warmup = warmup

    def begin(self, graph: SearchGraph, calibration: Calibration | None) -> Priority:
        """Returns a plain formula where there is a calibration, else one that learns its scale."""
        if calibration is None:
            return WarmingMix(graph, or_default(self._value_weight, EQUAL_WEIGHT), self._warmup)
        return CalibratedMix(
            Standardisation.from_calibration(calibration), or_default(self._value_weight, calibration.value_weight)
        )

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """Never asked: each search begins one of its own."""
        raise AssertionError("mix is begun anew in each search")

    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        """The weights by the calibration; without a scorer those of ``logprob``.

        Raises:
            UsageError: there is a scorer, and it knows no calibration.
        """
        if not scored:
            return Linear(path=1.0, value=0.0, best=0.0, goals=default_goals(goal_weight))
        if calibration is None:
            raise UsageError(
                "--priority mix: the and-or search needs a scorer that knows its calibration, since it compares the "
                "costs of parts from the first expansion on; use a calibrated scorer such as ebm, or --priority astar"
            )
        weight = or_default(self._value_weight, calibration.value_weight)
        scale = Standardisation.from_calibration(calibration)
        return Linear(
            path=(1 - weight) * scale.logprob_scale,
            value=weight * scale.value_scale,
            best=calibration.value_mean + ZERO * calibration.value_std,
            goals=or_default(goal_weight, calibration.goal_weight),
        )


class CalibratedMix:
    """``mix`` on a scale that is known from the start."""

    traits: ClassVar = PriorityTraits(fitted_goals=True)

    def __init__(self, scale: Standardisation, value_weight: float) -> None:
        self._scale = scale
        self._weight = value_weight

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """The mixture; z(L) alone where the value is missing."""
        scale, weight = self._scale, self._weight
        values, logprobs = columns.value, columns.logprob
        total = sum(values)
        if total == total:  # values are finite or nan, so none is missing; a call for each would take most of the time
            mean, slope = scale.value_mean, weight * scale.value_scale
            middle, steepness = scale.logprob_mean, (1 - weight) * scale.logprob_scale
            mixed = [
                (logprob - middle) * steepness + (value - mean) * slope
                for value, logprob in zip(values, logprobs, strict=True)
            ]
        else:
            mixed = [scale.mixed(value, logprob, weight) for value, logprob in zip(values, logprobs, strict=True)]
        return tidied(mixed)


class WarmingMix:
    """``mix`` on a scale that the search itself shows.

    It is standardised by the scored nodes, counted in the order of creation. The estimate is made at 2, 4, 8, … of them
    and last at ``warmup``, and stands in between, so that at any moment all priorities are on one scale; until the
    first it orders by log-probability alone, as open goals can't be weighed against it without a scale.
    """

    traits: ClassVar = PriorityTraits(counts_goals=False)

    def __init__(self, graph: SearchGraph, value_weight: float, warmup: int) -> None:
        self._graph = graph
        self._weight = value_weight
        self._warmup = warmup
        self._scale: Standardisation | None = None
        self._sample: list[tuple[float, float]] = []
        self._next_estimate = 2

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """The mixture less the goals, once there is a scale."""
        if self._scale is None:
            return columns.logprob
        scale, weight, goal_weight = self._scale, self._weight, columns.goal_weight
        mixed = [
            scale.mixed(value, logprob, weight) for value, logprob in zip(columns.value, columns.logprob, strict=True)
        ]
        return [score - goal_weight * goals for score, goals in zip(tidied(mixed), columns.num_goals, strict=True)]

    def observe(self, nodes: Sequence[int]) -> bool:
        """Takes notice of scored nodes; whether the scale changed."""
        sample, warmup, graph = self._sample, self._warmup, self._graph
        if len(sample) >= warmup:
            return False
        for node in nodes:
            value = graph.value[node]
            if value == value and len(sample) < warmup:
                sample.append((value, graph.logprob[node]))
        if len(sample) < self._next_estimate:
            return False
        while self._next_estimate <= len(sample):
            self._next_estimate *= 2
        self._next_estimate = min(self._next_estimate, warmup)
        values, logprobs = zip(*sample, strict=True)
        self._scale = Standardisation(*mean_and_std(values), *mean_and_std(logprobs))
        return True


def or_default(given: float | None, default: float) -> float:
    """A weight that was given, or else its default."""
    return default if given is None else given


def default_goals(goal_weight: float | None) -> float:
    """The weight of goals, where none is given the default."""
    return or_default(goal_weight, DEFAULT_GOAL_WEIGHT)
