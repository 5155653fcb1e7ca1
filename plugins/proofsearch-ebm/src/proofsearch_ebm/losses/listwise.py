"""Listwise softmax over the actual sibling set, with several positives.

    L = −log( Σ_{i positive} exp(−Eᵢ/t) / Σ_{j} exp(−Eⱼ/t) )

ListNet's top-one likelihood (Cao et al. 2007) of "some positive comes first": it asks for one way on, not for all of
them to be equally good. With one positive it is InfoNCE. A group without negatives teaches nothing and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch_ebm.losses.masking import log_sum_exp, mean_over, softplus

if TYPE_CHECKING:
    from torch import Tensor

    from proofsearch.protocols import Builder
    from proofsearch_ebm.batch import GroupBatch


class ListwiseConfig(ComponentConfig):
    """Options of the loss ``listwise``."""

    temperature: float = Field(default=1.0, gt=0, description="Divides the energies, beside the learnt scale.")


class Listwise:
    """See the module."""

    def __init__(self, config: ListwiseConfig) -> None:
        self._temperature = config.temperature

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Tensor:
        """The loss, at least 0; ln(members / positives) where all energies are equal."""
        energies = energies / self._temperature
        positive = batch.mask & batch.positive
        negative = batch.mask & ~batch.positive
        # −log(p / (p + n)) = softplus(log n − log p), which neither overflows nor falls below 0 by rounding.
        losses = softplus(log_sum_exp(energies, negative) - log_sum_exp(energies, positive))
        return mean_over(losses, positive.any(dim=1) & negative.any(dim=1))


def make_listwise(config: ListwiseConfig, builder: Builder) -> Listwise:
    """Builds the loss ``listwise``."""
    return Listwise(config)
