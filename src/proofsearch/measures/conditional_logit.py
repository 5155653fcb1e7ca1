"""The conditional logit: how likely each member of a set of alternatives is to be one that leads to a proof.

The utility of a member is linear in its columns, and its probability the softmax of the utilities of its set (McFadden
1974). A set with several good members is as likely as their sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RIDGE = 1e-3
"""Penalty on the squared weights of standardised columns, a set: keeps them finite where sets are separable."""
_MOST_STEPS = 100
_SETTLED = 1e-9


def rank_one(score: Floats, positive: Bools, offsets: Ints) -> Floats:
    """For each set, the share of the members with the highest score that are positive; shape ``(sets,)``.

    Args:
        score: of each member, shape ``(members,)``.
        positive: whether it is a good one, shape ``(members,)``.
        offsets: where each set begins, and the end of the last, shape ``(sets + 1,)``.
    """
    starts = offsets[:-1]
    best = np.maximum.reduceat(score, starts)
    tied = score >= np.repeat(best, np.diff(offsets))
    return np.asarray(np.add.reduceat((tied & positive).astype(np.float64), starts)) / np.add.reduceat(
        tied.astype(np.float64), starts
    )


def most_likely(columns: Floats, positive: Bools, offsets: Ints) -> tuple[Floats, float]:
    """Weights that maximise the penalised likelihood, from 0 by damped Newton steps, and that likelihood.

    Args:
        columns: of each member, standardised, shape ``(members, columns)``.
        positive: whether it is a good one, shape ``(members,)``; at least one of each set.
        offsets: where each set begins, and the end of the last, shape ``(sets + 1,)``.
    """
    weights = np.zeros(columns.shape[1])
    likelihood, gradient, curvature = _likelihood(weights, columns, positive, offsets)
    for _ in range(_MOST_STEPS):
        step = np.linalg.solve(curvature, gradient)
        length = 1.0
        while length > 1e-6:
            tried = weights + length * step
            now = _likelihood(tried, columns, positive, offsets)
            if now[0] > likelihood:
                break
            length /= 2
        else:
            break
        gained = now[0] - likelihood
        weights, (likelihood, gradient, curvature) = tried, now
        if gained < _SETTLED * max(1.0, abs(likelihood)):
            break
    return weights, likelihood


def _likelihood(weights: Floats, columns: Floats, positive: Bools, offsets: Ints) -> tuple[float, Floats, Floats]:
    """Penalised log-likelihood, its gradient, and minus a bound of its second derivative (positive definite)."""
    utility = columns @ weights
    every, of_all = _softmax(utility, offsets)
    good, of_good = _softmax(np.where(positive, utility, -np.inf), offsets)
    ridge = RIDGE * (len(offsets) - 1)
    gradient = (of_good - of_all) @ columns - ridge * weights
    # The likelihood of several good members is no concave function; the curvature of its concave part is, and Newton's
    # method with it still climbs.
    means = np.add.reduceat(of_all[:, None] * columns, offsets[:-1])
    curvature = (columns * of_all[:, None]).T @ columns - means.T @ means + ridge * np.eye(len(weights))
    return float((good - every).sum() - 0.5 * ridge * weights @ weights), gradient, curvature


def _softmax(utility: Floats, offsets: Ints) -> tuple[Floats, Floats]:
    """Of each set, the log of the sum of exponentials; of each member, its probability."""
    starts, sizes = offsets[:-1], np.diff(offsets)
    highest = np.maximum.reduceat(utility, starts)
    exponential = np.exp(utility - np.repeat(highest, sizes))
    total = np.add.reduceat(exponential, starts)
    return np.log(total) + highest, exponential / np.repeat(total, sizes)
