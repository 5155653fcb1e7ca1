"""The checks of priorities: a sound one passes, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from conforming import failed

from proofsearch.graph import SearchGraph
from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import Calibration, Linear, Priority, PriorityColumns, PriorityTraits
from proofsearch.testing import check_priority


class Sum:
    """Log-probability and value; what is broken overrides one method."""

    traits: Any = PriorityTraits()

    def __init__(self, config: object = None, builder: object = None) -> None:
        pass

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        pairs = zip(columns.logprob, columns.value, strict=True)
        return [logprob + value if value == value else logprob for logprob, value in pairs]

    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        return Linear(1.0, 1.0 if scored else 0.0, 0.0, 1.0 if goal_weight is None else goal_weight)


class Fickle(Sum):
    asked = itertools.count()

    @property
    def traits(self) -> PriorityTraits:
        return PriorityTraits(fitted_goals=next(self.asked) % 2 == 0)

    @traits.setter
    def traits(self, value: object) -> None:
        raise AssertionError


class Infinite(Sum):
    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        return [-math.inf if tokens == 2 else 0.0 for tokens in columns.num_tokens]

    linear: Any = None


class Short(Sum):
    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        return super().__call__(columns)[:1]


class Relative(Sum):
    """Depends on what else is asked about."""

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        found = super().__call__(columns)
        return [one - max(found) for one in found]

    linear: Any = None


class Positional(Sum):
    """Depends on the place in the call."""

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        return [one - place for place, one in enumerate(super().__call__(columns))]

    linear: Any = None


class Numbered(Sum):
    made = itertools.count()

    def __init__(self, config: object = None, builder: object = None) -> None:
        self.number = next(self.made)

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        return [one - self.number for one in super().__call__(columns)]


class Peeking(Sum):
    traits: ClassVar = PriorityTraits(uses_value=False)

    linear: Any = None


class Heavier(Sum):
    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        return Linear(2.0, 1.0, 0.0, 0.5)


class CountsTwice(Sum):
    """Counts goals itself, and has the order do it too."""

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        pairs = zip(super().__call__(columns), columns.num_goals, strict=True)
        return [one - columns.goal_weight * goals for one, goals in pairs]


class Lopsided(Sum):
    share = 1.5

    @property
    def second(self) -> Priority:
        return Sum()


class Mute(Sum):
    def observe(self, nodes: Sequence[int]) -> Any:
        return 0


class Anew(Sum):
    """Another object in each search."""

    def begin(self, graph: SearchGraph, calibration: Calibration | None) -> Priority:
        return Sum()


class Refusing(Anew):
    def begin(self, graph: SearchGraph, calibration: Calibration | None) -> Priority:
        return Failing()


class Failing(Sum):
    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        if any(depth > 1 for depth in columns.depth):
            raise ValueError("too deep")
        return super().__call__(columns)


def test_a_sound_priority_passes() -> None:
    report = check_priority(Sum)
    assert {"one finite priority a node", "adds up", "orders searches"} <= set(report.names("passed"))
    assert check_priority(Anew).names("skipped")


@pytest.mark.parametrize(
    ("priority", "check"),
    [
        (Fickle, "steady traits"),
        (Infinite, "one finite priority a node"),
        (Relative, "a function of its columns"),
        (Positional, "a function of its columns"),
        (Numbered, "another instance agrees"),
        (Peeking, "values count or not"),
        (Heavier, "adds up"),
        (CountsTwice, "adds up"),
        (Lopsided, "a sound second queue"),
        (Mute, "says what it learnt"),
    ],
)
def test_a_broken_priority_fails_that_check_alone(priority: type[Sum], check: str) -> None:
    assert failed(check_priority, priority) == [check]


def test_one_that_fails_in_searches_is_found_by_them() -> None:
    assert "orders searches" in failed(check_priority, Refusing)


def test_too_few_priorities_are_found_by_every_search_too() -> None:
    assert "one finite priority a node" in failed(check_priority, Short)


def test_the_priorities_that_come_along_pass() -> None:
    from proofsearch.testing import SampleBuilder

    with SampleBuilder() as builder:
        for entry in Plugins.discover().registry("priority"):
            assert check_priority(entry.factory, None, builder=builder, name=entry.name).conforms
