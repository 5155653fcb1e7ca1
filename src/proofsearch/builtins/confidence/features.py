"""What the value sees of a policy's statistics: a row of numbers a state."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proofsearch.protocols import PolicyStatistics

Floats = NDArray[np.float64]

_OF_STATE = ("best", "second", "entropy", "log_sum_exp", "log_moves", "admitted", "mass", "closes", "dead")
"""Those of :class:`~proofsearch.protocols.PolicyStatistics`, the logarithm of 1 + the number of moves, and whether the
policy has no candidate at all."""

_OF_GOALS = ("best", "entropy", "mass", "log_sum_exp")
"""What is put together over the goals, each as if it stood alone."""

COLUMNS = (
    *_OF_STATE,
    *(f"{how} {name} of goals" for name in _OF_GOALS for how in ("sum of", "least", "largest")),
    "dead goals",
)
"""The columns. A checkpoint names those that it was made with."""


def features(statistics: Sequence[PolicyStatistics]) -> Floats:
    """A row a state, shape ``(len(statistics), len(COLUMNS))``; ``nan`` where the policy doesn't say."""
    return np.array([row_of(one) for one in statistics], dtype=np.float64).reshape(len(statistics), len(COLUMNS))


def row_of(one: PolicyStatistics) -> list[float]:
    """The row of one state. A search asks for few at a time, and small arrays would cost more than the sums.

    Over goals there are sum, least and largest of what is known; goals for which the policy has no candidate are
    counted apart.
    """
    row = [
        one.best,
        one.second,
        one.entropy,
        one.log_sum_exp,
        math.log1p(one.moves),
        one.admitted,
        one.mass,
        one.closes,
        float(one.best != one.best),
    ]
    goals = one.goals
    if not goals:
        return row + _NO_GOALS
    dead = 0
    for column in zip(*[(goal.best, goal.entropy, goal.mass, goal.log_sum_exp) for goal in goals], strict=True):
        known: Sequence[float] = column
        total = sum(known)
        if total != total:
            known = [number for number in column if number == number]
            if len(row) == len(_OF_STATE):
                dead = len(column) - len(known)
            if not known:
                row += _UNKNOWN
                continue
            total = sum(known)
        row += (total, min(known), max(known))
    row.append(float(dead))
    return row


_UNKNOWN = [math.nan] * 3
_NO_GOALS = [math.nan] * (len(COLUMNS) - len(_OF_STATE))
