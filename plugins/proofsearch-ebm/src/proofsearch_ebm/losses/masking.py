"""Sums over the members of a group that leave out the others, in the gradient too.

What stands at padding may be anything. It is replaced *before* an operation and by something finite: a mask applied
afterwards leaves 0 · ∞ = NaN in the gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_NEVER = -1e30
"""A logit whose exponential is 0 beside any real one, but whose gradient is still a number."""


def logits_of(energies: Tensor, members: Tensor) -> Tensor:
    """Minus the energies at ``members`` (bool, the same shape), so low that it counts nothing at the others."""
    return (-energies).masked_fill(~members, _NEVER)


def log_sum_exp(energies: Tensor, members: Tensor) -> Tensor:
    """``log Σ exp(−energy)`` over the members of each group, shape ``(groups,)``; meaningless where there are none."""
    return logits_of(energies, members).logsumexp(dim=1)


def softplus(values: Tensor) -> Tensor:
    """``log(1 + exp(values))``, exact for large ones and small ones."""
    return values.logaddexp(values.new_zeros(()))


def mean_over(values: Tensor, counted: Tensor) -> Tensor:
    """The mean of the values that count, a scalar; 0, with a gradient of 0, where none does.

    Args:
        values: float, any shape.
        counted: bool, the same shape.
    """
    return values.masked_fill(~counted, 0).sum() / counted.sum().clamp_min(1)


def mean_of_groups(values: Tensor, counted: Tensor) -> Tensor:
    """The mean over groups of each group's own mean, so that a wide group counts no more than a narrow one.

    Args:
        values: float, shape ``(groups, …)``.
        counted: bool, the same shape. Groups in which nothing counts are left out.
    """
    values, counted = values.flatten(1), counted.flatten(1)
    sums = values.masked_fill(~counted, 0).sum(dim=1)
    counts = counted.sum(dim=1)
    return mean_over(sums / counts.clamp_min(1), counts > 0)


def pair_differences(energies: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """E⁺ − E⁻ for every pair of a group, and which are pairs: both of shape ``(groups, members, members)``.

    Args:
        energies: float, shape ``(groups, members)``.
        positive: bool, the same shape: the first of a pair.
        negative: bool, the same shape: the second.
    """
    finite = energies.masked_fill(~(positive | negative), 0)
    return finite[:, :, None] - finite[:, None, :], positive[:, :, None] & negative[:, None, :]
