"""What the regression sees of a state, in training and in a search alike: a handful of sizes, of any environment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proofsearch import ProofState

NAMES = ("goals", "log goals", "log words", "sum of log words", "log words of the largest", "log different words")
"""The columns. A checkpoint names those that it was made with, and is read with no others."""


def features(states: Sequence[ProofState]) -> NDArray[np.float64]:
    """A row a state, shape ``(len(states), len(NAMES))``, finite."""
    rows = np.empty((len(states), len(NAMES)))
    for row, state in zip(rows, states, strict=True):
        goals = [goal.text.split() for goal in state.goals]
        sizes = np.array([len(words) for words in goals])
        different = len({word for words in goals for word in words})
        row[:] = (
            len(goals),
            np.log1p(len(goals)),
            np.log1p(sizes.sum()),
            np.log1p(sizes).sum(),
            np.log1p(sizes.max()),
            np.log1p(different),
        )
    return rows
