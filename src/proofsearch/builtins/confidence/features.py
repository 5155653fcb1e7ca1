"""What the value sees of a policy's statistics: a row of numbers a state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

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
    if not statistics:
        return rows
    rows[:, : len(_OF_STATE)] = [
        (
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
        for one in statistics
    ]
    whose = [place for place, one in enumerate(statistics) if one.goals]
    if whose:
        rows[whose, len(_OF_STATE) :] = _together([statistics[place].goals for place in whose])
    return rows


def _together(goals: Sequence[Sequence[PolicyStatistics]]) -> Floats:
    """Sum, least and largest over each state's goals; goals for which the policy has no candidate are counted apart."""
    said = np.array([(one.best, one.entropy, one.mass, one.log_sum_exp) for several in goals for one in several])
    begins = [0, *accumulate(map(len, goals[:-1]))]
    known = ~np.isnan(said)
    sums = np.add.reduceat(np.where(known, said, 0.0), begins)
    sums[~np.logical_or.reduceat(known, begins)] = math.nan
    # fmin and fmax pass over what is missing.
    blocks = (sums, np.fmin.reduceat(said, begins), np.fmax.reduceat(said, begins))
    dead = np.add.reduceat(~known[:, 0], begins, dtype=np.float64)
    return np.column_stack((np.stack(blocks, axis=2).reshape(len(goals), -1), dead))
