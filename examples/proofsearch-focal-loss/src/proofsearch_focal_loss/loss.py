"""The loss ``focal``: a listwise softmax in which decisions that are already right count little.

With p the share of the positives in the softmax over a group's members,

    p = Σ_{i positive} exp(−Eᵢ) / Σ_j exp(−Eⱼ)        L = (1 − p)^γ · (−log p)

(Lin et al. 2017, arXiv:1708.02002, there for classes). The mean is taken over the groups that have both a positive and
a negative. γ = 0 gives the loss ``listwise`` of proofsearch-ebm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch_ebm.losses.masking import log_sum_exp, mean_over, softplus
from pydantic import Field

from proofsearch.config import ComponentConfig

if TYPE_CHECKING:
    from proofsearch_ebm.batch import GroupBatch
    from torch import Tensor

    from proofsearch.protocols import Builder


class FocalConfig(ComponentConfig):
    """Options of the loss ``focal``."""

    gamma: float = Field(default=2.0, ge=0, description="How little a decision counts that is already right.")


class FocalLoss:
    """See the module; a :class:`proofsearch.protocols.Loss`."""

    def __init__(self, config: FocalConfig) -> None:
        self._gamma = config.gamma

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Tensor:
        """The loss, a scalar, at least 0.

        Args:
            energies: float, shape ``(groups, members)``; lower is better.
            batch: which of them are there, and which are positive. What stands at padding is anything, even NaN, so
                every sum is made by a function that replaces it first.
        """
        positive = batch.mask & batch.positive
        negative = batch.mask & ~batch.positive
        odds = log_sum_exp(energies, positive) - log_sum_exp(energies, negative)  # log(p / (1 − p))
        losses = (-self._gamma * softplus(odds)).exp() * softplus(-odds)
        return mean_over(losses, positive.any(dim=1) & negative.any(dim=1))


def make_focal(config: FocalConfig, builder: Builder) -> FocalLoss:
    """Builds the loss ``focal``."""
    return FocalLoss(config)
