"""Whether a value can be read as a probability.

A value has any scale, so it is first made into a probability that its state leads to a proof, by a logistic curve in
one variable (Platt 1999). The curve is fitted on other theorems than those that it is judged on: the theorems are
dealt at random into :data:`FOLDS` parts, and each part is predicted by a curve fitted on the others. What is left is
what no curve mends: a value that means something else from theorem to theorem, or that is not monotone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch.measures.separation import LabelledStates

FOLDS = 5
"""Parts that the theorems are dealt into."""

BINS = 10
"""Bins of equal width that predictions are put into (Guo et al. 2017, arXiv:1706.04599)."""

_RIDGE = 1e-4
"""Weight of the squared slope, so that a value that separates perfectly still has a finite one."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of about one size.

    Attributes:
        predicted: their mean.
        observed: the part of their states that is positive.
        states: how many.
    """

    predicted: float
    observed: float
    states: int


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """How far predictions are from what happens.

    Attributes:
        error: expected calibration error, the mean over states of the distance in their bin, in [0, 1];
            ``nan`` where nothing could be fitted.
        bins: those that hold any state, by prediction.
    """

    error: float
    bins: tuple[Bin, ...] = ()


def calibration_error(states: LabelledStates, value: NDArray[np.float64], seed: int = 0) -> CalibrationError:
    """Fits and judges as the module's first lines say.

    Args:
        states: labelled.
        value: shape ``(states,)``; states where it is ``nan`` are left out.
        seed: of the dealing.
    """
    known = ~np.isnan(value)
    states, value = states.where(known), value[known]
    theorems = np.unique(states.theorem)
    folds = min(FOLDS, len(theorems))
    if folds < 2:
        return CalibrationError(math.nan)
    dealt = np.random.default_rng(seed).permutation(np.arange(len(theorems)) % folds)
    fold = dealt[np.searchsorted(theorems, states.theorem)]
    predicted = np.full(len(states), np.nan)
    for part in range(folds):
        out = fold == part
        if len(np.unique(states.positive[~out])) == 2:
            predicted[out] = _predict(value[~out], states.positive[~out], value[out])
    judged = ~np.isnan(predicted)
    if not judged.any():
        return CalibrationError(math.nan)
    return _error(predicted[judged], states.positive[judged])


def _predict(value: NDArray[np.float64], positive: NDArray[np.bool_], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic curve of ``value`` and ``positive``, at ``new``."""
    from scipy.optimize import minimize
    from scipy.special import expit

    mean, std = float(value.mean()), float(value.std()) or 1.0
    z, target = (value - mean) / std, positive.astype(np.float64)

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = at[0] + at[1] * z
        residual = expit(logit) - target
        total = float((np.logaddexp(0, logit) - target * logit).mean()) + _RIDGE * float(at[1]) ** 2
        return total, np.array([residual.mean(), (residual * z).mean() + 2 * _RIDGE * at[1]])

    share = float(target.mean())
    found = minimize(loss, np.array([math.log(share / (1 - share)), 0.0]), jac=True, method="L-BFGS-B")
    predicted: NDArray[np.float64] = expit(found.x[0] + found.x[1] * (new - mean) / std)
    return predicted


def _error(predicted: NDArray[np.float64], positive: NDArray[np.bool_]) -> CalibrationError:
    place = np.minimum((predicted * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    sums = np.bincount(place, weights=predicted, minlength=BINS)
    hits = np.bincount(place, weights=positive.astype(np.float64), minlength=BINS)
    bins = tuple(
        Bin(float(sums[index] / counts[index]), float(hits[index] / counts[index]), int(counts[index]))
        for index in np.flatnonzero(counts).tolist()
    )
    return CalibrationError(sum(abs(b.predicted - b.observed) * b.states for b in bins) / len(positive), bins)
