"""How far a known proof is: what the head's second output is fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from proofsearch.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from proofsearch_ebm.batch import GroupBatch

Measure = Literal["steps", "nats"]
"""Steps of the shortest known proof, or −log-probability, under the recorded policy, of the likeliest one."""


def measured(batch: GroupBatch, measure: Measure, loss: str) -> tuple[Tensor, Tensor]:
    """The distance at each state, 0 where it is not known, and where it is; both of shape ``(groups, members)``.

    Args:
        batch: the states.
        measure: what is measured.
        loss: who asks, for errors.

    Raises:
        UsageError: nobody measured it.
    """
    known = batch.known
    distance = batch.remaining if measure == "steps" else batch.nats
    if distance is None:
        raise UsageError(f"the loss {loss} wants nats to go, and nobody measured them here; use --{loss}-measure steps")
    return distance.masked_fill(~known, 0), known
