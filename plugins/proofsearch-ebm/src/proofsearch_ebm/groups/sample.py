"""Groups of states that are compared with each other: what a sampler yields and a contrastive loss sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch_ebm.groups.tiers import PADDING, POSITIVE


@dataclass(frozen=True, slots=True)
class GroupSample:
    """Some groups, padded to one width. Every array has shape ``(groups, members)``.

    In every group a positive comes first, and some member is not positive. A member that is not positive is not known
    to lead on; the label says whether it is a negative.

    Attributes:
        states: state ids, different within a group; -1 at padding.
        mask: whether there is a member here.
        positive: whether the state leads on to a proof, and not only back to what was expanded before.
        tier: :mod:`proofsearch_ebm.groups.tiers`: 0 positive, 1 hard, 2 medium, 3 easy, 4 dead end, 5 solved,
            6 mistake, -1 padding.
    """

    states: NDArray[np.int64]
    mask: NDArray[np.bool_]
    positive: NDArray[np.bool_]
    tier: NDArray[np.int8]


def pad_groups(groups: Sequence[tuple[NDArray[np.int64], NDArray[np.int8]]]) -> GroupSample:
    """Puts groups, each the states and their tiers, into one sample; as wide as the widest."""
    width = max((len(states) for states, _ in groups), default=0)
    states = np.full((len(groups), width), -1, np.int64)
    tier = np.full((len(groups), width), PADDING, np.int8)
    for row, (members, tiers) in enumerate(groups):
        states[row, : len(members)] = members
        tier[row, : len(members)] = tiers
    return GroupSample(states, states >= 0, tier == POSITIVE, tier)
