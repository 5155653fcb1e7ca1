"""What a loss sees of the states that are compared with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class GroupBatch:
    """Groups of states, padded to one width. Every tensor has shape ``(groups, members)``.

    All are on the device of the training. In every group some member is positive. Energies come beside it: **lower is
    better**.

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
        nats: float; −log-probability of the likeliest known proof, at least 0; −1 where unknown and at padding;
            ``None`` where nobody measured it.
        solved: bool; whether a proof was found at or below the state: a positive, or a state that is not compared with
            the others and stands here for its second output alone. ``None``: the positives.
        exceeds: float, shape ``(groups, members, bounds)``; the logits of the head's second output that more remains
            than each bound; ``None`` where that is one number.
        bounds: increasing, above 0; empty where ``exceeds`` is ``None``.
    """

    mask: Tensor
    positive: Tensor
    remaining: Tensor
    predicted_log_remaining: Tensor | None = None
    dead_end: Tensor | None = None
    energies: Tensor | None = None
    nats: Tensor | None = None
    solved: Tensor | None = None
    exceeds: Tensor | None = None
    bounds: tuple[float, ...] = ()

    @property
    def known(self) -> Tensor:
        """Bool; where a proof was found and measured: what the second output is to say there is known."""
        solved = self.mask & self.positive if self.solved is None else self.solved
        return solved & (self.remaining >= 0)
