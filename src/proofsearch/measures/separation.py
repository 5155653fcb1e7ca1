"""How well scores tell states that lead to a proof from states that do not, and near ones from far ones.

Only labelled states count: *positive* and *negative* as :mod:`proofsearch.trajectory.labels` has them, where unknown
ones are no negatives; and of the positive ones those that lead on (:mod:`proofsearch.evaluation.recorded`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch.measures.bootstrap import Bootstrap, Estimate

MIN_DISTINCT = 3
"""Different numbers of remaining steps that a theorem needs for its rank correlation to mean something."""

BINS = 30
"""Of the histograms."""


@dataclass(frozen=True, slots=True)
class LabelledStates:
    """The labelled states of some searches, as columns of shape ``(states,)``, ordered by theorem.

    Attributes:
        positive: whether a proof was found at or below the state; else it was searched in vain.
        remaining: steps to the nearest found proof, at least 1; -1 unless positive.
        theorem: which theorem each is of, from 0, increasing.
    """

    positive: NDArray[np.bool_]
    remaining: NDArray[np.int64]
    theorem: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positive)

    def where(self, keep: NDArray[np.bool_]) -> LabelledStates:
        """Some of them; ``keep`` of shape ``(states,)``."""
        return LabelledStates(self.positive[keep], self.remaining[keep], self.theorem[keep])

    def by_theorem(self) -> list[NDArray[np.int64]]:
        """The rows of each theorem that has any."""
        if not len(self):
            return []
        starts = np.flatnonzero(np.append(True, self.theorem[1:] != self.theorem[:-1]))
        return np.split(np.arange(len(self)), starts[1:])


@dataclass(frozen=True, slots=True)
class Histogram:
    """How a score spreads over positive and negative states.

    Attributes:
        edges: of the bins, shape ``(bins + 1,)``; the outermost hold the lowest and the highest 0.5 % as well.
        positive: states in each bin, shape ``(bins,)``.
        negative: the same of the negative ones.
    """

    edges: tuple[float, ...]
    positive: tuple[int, ...]
    negative: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Separation:
    """What a score says of labelled states.

    Attributes:
        positives: positive states with a score.
        negatives: negative states with a score.
        auroc: chance that a positive state scores above a negative one, ties counting half; all theorems together.
        auroc_within: the same among the states of one theorem, averaged over the theorems that have both.
        auroc_theorems: how many those are.
        gap: mean of the positives less mean of the negatives, in pooled standard deviations (Cohen's d).
        spearman: rank correlation of the score with *minus* the remaining steps over a theorem's positive states,
            averaged over theorems with at least :data:`MIN_DISTINCT` different numbers of them; above 0 where states
            nearer to a proof score higher. 0 for a theorem whose positive states all score the same.
        spearman_theorems: how many those are.
        spearman_pooled: the same correlation over the positive states of all theorems together.
    """

    positives: int
    negatives: int
    auroc: float
    auroc_within: Estimate
    auroc_theorems: int
    gap: float
    spearman: Estimate
    spearman_theorems: int
    spearman_pooled: float


def separate(states: LabelledStates, score: NDArray[np.float64], bootstrap: Bootstrap) -> Separation:
    """Measures a score.

    Args:
        states: labelled.
        score: higher is better, shape ``(states,)``; states where it is ``nan`` are left out.
        bootstrap: how intervals are made.
    """
    known = ~np.isnan(score)
    states, score = states.where(known), score[known]
    within, correlations = [], []
    for rows in states.by_theorem():
        area = auroc(score[rows], states.positive[rows])
        if not math.isnan(area):
            within.append(area)
        on_path = rows[states.positive[rows]]
        if len(np.unique(states.remaining[on_path])) >= MIN_DISTINCT:
            correlations.append(nearness(score[on_path], states.remaining[on_path]))
    positive = states.positive
    return Separation(
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
        auroc=auroc(score, positive),
        auroc_within=bootstrap.mean(within),
        auroc_theorems=len(within),
        gap=gap(score[positive], score[~positive]),
        spearman=bootstrap.mean(correlations),
        spearman_theorems=len(correlations),
        spearman_pooled=nearness(score[positive], states.remaining[positive]),
    )


def auroc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """The area under the receiver operating characteristic: Mann and Whitney's U over the number of pairs.

    Returns:
        In [0, 1], 0.5 by chance; ``nan`` unless there are both.
    """
    from scipy.stats import rankdata

    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return math.nan
    ranks = float(rankdata(score)[positive].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def gap(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Difference of the means in pooled standard deviations; ``nan`` where there is no spread or one side is empty."""
    if len(positive) == 0 or len(negative) == 0 or len(positive) + len(negative) < 3:
        return math.nan
    squares = float(((positive - positive.mean()) ** 2).sum() + ((negative - negative.mean()) ** 2).sum())
    spread = math.sqrt(squares / (len(positive) + len(negative) - 2))
    return float(positive.mean() - negative.mean()) / spread if spread > 0 else math.nan


def nearness(score: NDArray[np.float64], remaining: NDArray[np.int64]) -> float:
    """Spearman's rank correlation of a score with minus the remaining steps.

    Returns:
        In [-1, 1]; 0 for a constant score, which orders nothing; ``nan`` where the remaining steps are all the same.
    """
    from scipy.stats import spearmanr

    if len(score) < 2 or remaining.min() == remaining.max():
        return math.nan
    if score.min() == score.max():
        return 0.0
    return float(spearmanr(score, -remaining).statistic)


def histogram(states: LabelledStates, score: NDArray[np.float64], bins: int = BINS) -> Histogram:
    """Counts positive and negative states by score; without any states, no bins.

    Args:
        states: labelled.
        score: shape ``(states,)``; ``nan`` is left out.
        bins: how many.
    """
    known = ~np.isnan(score)
    positive, values = states.positive[known], score[known]
    if not len(values):
        return Histogram((), (), ())
    # One far-off value must not squeeze all others into one bin.
    low, high = np.quantile(values, [0.005, 0.995])
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    clipped = np.clip(values, low, high)
    counts = [np.histogram(clipped[which], edges)[0].tolist() for which in (positive, ~positive)]
    return Histogram(tuple(edges.tolist()), tuple(counts[0]), tuple(counts[1]))


def separate_all(
    states: LabelledStates, scores: Mapping[str, NDArray[np.float64]], bootstrap: Bootstrap
) -> dict[str, Separation]:
    """Measures several scores by name."""
    return {name: separate(states, score, bootstrap) for name, score in scores.items()}
