"""How well energies order the members of groups, measured over as many batches as wanted.

"Negative" is here every member that is not positive: not known to lead to a proof. What orders a group are the
energies, in a training with a policy weight less the weighted log-probabilities: what the losses see. The policy alone
orders most groups well, so that order says little of the energies; what they and the policy are worth by themselves is
measured beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from proofsearch_ebm.batch import GroupBatch

DEPTH_BANDS: tuple[tuple[int, int | None], ...] = ((0, 1), (2, 3), (4, 7), (8, None))
"""First and last depth of each band in which rank is reported."""


@dataclass(frozen=True, slots=True)
class BandMetrics:
    """Rank accuracy of the groups at some depths.

    Attributes:
        groups: how many.
        rank_accuracy: see :class:`GroupMetrics`.
        chance: what equal energies would give.
    """

    groups: int
    rank_accuracy: float
    chance: float


@dataclass(frozen=True, slots=True)
class GroupMetrics:
    """What a :class:`GroupMeter` found. What can't be known, for want of groups or members, is NaN.

    Attributes:
        groups: groups with both a positive and a negative; only these are measured.
        loss: the mean total loss; NaN where no loss was given.
        parts: the mean of each loss by name, unweighted.
        mean_positive, mean_negative: mean of each side, over members, of what orders the groups.
        gap: ``mean_negative − mean_positive``; above 0 where positives lie lower.
        rank_accuracy: share of the groups in which the lowest is a positive, in [0, 1]. Members that tie for the
            lowest share the credit, so that equal ones score ``chance``, neither 0 nor 1.
        chance: the rank accuracy of equal energies: the mean share of positives.
        chance_error: the standard error of rank accuracy by chance.
        energy_rank: the rank accuracy of the energies alone.
        energy_gap: mean over groups of the mean energy of its negatives less that of its positives.
        energy_std: standard deviation of all members' energies, always of the energies alone.
        energy_spread: the same within groups: of the energies less their group's mean. This is what can order a group.
        policy_rank: the rank accuracy of the policy alone; NaN where it was not given.
        gain: ``rank_accuracy - policy_rank``; NaN where the energies alone order the groups, or no policy was given.
        gain_error: its standard error, of differences group by group.
        non_finite: members whose energy is no finite number; their groups are measured in nothing else.
        by_depth: the same by depth, keyed like ``"2-3"`` and ``"8+"``; empty where no depths were given.
    """

    groups: int
    loss: float
    parts: Mapping[str, float]
    mean_positive: float
    mean_negative: float
    gap: float
    rank_accuracy: float
    chance: float
    chance_error: float
    energy_rank: float
    energy_gap: float
    energy_std: float
    energy_spread: float
    non_finite: int
    policy_rank: float = math.nan
    gain: float = math.nan
    gain_error: float = math.nan
    by_depth: Mapping[str, BandMetrics] = field(default_factory=dict)

    def flat(self) -> dict[str, float]:
        """Everything as one level of numbers: parts as ``loss/NAME``, depths as ``rank_accuracy/BAND``."""
        numbers: dict[str, float] = {
            "loss": self.loss,
            "gap": self.gap,
            "mean_positive": self.mean_positive,
            "mean_negative": self.mean_negative,
            "rank_accuracy": self.rank_accuracy,
            "chance": self.chance,
            "energy_rank": self.energy_rank,
            "energy_gap": self.energy_gap,
            "energy_std": self.energy_std,
            "energy_spread": self.energy_spread,
            "policy_rank": self.policy_rank,
            "groups": float(self.groups),
            "non_finite": float(self.non_finite),
        }
        numbers |= {f"loss/{name}": value for name, value in self.parts.items()}
        for band, metrics in self.by_depth.items():
            numbers[f"rank_accuracy/{band}"] = metrics.rank_accuracy
            numbers[f"chance/{band}"] = metrics.chance
        return numbers


def rank_credit(
    energies: NDArray[np.float64], mask: NDArray[np.bool_], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Which share of the lowest-energy members of each group is positive, shape ``(groups,)``, in [0, 1].

    Args:
        energies: shape ``(groups, members)``, finite where ``mask`` is set.
        mask: whether there is a member; every group has one.
        positive: whether it is positive.
    """
    inside = np.where(mask, energies, np.inf)
    lowest = inside == inside.min(axis=1, keepdims=True)
    credit: NDArray[np.float64] = (lowest & positive & mask).sum(axis=1) / lowest.sum(axis=1)
    return credit


