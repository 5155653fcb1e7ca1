"""Ordinal regression: learn how likely more remains than each of some bounds.

The head's second output has a logit zₖ for every bound bₖ. Of a state from which r remains,

    L = mean over k of the binary cross-entropy of zₖ against [r > bₖ],

the reduction of ordinal regression to binary classifiers (Frank and Hall 2001; Li and Lin 2007; for networks Niu et
al. 2016). Near the end the bounds are close, far from it wide apart, and no scale has to be found for outliers. States
whose remaining steps are unknown count nothing. A dead end, a state that was searched in vain, exceeds every bound
below ``dead_end``; of the others nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.errors import UsageError
from proofsearch_ebm.losses.distance import Measure, measured
from proofsearch_ebm.losses.masking import mean_over, softplus

if TYPE_CHECKING:
    from torch import Tensor

    from proofsearch.protocols import Builder
    from proofsearch_ebm.batch import GroupBatch


class OrdinalRegressionConfig(ComponentConfig):
    """Options of the loss ``ordinal_regression``."""

    measure: Measure = Field(default="steps", description="How far a proof is: in steps, or in nats of the policy.")
    dead_end: float = Field(default=32.0, gt=0, description="Steps, or nats, from a dead end to a proof, at least.")


class OrdinalRegression:
    """See the module."""

    def __init__(self, config: OrdinalRegressionConfig) -> None:
        self._config = config

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Tensor:
        """The loss, at least 0.

        Raises:
            UsageError: the head's second output is not of this kind.
        """
        exceeds = batch.exceeds
        if exceeds is None:
            raise UsageError(
                "the loss ordinal_regression fits the logits of a second output by buckets, and this head has none: "
                "switch them on (--ebm-buckets), with whole states (--ebm-parts state), or leave the loss out"
            )
        distance, known = measured(batch, self._config.measure, "ordinal_regression")
        bounds = exceeds.new_tensor(batch.bounds)
        loss = _cross_entropy(exceeds, distance[..., None] > bounds, known)
        if batch.dead_end is None:
            return loss
        below = bounds < self._config.dead_end
        if not bool(below.any()):
            return loss
        return loss + _cross_entropy(exceeds[..., below], below[below], batch.dead_end)


def _cross_entropy(logits: Tensor, exceeded: Tensor, counted: Tensor) -> Tensor:
    """The mean over bounds and over the states that count; ``counted`` of shape ``(groups, members)``."""
    logits = logits.masked_fill(~counted[..., None], 0)
    return mean_over(softplus(logits.where(~exceeded, -logits)).mean(dim=-1), counted)


def make_ordinal_regression(config: OrdinalRegressionConfig, builder: Builder) -> OrdinalRegression:
    """Builds the loss ``ordinal_regression``."""
    return OrdinalRegression(config)
