"""Depth regression: learn how many steps a positive state is from the end of the proof.

With ``target=head`` the head's second output r̂ is fitted to the remaining steps r,

    L = mean of Huber_δ( log(1 + r̂) − log(1 + r) )

(Huber 1964; logarithms because being off by one matters near the end and not far from it). With ``target=energy`` the
energy itself is, as the system that this one re-creates did it: L = mean of (E − r)², of the energy without the
policy's log-probability. That pulls the energy towards a fixed scale while a contrastive loss wants it free; prefer the
second output. States whose remaining steps are unknown (−1) count nothing, and the loss is 0 where none is known.

A dead end, a state that was searched in vain, is at least ``dead_end`` steps D away, as far as the second output is
concerned: it adds the mean of Huber_δ( max(0, log(1 + D) − log(1 + r̂)) ) over them, a censored regression (Tobin 1958).
With ``measure=nats`` all of this is in nats, the −log-probability of the likeliest known proof, instead of steps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.errors import UsageError
from proofsearch_ebm.losses.distance import Measure, measured
from proofsearch_ebm.losses.masking import mean_over

if TYPE_CHECKING:
    from torch import Tensor

    from proofsearch.protocols import Builder
    from proofsearch_ebm.batch import GroupBatch


class DepthRegressionConfig(ComponentConfig):
    """Options of the loss ``depth_regression``."""

    target: Literal["head", "energy"] = Field(
        default="head", description="Fit the head's second output, or the energy itself."
    )
    delta: float = Field(default=1.0, gt=0, description="head: errors beyond it count linearly.")
    dead_end: float = Field(default=32.0, gt=0, description="head: steps from a dead end to a proof, at least.")
    measure: Measure = Field(default="steps", description="How far a proof is: in steps, or in nats of the policy.")


class DepthRegression:
    """See the module."""

    def __init__(self, config: DepthRegressionConfig) -> None:
        self._config = config

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Tensor:
        """The loss, at least 0.

        Raises:
            UsageError: the head has no second output to fit.
        """
        distance, known = measured(batch, self._config.measure, "depth_regression")
        if self._config.target == "energy":
            known = known & batch.mask
            distance = distance.masked_fill(~known, 0)
            # A distance has nothing to do with how likely the policy found the way to the state.
            energies = energies if batch.energies is None else batch.energies
            return mean_over((energies.masked_fill(~known, 0) - distance).square(), known)
        if batch.predicted_log_remaining is None:
            raise UsageError(
                "the loss depth_regression fits the head's second output, and this head has none: switch it on "
                "(--ebm-remaining-output) or leave the loss out"
            )
        predicted = batch.predicted_log_remaining
        loss = mean_over(self._huber((predicted.masked_fill(~known, 0) - distance.log1p()).abs()), known)
        if batch.dead_end is None:
            return loss
        missing = math.log1p(self._config.dead_end) - predicted.masked_fill(~batch.dead_end, 0)
        return loss + mean_over(self._huber(missing.clamp_min(0)), batch.dead_end)

    def _huber(self, errors: Tensor) -> Tensor:
        near = errors.clamp_max(self._config.delta)
        return near * (errors - near / 2)  # ½e² up to δ, δ·(e − δ/2) beyond


def make_depth_regression(config: DepthRegressionConfig, builder: Builder) -> DepthRegression:
    """Builds the loss ``depth_regression``."""
    return DepthRegression(config)
