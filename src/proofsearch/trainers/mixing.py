"""How much the value should count against log-probability, fitted on decisions of validation theorems.

A conditional logit (McFadden 1974) says how likely each member of a set of alternatives is to be one that leads to a
proof: its utility is u = a·logprob + b·value − c·goals with a, b, c ≥ 0, and a set with several good members is as
likely as their sum. The core orders nodes by (1 − w)·z(logprob) + w·z(value) − g·goals, with z standardising; divided
by s = a·σ_logprob + b·σ_value that is the same order where w = b·σ_value / s and g = c / s.

Whether the value helps is judged on theorems that its weights were not fitted on: the sets are divided into folds by
theorem, and the gain in rank-1 over the best ranking without the value gets a bootstrap interval over theorems.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.measures.conditional_logit import most_likely, rank_one
from proofsearch.protocols import Calibration

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5
"""Parts that the theorems are divided into, to measure on one what was fitted on the others."""


@dataclass(frozen=True, slots=True)
class ChoiceSets:
    """Sets of alternatives, concatenated. Every set has at least two members, and one of them at least is positive.

    Attributes:
        logprob, value, goals: of each member, shape ``(members,)``.
        positive: whether it leads to a proof, shape ``(members,)``.
        offsets: where each set begins, shape ``(sets + 1,)``.
        theorem: of each set, any number that tells theorems apart, shape ``(sets,)``.
    """

    logprob: Floats
    value: Floats
    goals: Floats
    positive: NDArray[np.bool_]
    offsets: Ints
    theorem: Ints

    def __len__(self) -> int:
        return len(self.theorem)

    def rank_one(self, score: Floats) -> Floats:
        """For each set, the share of the members with the highest score that are positive; shape ``(sets,)``."""
        return rank_one(score, self.positive, self.offsets)

    def take(self, sets: Ints) -> ChoiceSets:
        """Some of the sets, in that order."""
        sizes = np.diff(self.offsets)[sets]
        begins = np.cumsum(sizes) - sizes
        members = np.repeat(self.offsets[sets] - begins, sizes) + np.arange(int(sizes.sum()))
        return ChoiceSets(
            self.logprob[members],
            self.value[members],
            self.goals[members],
            self.positive[members],
            np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
            self.theorem[sets],
        )


@dataclass(frozen=True, slots=True)
class Mixing:
    """What was fitted and measured; goes into the manifest as it is.

    Attributes:
        value_mean, value_std, logprob_mean, logprob_std: over the members of the sets.
        value_weight, goal_weight: of the fit, for the core's ``mix``.
        plain_goal_weight: of the fit without the value.
        scale, plain_scale: what turns the mixed priority into the utility of either fit, above 0.
        sets, theorems: how many it rests on.
        rank_random, rank_logprob, rank_logprob_goals, rank_value, rank_mixed: rank-1, ties sharing credit; the last
            two that were fitted on theorems other than those they are measured on.
        gain: of ``rank_mixed`` over the better of the two rankings without the value.
        gain_low, gain_high: its 95 % bootstrap interval over theorems.
    """

    value_mean: float
    value_std: float
    logprob_mean: float
    logprob_std: float
    value_weight: float
    goal_weight: float
    plain_goal_weight: float
    scale: float
    plain_scale: float
    sets: int
    theorems: int
    rank_random: float
    rank_logprob: float
    rank_logprob_goals: float
    rank_value: float
    rank_mixed: float
    gain: float
    gain_low: float
    gain_high: float

    @property
    def helps(self) -> bool:
        """Whether the interval of the gain lies above 0."""
        return self.gain_low > 0

    def calibration(self, *, force: bool = False) -> Calibration:
        """The weights for the core: the value's where it helps or is forced, else 0 and the goals' own weight."""
        used = self.helps or force
        return Calibration(
            self.value_mean,
            self.value_std,
            self.logprob_mean,
            self.logprob_std,
            self.value_weight if used else 0.0,
            self.goal_weight if used else self.plain_goal_weight,
            self.scale if used else self.plain_scale,
        )

    def to_json(self) -> dict[str, Any]:
        """The attributes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Any) -> Mixing:
        """What :meth:`to_json` gave.

        Raises:
            ValueError: something is missing, left over, or no finite number.
        """
        names = set(cls.__dataclass_fields__)
        if not isinstance(values, dict) or values.keys() != names:
            raise ValueError(f"expected an object with the entries {', '.join(sorted(names))}")
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
                raise ValueError(f"{name} is {value!r}, expected a finite number")
        return cls(**values)


