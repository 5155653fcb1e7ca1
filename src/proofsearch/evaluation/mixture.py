"""Value, log-probability and goal count as one score, as the search's priority ``mix`` makes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proofsearch.protocols import Calibration

EQUAL_WEIGHT = 0.5
"""The weight of a value that brings no calibration."""

DEFAULT_GOAL_WEIGHT = 1.0
"""What each open goal costs where nothing else is known: the search's own default."""

_DIGITS = 9
"""Standardised scores are rounded, so that a change of units, which rounds otherwise, makes and breaks no ties."""


def mixed(
    value: NDArray[np.float64],
    logprob: NDArray[np.float64],
    num_goals: NDArray[np.float64],
    calibration: Calibration,
) -> NDArray[np.float64]:
    """The score (1 − w)·z(log-probability) + w·z(value) − g·goals; all arguments and the result of shape ``(n,)``.

    Args:
        value: higher is better; ``nan`` where there is none, which leaves the log-probability alone, with weight 1.
        logprob: cumulative.
        num_goals: open goals.
        calibration: the means and standard deviations of z, the weights w and g. A standard deviation of 0 makes its
            score count for nothing.
    """
    weight = calibration.value_weight
    z_logprob = _standardised(logprob, calibration.logprob_mean, calibration.logprob_std)
    z_value = _standardised(value, calibration.value_mean, calibration.value_std)
    both = np.where(np.isnan(value), z_logprob, (1 - weight) * z_logprob + weight * z_value)
    return np.round(both, _DIGITS) - calibration.goal_weight * num_goals


def equal_mixture(
    value: NDArray[np.float64], logprob: NDArray[np.float64], goal_weight: float = DEFAULT_GOAL_WEIGHT
) -> Calibration:
    """The calibration that gives value and log-probability equal weights after standardising both by these samples.

    Args:
        value: shape ``(n,)``; missing ones are ``nan`` and left out.
        logprob: shape ``(n,)``.
        goal_weight: what each open goal costs.
    """
    known = value[~np.isnan(value)]
    return Calibration(
        *_mean_and_std(known), *_mean_and_std(logprob), value_weight=EQUAL_WEIGHT, goal_weight=goal_weight
    )


def _mean_and_std(sample: NDArray[np.float64]) -> tuple[float, float]:
    if not len(sample) or sample.min() == sample.max():  # rounding must not give a constant a spread
        return (float(sample[0]) if len(sample) else 0.0), 0.0
    return float(sample.mean()), float(sample.std())


def _standardised(score: NDArray[np.float64], mean: float, std: float) -> NDArray[np.float64]:
    return (score - mean) / std if std > 0 else np.zeros(len(score))
