"""Would catch: an inverted or unit-dependent measure, ties counted as wins, theorems mixed up, made-up numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.calibration import calibration_error
from proofsearch.measures.separation import LabelledStates, auroc, gap, histogram, nearness, separate

BOOTSTRAP = Bootstrap(200)


def states(theorems: int = 40, each: int = 30, seed: int = 0) -> LabelledStates:
    rng = np.random.default_rng(seed)
    positive = rng.random(theorems * each) < 0.5
    remaining = np.where(positive, rng.integers(1, 9, theorems * each), -1)
    return LabelledStates(positive, remaining, np.repeat(np.arange(theorems), each))


def test_auroc_is_the_part_of_pairs_that_are_ordered_and_ties_count_half() -> None:
    rng = np.random.default_rng(1)
    score, positive = rng.integers(0, 6, 60).astype(float), rng.random(60) < 0.4
    pairs = [(a > b) + (a == b) / 2 for a in score[positive] for b in score[~positive]]
    assert auroc(score, positive) == pytest.approx(float(np.mean(pairs)))


def test_oracle_anti_oracle_constant_and_chance() -> None:
    of = states()
    truth = np.where(of.positive, -of.remaining, -100).astype(float)
    perfect = separate(of, truth, BOOTSTRAP)
    assert (perfect.auroc, perfect.auroc_within.value, perfect.spearman.value) == (1, 1, pytest.approx(1))
    assert perfect.gap > 3
    inverted = separate(of, -truth, BOOTSTRAP)
    assert (inverted.auroc, inverted.auroc_within.value, inverted.spearman.value) == (0, 0, pytest.approx(-1))
    constant = separate(of, np.full(len(of), 0.1), BOOTSTRAP)
    assert (constant.auroc, constant.auroc_within.value, constant.spearman.value) == (0.5, 0.5, 0)
    noise = separate(of, np.random.default_rng(2).normal(size=len(of)), BOOTSTRAP)
    assert noise.auroc_within.low < 0.5 < noise.auroc_within.high
    assert noise.spearman.low < 0 < noise.spearman.high


def test_within_theorem_a_score_that_only_knows_the_theorem_is_worth_nothing() -> None:
    """Easy theorems have mostly positive states, so their difficulty alone separates the pooled states."""
    positive = np.array(([True] * 9 + [False]) * 20 + ([True] + [False] * 9) * 20)
    of = LabelledStates(positive, np.where(positive, 1, -1), np.repeat(np.arange(40), 10))
    found = separate(of, (of.theorem < 20).astype(float), BOOTSTRAP)
    assert found.auroc == pytest.approx(0.9)
    assert found.auroc_within.value == 0.5


def test_an_affine_change_of_units_changes_nothing() -> None:
    of = states()
    score = np.random.default_rng(3).normal(size=len(of)) + of.positive
    one, other = separate(of, score, BOOTSTRAP), separate(of, 40 * score - 7, BOOTSTRAP)
    assert (one.auroc, one.auroc_within, one.spearman) == (other.auroc, other.auroc_within, other.spearman)
    assert one.gap == pytest.approx(other.gap)
    assert calibration_error(of, score).error == pytest.approx(calibration_error(of, 40 * score - 7).error, abs=1e-3)


def test_states_without_a_score_take_no_part() -> None:
    of = states()
    score = np.random.default_rng(4).normal(size=len(of))
    missing = np.arange(len(of)) % 3 == 0
    holes = np.where(missing, math.nan, score)
    assert separate(of, holes, BOOTSTRAP) == separate(of.where(~missing), score[~missing], BOOTSTRAP)
    assert calibration_error(of, holes) == calibration_error(of.where(~missing), score[~missing])
    assert sum(histogram(of, holes).positive) == int((of.positive & ~missing).sum())


def test_only_theorems_that_can_say_something_count() -> None:
    of = LabelledStates(
        np.array([True, False, True, True, True, True, True]),
        np.array([2, -1, 1, 2, 3, 1, 1]),
        np.array([0, 0, 1, 1, 1, 2, 2]),
    )
    found = separate(of, np.array([1.0, 0, 3, 2, 1, 5, 4]), BOOTSTRAP)
    assert (found.auroc_theorems, found.spearman_theorems) == (1, 1)
    assert found.spearman.value == pytest.approx(1)


def test_gap_is_in_pooled_standard_deviations() -> None:
    high, low = np.array([4.0, 6]), np.array([0.0, 2])
    assert gap(high, low) == pytest.approx(4 / math.sqrt(2))
    for nothing in (gap(high, low[:0]), gap(np.full(2, 1.0), np.full(2, 0.0))):
        assert math.isnan(nothing)


def test_nearness_needs_different_distances() -> None:
    assert math.isnan(nearness(np.array([1.0, 2]), np.array([3, 3])))
    assert math.isnan(auroc(np.array([1.0, 2]), np.array([True, True])))


def logistic(of: LabelledStates, slope: float) -> NDArray[np.float64]:
    """A value for which the probability of being positive is logistic."""
    rng = np.random.default_rng(6)
    value = np.empty(len(of))
    for flag, want in ((True, of.positive), (False, ~of.positive)):
        pool = rng.normal(size=20 * len(of))
        taken = pool[(rng.random(len(pool)) < 1 / (1 + np.exp(-slope * pool))) == flag]
        value[want] = taken[: int(want.sum())]
    return value


def test_a_value_with_a_logistic_meaning_is_calibrated_and_a_distorted_one_is_not() -> None:
    of = states(theorems=100, each=40)
    value = logistic(of, 2)
    good = calibration_error(of, value)
    assert good.error < 0.03
    assert sum(part.states for part in good.bins) == len(of)
    # What it says is distorted, although it orders the states as before.
    assert calibration_error(of, np.sinh(3 * value)).error > 2 * good.error


def test_calibration_is_judged_on_other_theorems_and_needs_two() -> None:
    assert math.isnan(calibration_error(states(theorems=1), np.zeros(30)).error)
    of = states()
    assert calibration_error(of, np.where(of.positive, 1.0, 0)).error < 0.05


def test_one_odd_value_does_not_hide_the_others() -> None:
    of = states()
    score = np.random.default_rng(8).normal(size=len(of))
    score[0] = 1e9
    found = histogram(of, score)
    assert found.edges[-1] < 10
    assert sum(found.positive) + sum(found.negative) == len(of)
