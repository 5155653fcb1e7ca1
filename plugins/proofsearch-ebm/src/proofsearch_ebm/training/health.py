"""Whether a training goes wrong, said in words. Each check is one way in which an earlier system failed unseen."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from proofsearch_ebm.training.metrics import GroupMetrics

COLLAPSED_STD = 0.1
"""Energies of a group that vary less than this are as good as equal."""
CERTAIN_RANK = 0.95
UNSURE_LOSS = 0.5
"""A contrastive loss above this beside a rank above :data:`CERTAIN_RANK`: right order, no confidence."""
INVERTED_CHANCE = 1e-3
"""How seldom so low a rank comes by chance, from which on it is no accident."""
CHANCE_ERRORS = 2.0
"""Standard errors within which a difference may be an accident."""

CONTRASTIVE = ("info_nce", "listwise")
"""The losses that fall to 0 when the positive is certain, so that their size says how sure the energy is."""


@dataclass(frozen=True, slots=True)
class HealthWarning:
    """One thing that is wrong.

    Attributes:
        name: ``non-finite``, ``collapse``, ``inverted``, ``chance``, ``negative-gap``, ``worse-than-policy`` or
            ``unsure``.
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
    found += _energy_warnings(metrics)
    if metrics.gain < -CHANCE_ERRORS * metrics.gain_error:
        found.append(
            HealthWarning(
                "worse-than-policy",
                f"with the energy a positive comes first in {metrics.rank_accuracy:.1%} of the groups, by "
                f"log-probability alone in {metrics.policy_rank:.1%}: the energy takes away from the policy; early "
                f"in training wait, later train on more theorems",
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


def _energy_warnings(metrics: GroupMetrics) -> list[HealthWarning]:
    """What is wrong with the energies by themselves, which the policy's order would hide."""
    if metrics.energy_spread < COLLAPSED_STD:
        return [
            HealthWarning(
                "collapse",
                f"the states of a group get nearly the same energy (standard deviation {metrics.energy_spread:.3g} "
                f"within groups, below {COLLAPSED_STD}): nothing is told apart; check that the inputs are standardised "
                f"and the scale is learnable, or train longer",
            )
        ]
    found = []
    helps = metrics.gain > CHANCE_ERRORS * metrics.gain_error
    above = metrics.energy_rank - metrics.chance
    seen = f"by the energy alone a positive comes first in {metrics.energy_rank:.1%} of the groups"
    if _probability_by_chance(metrics) < INVERTED_CHANCE and not helps:
        found.append(
            HealthWarning(
                "inverted",
                f"{seen}, far less than chance ({metrics.chance:.1%}): it is the wrong way round; lower must be more "
                f"provable, so look for a lost minus sign or swapped labels",
            )
        )
    elif above < CHANCE_ERRORS * metrics.chance_error and not helps:
        found.append(
            HealthWarning(
                "chance",
                f"{seen}: no better than chance ({metrics.chance:.1%}); early in training wait, later check the labels "
                f"and the encoder, or train on more theorems",
            )
        )
    if metrics.energy_gap < 0 and not helps:
        found.append(
            HealthWarning(
                "negative-gap",
                f"positives get higher energies than the negatives of their groups, on average by "
                f"{-metrics.energy_gap:.3g}: early in training wait, later check the labels",
            )
        )
    return found


def _probability_by_chance(metrics: GroupMetrics) -> float:
    """How likely equal energies would put a positive first in as few groups: the binomial tail.

    Chance is a few percent among many members, so a normal one would reach below 0 and could never tell.
    """
    from scipy.stats import binom

    return float(binom.cdf(math.floor(metrics.energy_rank * metrics.groups + 0.5), metrics.groups, metrics.chance))
