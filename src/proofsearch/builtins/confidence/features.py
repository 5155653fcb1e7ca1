"""What the value sees of a policy's statistics: a row of numbers a state."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proofsearch.protocols import PolicyStatistics

Floats = NDArray[np.float64]

COLUMNS = ("best", "second", "entropy", "log_sum_exp", "log_moves", "admitted", "mass", "closes", "dead")
"""The columns: those of :class:`~proofsearch.protocols.PolicyStatistics`, the logarithm of 1 + the number of moves, and
whether the policy has no candidate at all. A checkpoint names those that it was made with."""


def features(statistics: Sequence[PolicyStatistics]) -> Floats:
    """A row a state, shape ``(len(statistics), len(COLUMNS))``; ``nan`` where the policy doesn't say."""
    rows = np.empty((len(statistics), len(COLUMNS)))
    for row, one in zip(rows, statistics, strict=True):
        row[:] = (
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
    return rows