class GroupMeter:
    """Adds up batches. Every batch weighs by its groups, so that how they are batched changes nothing."""

    def __init__(self) -> None:
        self._credit: list[NDArray[np.float64]] = []
        self._chance: list[NDArray[np.float64]] = []
        self._depth: list[NDArray[np.int64]] = []
        self._has_depth = True
        self._positives: list[NDArray[np.float64]] = []
        self._negatives: list[NDArray[np.float64]] = []
        self._energies: list[NDArray[np.float64]] = []
        self._centred: list[NDArray[np.float64]] = []
        self._energy_credit: list[NDArray[np.float64]] = []
        self._energy_gap: list[NDArray[np.float64]] = []
        self._policy_credit: list[NDArray[np.float64]] = []
        self._gain: list[NDArray[np.float64]] = []
        self._losses: dict[str, list[tuple[float, int]]] = {}
        self._non_finite = 0

    def add(
        self,
        energies: Tensor,
        batch: GroupBatch,
        losses: Mapping[str, Tensor | float] | None = None,
        depth: NDArray[np.integer] | None = None,
        ordered: Tensor | None = None,
        policy: Tensor | None = None,
    ) -> None:
        """Measures one batch.

        Args:
            energies: float, shape ``(groups, members)``, lower is better.
            batch: what they belong to.
            losses: means over the batch's groups, by name; ``"total"`` is the weighted sum.
            depth: shape ``(groups,)``: how deep each group's decision is. Without it in any batch, rank by depth is
                left out.
            ordered: the shape of ``energies``, lower is better: what orders the groups, where that is not the energies
                alone.
            policy: the shape of ``energies``, lower is better: what would order the groups without them.
        """
        alone = _on_host(energies)
        values = alone if ordered is None else _on_host(ordered)
        mask = batch.mask.cpu().numpy()
        positive = batch.positive.cpu().numpy() & mask
        for name, value in (losses or {}).items():
            self._losses.setdefault(name, []).append((float(value), len(values)))
        finite = np.isfinite(values) | ~mask
        self._non_finite += int((~finite).sum())
        used = finite.all(axis=1) & positive.any(axis=1) & (mask & ~positive).any(axis=1)
        values, alone, mask, positive = values[used], alone[used], mask[used], positive[used]
        self._credit.append(rank_credit(values, mask, positive) if len(values) else np.zeros(0))
        self._chance.append(positive.sum(axis=1) / np.maximum(mask.sum(axis=1), 1))
        self._positives.append(values[positive])
        self._negatives.append(values[mask & ~positive])
        self._energies.append(alone[mask])
        self._add_alone(alone, mask, positive)
        if policy is not None:
            liking = _on_host(policy)[used]
            self._policy_credit.append(rank_credit(liking, mask, positive) if len(liking) else np.zeros(0))
            if ordered is not None:
                self._gain.append(self._credit[-1] - self._policy_credit[-1])
        self._has_depth = self._has_depth and depth is not None
        if depth is not None:
            self._depth.append(np.asarray(depth, np.int64)[used])

    def _add_alone(self, energies: NDArray[np.float64], mask: NDArray[np.bool_], positive: NDArray[np.bool_]) -> None:
        """Measures what the energies say within each of some groups, which have both sides."""
        if not len(energies):
            return
        self._energy_credit.append(rank_credit(energies, mask, positive))
        inside = np.where(mask, energies, 0.0)
        centred = energies - (inside.sum(axis=1) / mask.sum(axis=1))[:, None]
        self._centred.append(centred[mask])
        sides = [
            (np.where(side, energies, 0.0).sum(axis=1) / side.sum(axis=1)) for side in (positive, mask & ~positive)
        ]
        self._energy_gap.append(sides[1] - sides[0])

    def result(self) -> GroupMetrics:
        """What was found in all batches together."""
        credit, chance = _joined(self._credit), _joined(self._chance)
        positives, negatives = _joined(self._positives), _joined(self._negatives)
        mean_positive, mean_negative = _mean(positives), _mean(negatives)
        losses = {name: _weighted(entries) for name, entries in self._losses.items()}
        energies, centred = _joined(self._energies), _joined(self._centred)
        gain = _joined(self._gain)
        by_depth = {}
        if self._has_depth and self._depth:
            depth = np.concatenate(self._depth)
            for first, last in DEPTH_BANDS:
                inside = (depth >= first) & (depth <= (depth if last is None else last))
                if inside.any():
                    band = f"{first}+" if last is None else f"{first}-{last}"
                    by_depth[band] = BandMetrics(int(inside.sum()), _mean(credit[inside]), _mean(chance[inside]))
        return GroupMetrics(
            groups=len(credit),
            loss=losses.pop("total", float("nan")),
            parts=losses,
            mean_positive=mean_positive,
            mean_negative=mean_negative,
            gap=mean_negative - mean_positive,
            rank_accuracy=_mean(credit),
            chance=_mean(chance),
            chance_error=float(np.sqrt((chance * (1 - chance)).sum()) / len(chance)) if len(chance) else float("nan"),
            energy_rank=_mean(_joined(self._energy_credit)),
            energy_gap=_mean(_joined(self._energy_gap)),
            energy_std=float(energies.std()) if len(energies) else float("nan"),
            energy_spread=float(np.sqrt((centred**2).mean())) if len(centred) else float("nan"),
            non_finite=self._non_finite,
            policy_rank=_mean(_joined(self._policy_credit)),
            gain=_mean(gain),
            gain_error=float(gain.std() / np.sqrt(len(gain))) if len(gain) else float("nan"),
            by_depth=by_depth,
        )


def _on_host(tensor: Tensor) -> NDArray[np.float64]:
    # First to the processor, as not every device has double precision.
    values: NDArray[np.float64] = tensor.detach().cpu().double().numpy()
    return values


def _joined(arrays: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(arrays) if arrays else np.zeros(0)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _weighted(entries: list[tuple[float, int]]) -> float:
    weight = sum(groups for _, groups in entries)
    return sum(value * groups for value, groups in entries) / weight if weight else float("nan")
