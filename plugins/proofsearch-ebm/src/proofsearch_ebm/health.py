"""Whether a training goes wrong, said in words. Each check is one way in which an earlier system failed unseen."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from proofsearch_ebm.metrics import GroupMetrics

COLLAPSED_STD = 0.1
"""Energies that vary less than this are as good as equal."""
CERTAIN_RANK = 0.95
UNSURE_LOSS = 0.5
"""A contrastive loss above this beside a rank above :data:`CERTAIN_RANK`: right order, no confidence."""
INVERTED_ERRORS = 4.0
"""Standard errors below chance from which on a rank is no accident."""

CONTRASTIVE = ("info_nce", "listwise")
"""The losses that fall to 0 when the positive is certain, so that their size says how sure the energy is."""


@dataclass(frozen=True, slots=True)
class HealthWarning:
    """One thing that is wrong.

    Attributes:
        name: ``non-finite``, ``collapse``, ``inverted``, ``negative-gap`` or ``unsure``.
        message: what was found, what it means and what to do.
    """

    name: str
    message: str


def check_health(metrics: GroupMetrics, contrastive: Collection[str] = CONTRASTIVE) -> list[HealthWarning]:
    """The checks that fail, the gravest first; an empty list for a healthy training, or one without groups.

    Args:
        metrics: of one validation, or of the last training steps.
        contrastive: which of ``metrics.parts`` are losses that fall to 0 when the positive is certain.
    """
    found: list[HealthWarning] = []
    lost = [name for name, value in metrics.parts.items() if not math.isfinite(value)]
    if metrics.non_finite or lost or math.isinf(metrics.loss):
        what = f"{metrics.non_finite} energies" if metrics.non_finite else f"the loss {', '.join(lost) or 'total'}"
        found.append(
            HealthWarning(
                "non-finite",
                f"{what} came out as NaN or infinity: the weights or the inputs are broken; "
                f"lower the learning rate, and look for non-finite encoder rows",
            )
        )
    if metrics.groups == 0:
        return found
    if metrics.energy_std < COLLAPSED_STD:
        found.append(
            HealthWarning(
                "collapse",
                f"all states get nearly the same energy (standard deviation {metrics.energy_std:.3g}, below "
                f"{COLLAPSED_STD}): nothing is told apart; check that the inputs are standardised and the scale is "
                f"learnable, or train longer",
            )
        )
    if metrics.rank_accuracy < metrics.chance - INVERTED_ERRORS * metrics.chance_error and metrics.chance_error > 0:
        found.append(
            HealthWarning(
                "inverted",
                f"a positive comes first in {metrics.rank_accuracy:.0%} of the groups, far less than chance "
                f"({metrics.chance:.0%}): the energy is the wrong way round; lower must be more provable, so look for "
                f"a lost minus sign or swapped labels",
            )
        )
    if metrics.gap < 0:
        found.append(
            HealthWarning(
                "negative-gap",
                f"positives lie above negatives on average (gap {metrics.gap:.3g}, means "
                f"{metrics.mean_positive:.3g} and {metrics.mean_negative:.3g}): early in training wait, later check "
                f"the labels",
            )
        )
    unsure = [name for name in contrastive if metrics.parts.get(name, 0.0) > UNSURE_LOSS]
    if metrics.rank_accuracy > CERTAIN_RANK and unsure:
        found.append(
            HealthWarning(
                "unsure",
                f"a positive comes first in {metrics.rank_accuracy:.0%} of the groups, yet {unsure[0]} is still "
                f"{metrics.parts[unsure[0]]:.2f}: the energies are too close together to be sure; the scale is stuck, "
                f"so make it learnable or train longer",
            )
        )
    return found
