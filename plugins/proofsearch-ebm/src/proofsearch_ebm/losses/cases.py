"""Batches that a loss can be tried on: every shape of group that a training has, with nothing behind it."""

from __future__ import annotations

import torch

from proofsearch.protocols import LossCase
from proofsearch_ebm.batch import GroupBatch

_MEMBERS = 5
_BOUNDS = (1.0, 2.0, 4.0)


def loss_cases() -> list[LossCase]:
    """Groups with one and with several positives, a full one, padded ones, and a batch that teaches nothing.

    Energies and the head's second output are drawn from a seed, so that the cases are always the same.
    """
    mixed = _case(
        ["+---.", "++-..", "-+-+-", "+-...", "+...."],
        remaining=[3.0, 1.0, 7.0, 2.0, 4.0],
        dead_end=["...-.", ".....", "....-", ".....", "....."],
    )
    single = _case(["+----"], remaining=[2.0], dead_end=["....."])
    # One member, of which nothing is known but that it leads on: there is nothing to compare it with.
    empty = _case(["+....", "+...."], remaining=[-1.0, -1.0], dead_end=[".....", "....."], teaches=False)
    return [mixed, single, empty]


def _case(groups: list[str], *, remaining: list[float], dead_end: list[str], teaches: bool = True) -> LossCase:
    """Groups as text: ``+`` a positive, ``-`` another member, ``.`` nobody."""
    draw = torch.Generator().manual_seed(len(groups))
    shape = (len(groups), _MEMBERS)
    mask = torch.tensor([[sign != "." for sign in group] for group in groups])
    positive = torch.tensor([[sign == "+" for sign in group] for group in groups])
    steps = torch.tensor(remaining)[:, None].expand(shape).masked_fill(~positive, -1.0)
    energies = torch.randn(shape, generator=draw).masked_fill(~mask, 0.0)
    predicted = torch.rand(shape, generator=draw)
    searched = torch.tensor([[sign == "-" for sign in group] for group in dead_end])
    batch = GroupBatch(
        mask,
        positive,
        steps,
        predicted,
        searched,
        nats=torch.where(steps > 0, 0.7 * steps, steps),
        solved=positive,
        exceeds=torch.randn((*shape, len(_BOUNDS)), generator=draw),
        bounds=_BOUNDS,
    )
    return LossCase(energies, batch, mask, positive, teaches)
