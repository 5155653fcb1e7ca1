"""Value, log-probability and goal count as one score, as the search's priority ``mix`` makes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proofsearch.engine.standardisation import (
    DEFAULT_GOAL_WEIGHT,
    EQUAL_WEIGHT,
    Z_DIGITS,
    Standardisation,
    mean_and_std,
)
from proofsearch.protocols import Calibration


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
    scale, weight = Standardisation.from_calibration(calibration), calibration.value_weight
    z_logprob = scale.logprob(logprob)
    both = np.where(np.isnan(value), z_logprob, (1 - weight) * z_logprob + weight * scale.value(value))
    return np.round(both, Z_DIGITS) - calibration.goal_weight * num_goals


def equal_mixture(
    value: NDArray[np.float64], logprob: NDArray[np.float64], goal_weight: float = DEFAULT_GOAL_WEIGHT
) -> Calibration:
    """The calibration that gives value and log-probability equal weights after standardising both by these samples.

    Args:
        value: shape ``(n,)``; missing ones are ``nan`` and left out.
        logprob: shape ``(n,)``.
        goal_weight: what each open goal costs.
    """
    known = value[~np.isnan(value)].tolist()
    return Calibration(
        *(mean_and_std(known) if known else (0.0, 0.0)),
        *(mean_and_std(logprob.tolist()) if len(logprob) else (0.0, 0.0)),
        value_weight=EQUAL_WEIGHT,
        goal_weight=goal_weight,
    )
