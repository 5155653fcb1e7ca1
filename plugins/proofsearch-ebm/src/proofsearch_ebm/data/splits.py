"""Which theorems are trained on and which validate. Always by theorem: the states of one are much alike."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.trainers.searches import drawn_place
from proofsearch.types import Theorem
from proofsearch_ebm.config import SplitKind

if TYPE_CHECKING:
    from proofsearch_ebm.data.dataset import Dataset


def split_theorems(
    dataset: Dataset, by: SplitKind, fraction: float, seed: int, learnt: Collection[str] = frozenset()
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Splits a dataset's theorems.

    Those recorded with the split ``"validation"`` validate in any case. Where they are fewer than ``fraction`` of all,
    others join them. Where all are of that split it tells none apart, and is left aside: that is how a value is trained
    beside a policy that has learnt from all training theorems. Who is drawn depends on the seed and the names only, not
    on the order of the searches.

    Args:
        dataset: its theorems are split.
        by: how the others are chosen.
        fraction: share that validates, from 0 to below 1; rounded up to whole theorems.
        seed: of the draw.
        learnt: names of theorems that the training begins knowing: none of them is drawn.

    Returns:
        The indices of the training and of the validation theorems, each increasing; together all, none in both.

    Raises:
        InputError: nothing would be left on one side, or a theorem has no position and ``by`` is ``"position"``.
        ValueError: the fraction is out of range.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction is {fraction}, expected at least 0 and below 1")
    theorems = [entry.theorem for entry in dataset.theorems]
    held = [index for index, theorem in enumerate(theorems) if theorem.split == "validation"]
    if len(held) == len(theorems):
        held = []
    others = sorted(set(range(len(theorems))).difference(held))
    missing = max(0, math.ceil(fraction * len(theorems) - 1e-9) - len(held))
    order = sorted(others, key=lambda index: drawn_place(theorems[index].name, seed))
    if missing and by == "position":
        order = sorted(others, key=lambda index: (-_position(theorems[index]), theorems[index].name))
    drawn = [index for index in order if theorems[index].name not in learnt][:missing]
    validation = np.array(sorted(held + drawn), np.int64)
    train = np.array(sorted(set(others).difference(drawn)), np.int64)
    if not len(train) or (fraction > 0 and not len(validation)):
        raise InputError(
            f"the recorded searches prove {len(theorems)} theorem{'s' * (len(theorems) != 1)}, of which "
            f"{len(validation)} validate and {len(train)} are left to train on; expected at least one for each: record "
            f"searches of more theorems of the training split, or lower --ebm-validation-share"
            + (" (what the head to begin with has learnt, --ebm-start, can't validate)" if learnt else "")
        )
    return train, validation


def _position(theorem: Theorem) -> int:
    if theorem.position is None:
        raise InputError(
            f"theorem {theorem.name!r} has no position in the library, so the theorems can't be split by it; split "
            f"them at random instead (--ebm-split theorem)"
        )
    return theorem.position
