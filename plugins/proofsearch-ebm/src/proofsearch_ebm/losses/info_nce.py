"""InfoNCE: find the positive among K negatives.

    L = −log( exp(−E⁺/t) / (exp(−E⁺/t) + Σₖ exp(−E⁻ₖ/t)) )

the cross-entropy of the logits −[E⁺, E⁻₁ … E⁻_K]/t with class 0 (van den Oord et al. 2018, arXiv:1807.03748). In a
group with several positives each is compared with the negatives alone, never with another positive, and the mean is
taken. A group without negatives teaches nothing and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch_ebm.losses.masking import log_sum_exp, mean_of_groups, softplus

if TYPE_CHECKING:
    from torch import Tensor

    from proofsearch.protocols import Builder
    from proofsearch_ebm.batch import GroupBatch


class InfoNceConfig(ComponentConfig):
    """Options of the loss ``info_nce``."""

    temperature: float = Field(default=1.0, gt=0, description="Divides the energies, beside the learnt scale.")


class InfoNce:
    """See the module."""

    def __init__(self, config: InfoNceConfig) -> None:
        self._temperature = config.temperature

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Tensor:
        """The loss, at least 0; ln(K + 1) where all energies are equal."""
        energies = energies / self._temperature
        positive = batch.mask & batch.positive
        negative = batch.mask & ~batch.positive
        against = log_sum_exp(energies, negative)[:, None]
        # −log(p / (p + n)) = softplus(log n − log p), which neither overflows nor falls below 0 by rounding.
        losses = softplus(against + energies.masked_fill(~positive, 0))
        return mean_of_groups(losses, positive & negative.any(dim=1, keepdim=True))


def make_info_nce(config: InfoNceConfig, builder: Builder) -> InfoNce:
    """Builds the loss ``info_nce``."""
    return InfoNce(config)