def fit_mixing(sets: ChoiceSets, *, resamples: int, rng: np.random.Generator) -> Mixing:
    """Fits the weights on all sets, and measures across folds of theorems what they gain.

    With a single theorem there is nothing to measure on: the interval is then [-1, 1].

    Args:
        sets: at least one.
        resamples: of the bootstrap.
        rng: draws the folds and the resamples.
    """
    value_std, logprob_std = _spread(sets.value), _spread(sets.logprob)
    a, b, c = fit_weights(sets, use_value=True)
    plain_a, _, plain_c = fit_weights(sets, use_value=False)
    scale = a * logprob_std + b * value_std
    plain_scale = plain_a * logprob_std
    # Without a scale there is nothing to weigh goals against: a goal then costs a unit of log-probability.
    plain_goal_weight = plain_c / plain_scale if plain_scale > 0 else 1.0 / (logprob_std or 1.0)

    rank_logprob = sets.rank_one(sets.logprob)
    plain, mixed = _across_folds(sets, rng)
    before = plain if plain.mean() > rank_logprob.mean() else rank_logprob
    gains = mixed - before
    low, high = _bootstrap(gains, sets.theorem, resamples, rng)
    return Mixing(
        float(sets.value.mean()),
        value_std,
        float(sets.logprob.mean()),
        logprob_std,
        value_weight=b * value_std / scale if scale > 0 else 0.0,
        goal_weight=c / scale if scale > 0 else plain_goal_weight,
        plain_goal_weight=plain_goal_weight,
        scale=scale if scale > 0 else 1.0,
        plain_scale=plain_scale if plain_scale > 0 else 1.0,
        sets=len(sets),
        theorems=len(np.unique(sets.theorem)),
        rank_random=float(sets.rank_one(np.zeros_like(sets.value)).mean()),
        rank_logprob=float(rank_logprob.mean()),
        rank_logprob_goals=float(plain.mean()),
        rank_value=float(sets.rank_one(sets.value).mean()),
        rank_mixed=float(mixed.mean()),
        gain=float(gains.mean()),
        gain_low=low,
        gain_high=high,
    )


def fit_weights(sets: ChoiceSets, *, use_value: bool) -> tuple[float, float, float]:
    """The weights (a, b, c) of log-probability, value and minus the goals, each at least 0; b is 0 without the value.

    Maximum likelihood with a small ridge. Of all choices of features whose free fit has no weight below 0, the most
    likely one is taken.
    """
    columns = np.stack((sets.logprob, sets.value, -sets.goals), axis=1)
    spreads = np.array([_spread(column) for column in columns.T])
    wanted = [place for place in (0, 1, 2) if spreads[place] > 0 and (use_value or place != 1)]
    scaled = (columns - columns.mean(axis=0)) / np.where(spreads > 0, spreads, 1.0)
    best, weights = -np.inf, np.zeros(3)
    for size in range(len(wanted), 0, -1):
        for free in itertools.combinations(wanted, size):
            found, likelihood = most_likely(scaled[:, free], sets.positive, sets.offsets)
            if (found >= 0).all() and likelihood > best:
                best, weights = likelihood, np.zeros(3)
                weights[list(free)] = found / spreads[list(free)]
        if size == len(wanted) and best > -np.inf:
            break  # with nothing held at 0 it can't be more likely
    return float(weights[0]), float(weights[1]), float(weights[2])


def _across_folds(sets: ChoiceSets, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rank-1 of each set without and with the value, by weights that were fitted on other theorems."""
    theorems = np.unique(sets.theorem)
    folds = min(FOLDS, len(theorems))
    fold_of_theorem = rng.permutation(np.arange(len(theorems)) % folds)
    fold = fold_of_theorem[np.searchsorted(theorems, sets.theorem)]
    plain, mixed = np.zeros(len(sets)), np.zeros(len(sets))
    for number in range(folds):
        held_out = np.flatnonzero(fold == number)
        others = sets.take(np.flatnonzero(fold != number)) if folds > 1 else sets
        here = sets.take(held_out)
        for ranks, use_value in ((plain, False), (mixed, True)):
            a, b, c = fit_weights(others, use_value=use_value)
            ranks[held_out] = here.rank_one(a * here.logprob + b * here.value - c * here.goals)
    return plain, mixed


def _bootstrap(gains: Floats, theorem: Ints, resamples: int, rng: np.random.Generator) -> tuple[float, float]:
    """The 95 % interval of the mean gain when theorems, with all their sets, are drawn anew."""
    _, inverse = np.unique(theorem, return_inverse=True)
    count = int(inverse.max()) + 1
    if count < 2:
        return -1.0, 1.0
    sums, sizes = np.bincount(inverse, gains), np.bincount(inverse)
    drawn = rng.integers(0, count, size=(resamples, count))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _spread(column: Floats) -> float:
    """Standard deviation; exactly 0 for a constant column, whatever its rounding."""
    return 0.0 if len(column) == 0 or column.min() == column.max() else float(column.std())
