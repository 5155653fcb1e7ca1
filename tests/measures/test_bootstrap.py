"""Would catch: intervals that depend on chance, treat a theorem's decisions as independent, or miss the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from proofsearch.measures.bootstrap import Bootstrap, Estimate, by_theorem

RNG = np.random.default_rng(5)


def width(estimate: Estimate) -> float:
    return estimate.high - estimate.low


def test_equal_seeds_give_equal_intervals_and_others_nearly_equal_ones() -> None:
    values = RNG.normal(size=(60, 1))
    first = Bootstrap(seed=1).means(values)
    assert first == Bootstrap(seed=1).means(values)
    (other,) = Bootstrap(seed=2).means(values)
    assert other != first[0]
    assert width(other) == pytest.approx(width(first[0]), rel=0.15)


def test_a_theorem_s_repeated_decisions_are_no_new_evidence() -> None:
    """Ten copies of each decision leave the interval as it is; as independent ones they would make it narrower."""
    values = RNG.integers(0, 2, size=80).astype(float)
    ones = np.ones(80)
    (once,) = Bootstrap().ratios(values[:, None], ones)
    (copied,) = Bootstrap().ratios(10 * values[:, None], 10 * ones)
    assert copied.value == pytest.approx(once.value)
    assert width(copied) == pytest.approx(width(once))
    independent = Bootstrap().mean(np.repeat(values, 10))
    assert width(independent) < width(once) / 2


def test_the_estimate_is_over_decisions_and_large_theorems_count_more() -> None:
    (estimate,) = Bootstrap().ratios([[9.0], [0.0]], [9, 1])
    assert estimate.value == 0.9


def test_intervals_agree_with_the_normal_ones_on_a_large_sample() -> None:
    values = RNG.normal(3, 2, size=400)
    estimate = Bootstrap(resamples=4000).mean(values)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert estimate.low == pytest.approx(values.mean() - half, abs=half / 8)
    assert estimate.high == pytest.approx(values.mean() + half, abs=half / 8)


def test_theorems_without_decisions_take_no_part() -> None:
    values, counts = np.array([[1.0], [0.0], [2.0], [0.0]]), np.array([1, 0, 4, 0])
    assert Bootstrap().ratios(values, counts) == Bootstrap().ratios(values[[0, 2]], counts[[0, 2]])


def test_nothing_is_said_that_can_not_be_said() -> None:
    (none,) = Bootstrap().ratios(np.zeros((0, 1)), np.zeros(0))
    assert math.isnan(none.value)
    (one,) = Bootstrap().ratios([[3.0]], [4])
    assert one.value == 0.75
    assert math.isnan(one.low)
    assert not one.above_zero
    assert not one.below_zero


def test_adding_up_by_theorem() -> None:
    table = by_theorem(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([2, 0, 2]), 4)
    assert table.tolist() == [[3, 4], [0, 0], [6, 8], [0, 0]]


def test_draws_that_are_kept_are_those_that_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    values = RNG.normal(size=(50, 3))
    kept = Bootstrap(seed=3).means(values)
    assert kept == Bootstrap(seed=3).means(values)
    monkeypatch.setattr("proofsearch.measures.bootstrap._KEPT", 0)
    assert kept == Bootstrap(seed=3).means(values)


def test_columns_together_have_the_intervals_that_each_has_alone() -> None:
    values = RNG.integers(-1, 2, size=(70, 4)).astype(float)
    assert Bootstrap().means(values) == [Bootstrap().mean(column) for column in values.T]
