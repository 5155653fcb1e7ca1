"""What the value sees of a policy's statistics: a row of numbers a state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proofsearch.models.confidence import summary_of
from proofsearch.protocols import SUMMARY, PolicyStatistics

Floats = NDArray[np.float64]

COLUMNS = SUMMARY
"""The columns. A checkpoint names those that it was made with."""


def features(statistics: Sequence[PolicyStatistics]) -> Floats:
    """A row a state, shape ``(len(statistics), len(COLUMNS))``; ``nan`` where the policy doesn't say."""
    return np.array([summary_of(one) for one in statistics], dtype=np.float64).reshape(len(statistics), len(COLUMNS))
