"""What a loss sees of the states that are compared with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class GroupBatch:
    """Groups of states, padded to one width. Every tensor has shape ``(groups, members)``.

    In every group some member is positive. Energies come beside it: **lower is better**.

    Attributes:
        mask: bool; whether there is a member here that is compared with the others. What the energies are elsewhere
            means nothing.
        positive: bool; whether the state leads on to a proof. False at padding.
        remaining: float; steps to the nearest proof, at least 1; −1 where unknown and at padding.
        predicted_log_remaining: float; the head's second output, an estimate of log(1 + remaining); ``None`` where the
            head has none.
        dead_end: bool; whether the state was searched in vain: a member, or one that is not compared with the others
            (not in ``mask``) and stands here for its second output alone. ``None``: no state is.
        energies: float, with a gradient; what the head gave, where the energies beside this batch have the weighted
            log-probability taken off. ``None``: those are what it gave.
    """

    mask: Tensor
    positive: Tensor
    remaining: Tensor
    predicted_log_remaining: Tensor | None = None
    dead_end: Tensor | None = None
    energies: Tensor | None = None
