"""How the value is weighed against log-probability: the fit, its scale, and the honesty of the gain."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from proofsearch.trainers.mixing import ChoiceSets, Mixing, fit_mixing, fit_weights


def make_sets(rng, count=400, members=6, weights=(1.0, 0.0, 0.0), theorems=80, value_is=None):
    """Sets whose good member is drawn by a conditional logit with the given weights of logprob, value and goals."""
    size = count * members
    logprob, goals = rng.normal(-3, 2, size), rng.integers(1, 6, size).astype(float)
    value = rng.normal(5, 3, size) if value_is is None else value_is(logprob, goals)
    utility = (weights[0] * logprob + weights[1] * value - weights[2] * goals).reshape(count, members)
    chosen = (utility + rng.gumbel(size=utility.shape)).argmax(axis=1)
    positive = np.zeros((count, members), bool)
    positive[np.arange(count), chosen] = True
    return ChoiceSets(
        logprob,
        value,
        goals,
        positive.ravel(),
        np.arange(0, size + 1, members, dtype=np.int64),
        rng.integers(0, theorems, count),
    )


def test_fit_finds_the_weights_that_made_the_choices():
    sets = make_sets(np.random.default_rng(0), count=4000, weights=(0.8, 0.5, 0.3))
    found = fit_weights(sets, use_value=True)
    assert found == pytest.approx((0.8, 0.5, 0.3), rel=0.12)
    assert fit_weights(sets, use_value=False)[1] == 0


def test_weights_are_never_negative_and_the_others_are_fitted_without_the_excluded_one():
    # A value that is the wrong way round must get 0, not a negative weight or a crippled fit of the rest.
    sets = make_sets(np.random.default_rng(1), count=3000, weights=(0.8, -0.5, 0.3))
    a, b, c = fit_weights(sets, use_value=True)
    assert b == 0
    assert (a, c) == pytest.approx(fit_weights(sets, use_value=False)[::2])
    assert a > 0.4


def test_core_priority_orders_like_the_fitted_utility():
    # The formulas w = b·σ_v/s and g = c/s: with one of them wrong, the search would not use what was fitted.
    sets = make_sets(np.random.default_rng(2), weights=(1.0, 0.6, 0.7))
    mixing = fit_mixing(sets, resamples=200, rng=np.random.default_rng(0))
    a, b, c = fit_weights(sets, use_value=True)
    calibration = mixing.calibration()
    z_logprob = (sets.logprob - calibration.logprob_mean) / calibration.logprob_std
    z_value = (sets.value - calibration.value_mean) / calibration.value_std
    weight = calibration.value_weight
    priority = (1 - weight) * z_logprob + weight * z_value - calibration.goal_weight * sets.goals
    utility = a * sets.logprob + b * sets.value - c * sets.goals
    scale = a * calibration.logprob_std + b * calibration.value_std
    assert np.ptp(utility / scale - priority) < 1e-9


def test_helpful_value_has_an_interval_above_zero_and_weight():
    sets = make_sets(np.random.default_rng(3), weights=(0.3, 1.0, 0.0))
    mixing = fit_mixing(sets, resamples=500, rng=np.random.default_rng(0))
    assert mixing.helps
    assert 0 < mixing.gain_low < mixing.gain < mixing.gain_high
    assert mixing.calibration().value_weight > 0.5
    assert mixing.rank_mixed > mixing.rank_logprob + 0.2


@pytest.mark.parametrize("seed", range(5))
def test_noise_gets_weight_zero_and_the_goal_weight_of_the_fit_without_it(seed):
    # Weights fitted and judged on the same sets would find a gain in noise.
    sets = make_sets(np.random.default_rng(seed), count=60, weights=(0.8, 0.0, 0.4), theorems=20)
    mixing = fit_mixing(sets, resamples=500, rng=np.random.default_rng(0))
    assert not mixing.helps
    calibration = mixing.calibration()
    assert calibration.value_weight == 0
    a, _, c = fit_weights(sets, use_value=False)
    assert calibration.goal_weight == pytest.approx(c / (a * calibration.logprob_std))
    assert mixing.calibration(force=True).value_weight == mixing.value_weight


def test_value_that_only_repeats_the_goal_count_gains_nothing_over_log_probability_with_goals():
    # The gain must be over the best ranking without the value, not over log-probability alone.
    sets = make_sets(
        np.random.default_rng(5), weights=(0.8, 0.0, 1.0), value_is=lambda logprob, goals: -2.0 * goals + 1
    )
    mixing = fit_mixing(sets, resamples=300, rng=np.random.default_rng(0))
    assert mixing.rank_mixed > mixing.rank_logprob + 0.05
    assert not mixing.helps


def test_affine_change_of_the_value_changes_no_order():
    sets = make_sets(np.random.default_rng(6), weights=(0.5, 0.5, 0.2))
    scaled = dataclasses.replace(sets, value=sets.value * 1000 - 77)
    first, second = (fit_mixing(one, resamples=200, rng=np.random.default_rng(0)) for one in (sets, scaled))
    assert second.value_weight == pytest.approx(first.value_weight, rel=1e-6)
    assert second.goal_weight == pytest.approx(first.goal_weight, rel=1e-6)


@pytest.mark.parametrize("constant", ["value", "logprob", "goals"])
def test_constant_scores_do_not_break_the_fit(constant):
    sets = make_sets(np.random.default_rng(7), weights=(0.8, 0.8, 0.3))
    sets = dataclasses.replace(sets, **{constant: np.full_like(sets.value, 0.1)})
    mixing = fit_mixing(sets, resamples=200, rng=np.random.default_rng(0))
    assert all(math.isfinite(value) for value in mixing.to_json().values())
    if constant == "value":
        assert mixing.value_std == 0
        assert mixing.calibration().value_weight == 0


def test_separable_choices_give_finite_weights():
    sets = make_sets(np.random.default_rng(8), weights=(0.0, 1000.0, 0.0))
    mixing = fit_mixing(sets, resamples=200, rng=np.random.default_rng(0))
    assert mixing.rank_mixed > 0.99
    assert mixing.value_weight > 0.9


def test_one_theorem_shows_no_gain():
    sets = make_sets(np.random.default_rng(9), weights=(0.0, 3.0, 0.0), theorems=1)
    assert not fit_mixing(sets, resamples=200, rng=np.random.default_rng(0)).helps


def test_ties_share_credit():
    sets = ChoiceSets(
        logprob=np.zeros(5),
        value=np.array([1.0, 1.0, 0.0, 2.0, 1.0]),
        goals=np.ones(5),
        positive=np.array([True, False, False, False, True]),
        offsets=np.array([0, 3, 5]),
        theorem=np.array([0, 1]),
    )
    assert sets.rank_one(sets.value).tolist() == [0.5, 0.0]
    assert sets.rank_one(sets.logprob).tolist() == [1 / 3, 0.5]
    assert sets.take(np.array([1, 0])).rank_one(sets.take(np.array([1, 0])).value).tolist() == [0.0, 0.5]


def test_json_round_trip_and_damage():
    mixing = fit_mixing(make_sets(np.random.default_rng(10)), resamples=200, rng=np.random.default_rng(0))
    assert Mixing.from_json(mixing.to_json()) == mixing
    for damaged in (
        None,
        {},
        mixing.to_json() | {"more": 1},
        mixing.to_json() | {"gain": None},
        mixing.to_json() | {"gain": math.inf},
        mixing.to_json() | {"sets": True},
    ):
        with pytest.raises(ValueError, match="expected"):
            Mixing.from_json(damaged)
