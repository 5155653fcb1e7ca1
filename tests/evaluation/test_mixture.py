"""Would catch: a mixture that depends on the units of a score, a weight that does nothing, a missing value as zero."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.evaluation.mixture import equal_mixture, mixed
from proofsearch.protocols import Calibration

RNG = np.random.default_rng(3)
VALUE, LOGPROB, GOALS = RNG.normal(2, 5, 50), -RNG.exponential(4, 50), RNG.integers(1, 5, 50).astype(float)


def mix(value: np.ndarray, logprob: np.ndarray) -> np.ndarray:
    return mixed(value, logprob, GOALS, equal_mixture(value, logprob))


@given(st.floats(0.01, 100), st.floats(-100, 100), st.floats(0.01, 100), st.floats(-100, 100))
def test_the_mixture_does_not_depend_on_units(a: float, b: float, c: float, d: float) -> None:
    assert mix(a * VALUE + b, c * LOGPROB + d) == pytest.approx(mix(VALUE, LOGPROB), abs=1e-8)


@pytest.mark.parametrize(
    "changed", [{"value_weight": 0.9}, {"goal_weight": 3.0}, {"value_std": 9.0}, {"logprob_std": 9.0}]
)
def test_every_weight_changes_the_order(changed: dict[str, float]) -> None:
    calibration = equal_mixture(VALUE, LOGPROB)
    before = np.argsort(mixed(VALUE, LOGPROB, GOALS, calibration))
    after = np.argsort(mixed(VALUE, LOGPROB, GOALS, dataclasses.replace(calibration, **changed)))
    assert not np.array_equal(before, after)


def test_it_is_the_priority_that_its_formula_says() -> None:
    calibration = Calibration(1, 2, -3, 4, 0.25, 0.5)
    (score,) = mixed(np.array([5.0]), np.array([-1.0]), np.array([3.0]), calibration)
    assert score == 0.75 * (2 / 4) + 0.25 * (4 / 2) - 0.5 * 3
    (without,) = mixed(np.array([math.nan]), np.array([-1.0]), np.array([3.0]), calibration)
    assert without == 2 / 4 - 0.5 * 3


def test_a_constant_value_leaves_the_order_of_the_others() -> None:
    """0.1 has no exact binary form, so its computed spread may be rounding alone."""
    constant = np.full(50, 0.1)
    calibration = equal_mixture(constant, LOGPROB, goal_weight=0)
    assert calibration.value_std == 0
    assert np.array_equal(np.argsort(mixed(constant, LOGPROB, GOALS, calibration)), np.argsort(LOGPROB))
