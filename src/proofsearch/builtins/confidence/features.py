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
    rows = np.full((len(statistics), len(COLUMNS)), math.nan)
    width = len(_OF_STATE)
    for row, one in zip(rows, statistics, strict=True):
        row[:width] = (
            one.best,
            one.second,
            one.entropy,
            one.log_sum_exp,
            math.log1p(one.moves),
            one.admitted,
            one.mass,
            one.closes,
            math.isnan(one.best),
        )
        if one.goals:
            row[width:] = _together(one.goals)
    return rows


def _together(goals: Sequence[PolicyStatistics]) -> list[float]:
    """Sum, least and largest over the goals; goals for which the policy has no candidate are counted apart."""
    found = list[float]()
    for name in _OF_GOALS:
        values = [value for value in (getattr(goal, name) for goal in goals) if value == value]
        found += (math.fsum(values), min(values), max(values)) if values else (math.nan,) * 3
    found.append(float(sum(math.isnan(goal.best) for goal in goals)))
    return found
