"""Bradley–Terry: the odds that a positive beats a negative are exp(E⁻ − E⁺).

    L = mean over pairs of −log σ(E⁻ − E⁺)

(Bradley & Terry 1952; as a loss, RankNet: Burges et al. 2005). Siblings that are not known to be positive may be so
after all; ``smoothing`` ε says how often: L = (1 − ε)·(−log σ(d)) + ε·(−log σ(−d)). The mean is taken in each group
first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch_ebm.losses.masking import mean_of_groups, pair_differences, softplus

if TYPE_CHECKING:
    from torch import Tensor

    from proofsearch.protocols import Builder
    from proofsearch_ebm.batch import GroupBatch


class PairwiseConfig(ComponentConfig):
    """Options of the loss ``pairwise``."""

    smoothing: float = Field(
        default=0.0, ge=0, lt=0.5, description="Share of the pairs assumed to be the wrong way round."
    )


class Pairwise:
    """See the module."""

    def __init__(self, config: PairwiseConfig) -> None:
        self._smoothing = config.smoothing

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Tensor:
        """The loss, at least 0; ln 2 where all energies are equal."""
        differences, pairs = pair_differences(energies, batch.mask & batch.positive, batch.mask & ~batch.positive)
        right, wrong = softplus(differences), softplus(-differences)
        return mean_of_groups((1 - self._smoothing) * right + self._smoothing * wrong, pairs)


def make_pairwise(config: PairwiseConfig, builder: Builder) -> Pairwise:
    """Builds the loss ``pairwise``."""
    return Pairwise(config)
