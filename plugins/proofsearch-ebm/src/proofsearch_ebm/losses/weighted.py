"""A weighted sum of losses, each asked for by name: ``info_nce:1 depth_regression:0.3``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from proofsearch.config.bounds import LARGEST
from proofsearch.errors import PluginError, UsageError
from proofsearch.protocols import Loss
from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.losses.cases import loss_cases
from proofsearch_ebm.model.architecture import HeadConfig


@dataclass(frozen=True, slots=True)
class LossTerm:
    """One loss by name with its weight, at least 0. With weight 0 it is measured and teaches nothing."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class LossValue:
    """What the losses came to.

    Attributes:
        total: the weighted sum, a scalar with a gradient.
        parts: each loss by name, unweighted scalars without a gradient.
    """

    total: Tensor
    parts: Mapping[str, Tensor]


def parse_terms(texts: Sequence[str], option: str = "--ebm-loss") -> tuple[LossTerm, ...]:
    """Reads losses written as ``NAME:WEIGHT``, or ``NAME`` for weight 1.

    Args:
        texts: one a loss.
        option: where they come from, for errors.

    Raises:
        UsageError: none, one twice, a weight that is no number from 0 to 10⁹, or no weight above 0.
    """
    terms: dict[str, LossTerm] = {}
    for text in texts:
        name, colon, weight = (part.strip() for part in text.partition(":"))
        try:
            value = float(weight) if colon else 1.0
        except ValueError:
            value = math.nan
        if not name or not 0 <= value <= LARGEST:
            raise UsageError(
                f"{option} {text!r}: expected NAME:WEIGHT with a weight from 0, such as info_nce:1 or "
                f"depth_regression:0.3"
            )
        if name in terms:
            raise UsageError(f"{option} {text!r}: the loss {name!r} is given twice; give it once, with one weight")
        terms[name] = LossTerm(name, value)
    if not any(term.weight > 0 for term in terms.values()):
        raise UsageError(f"{option}: no loss has a weight above 0, so there is nothing to train; try info_nce:1")
    return tuple(terms.values())


class WeightedLosses:
    """Calls every loss on the same energies and adds them up.

    Args:
        terms: what to add up.
        loss: looks a loss up by name, such as ``builder.loss``; called here, so that an unknown name fails at once.
    """

    def __init__(self, terms: Sequence[LossTerm], loss: Callable[[str], Loss]) -> None:
        self.terms = tuple(terms)
        self._losses: list[tuple[LossTerm, Loss]] = [(term, loss(term.name)) for term in self.terms]

    def __call__(self, energies: Tensor, batch: GroupBatch) -> LossValue:
        """Measures all losses.

        Args:
            energies: float, shape ``(groups, members)``, lower is better.
            batch: what they belong to.

        Raises:
            PluginError: a loss returned something else than a scalar tensor.
        """
        total = energies.new_zeros(())
        parts: dict[str, Tensor] = {}
        for term, loss in self._losses:
            if term.weight > 0:
                value = _scalar(term.name, loss(energies, batch))
                total = total + term.weight * value
            else:
                with torch.no_grad():
                    value = _scalar(term.name, loss(energies, batch))
            parts[term.name] = value.detach()
        return LossValue(total, parts)


def refuse_losses(losses: WeightedLosses, head: HeadConfig) -> None:
    """Tries losses on batches as a training has them, and refuses those that don't fit its head's second output.

    Raises:
        UsageError, PluginError: as the losses themselves.
    """
    for case in loss_cases():
        batch = case.batch
        if not head.remaining_output:
            batch = replace(batch, predicted_log_remaining=None)
        if not head.remaining_bounds:
            batch = replace(batch, exceeds=None, bounds=())
        with torch.no_grad():
            losses(case.energies, batch)


def _scalar(name: str, value: object) -> Tensor:
    if not isinstance(value, Tensor) or value.ndim != 0:
        found = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise PluginError(f"the loss {name!r} returned {found}, expected a scalar tensor; its plugin must be corrected")
    return value
