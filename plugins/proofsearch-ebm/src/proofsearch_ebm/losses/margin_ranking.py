"""Margin ranking: every positive lies at least a margin below every negative.

    L = mean over pairs of max(0, m + E⁺ − E⁻)

(the hinge of Herbrich et al. 1999; with ``pairs=hardest``, for each positive only the negative with the lowest energy
counts: Faghri et al. 2018, arXiv:1707.05612). The mean is taken in each group first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch_ebm.losses.masking import logits_of, mean_of_groups, pair_differences

if TYPE_CHECKING:
    from torch import Tensor

    from proofsearch.protocols import Builder
    from proofsearch_ebm.batch import GroupBatch


class MarginRankingConfig(ComponentConfig):
    """Options of the loss ``margin_ranking``."""

    margin: float = Field(default=1.0, gt=0, description="How far below a negative's energy a positive's should be.")
    pairs: Literal["all", "hardest"] = Field(
        default="all", description="Compare a positive with every negative, or with the lowest one."
    )


class MarginRanking:
    """See the module."""

    def __init__(self, config: MarginRankingConfig) -> None:
        self._config = config

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Tensor:
        """The loss, at least 0; the margin where all energies are equal."""
        positive = batch.mask & batch.positive
        negative = batch.mask & ~batch.positive
        if self._config.pairs == "hardest":
            lowest = logits_of(energies, negative).argmax(dim=1, keepdim=True)
            negative = negative & negative.new_zeros(negative.shape).scatter(1, lowest, True)
        differences, pairs = pair_differences(energies, positive, negative)
        return mean_of_groups((self._config.margin + differences).clamp_min(0), pairs)


def make_margin_ranking(config: MarginRankingConfig, builder: Builder) -> MarginRanking:
    """Builds the loss ``margin_ranking``."""
    return MarginRanking(config)
