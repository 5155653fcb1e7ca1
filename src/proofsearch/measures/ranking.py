"""How well scores rank the children at decisions: is the one that leads to a proof ranked first?

A decision has n children, of which p lead to a found proof; scores are compared within a decision only.

* **Rank-1**: 1 where the best-scored child leads to a proof, 0 where not. Children that tie for the best share the
  credit: it is the part of them that leads to a proof. So a constant score gets p / n, what chance gets.
* **Reciprocal rank**: 1 / rank of the best-ranked child that leads to a proof. Ties count as put in random order: the
  credit is its expectation. The mean over decisions is the MRR.

Both are therefore unchanged by any strictly increasing transformation of a score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from proofsearch.measures.bootstrap import Bootstrap, Estimate, by_theorem

DEPTHS: tuple[tuple[str, int, float], ...] = (
    ("0-1", 0, 1),
    ("2-3", 2, 3),
    ("4-7", 4, 7),
    ("8+", 8, math.inf),
    ("all", 0, math.inf),
)
"""The depths at which decisions are put together: name, least and greatest depth of the node that was expanded."""

LOGPROB_RANKINGS = ("logprob", "normalized")
"""The rankings by log-probability alone; a value is compared with the better one."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions of some searches, as columns.

    Attributes:
        start: where each decision's children begin in ``positive``, shape ``(decisions,)``, from 0 and increasing.
        depth: steps from the root to the node that was expanded, shape ``(decisions,)``.
        theorem: which theorem each is of, from 0, shape ``(decisions,)``.
        theorems: how many theorems there are, those without a decision included.
        positive: whether each child leads to a found proof, shape ``(children,)``; at least one a decision.
    """

    start: NDArray[np.int64]
    depth: NDArray[np.int64]
    theorem: NDArray[np.int64]
    theorems: int
    positive: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The number of children of each decision, at least 2, shape ``(decisions,)``."""
        return np.diff(np.append(self.start, len(self.positive)))


@dataclass(frozen=True, slots=True)
class Credit:
    """What a score gets at each decision. Both of shape ``(decisions,)``, in [0, 1]."""

    rank1: NDArray[np.float64]
    mrr: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Mean credit over decisions, with intervals by a bootstrap over theorems."""

    rank1: Estimate
    mrr: Estimate


@dataclass(frozen=True, slots=True)
class RankingAtDepth:
    """How scores rank at the decisions of some depths.

    Attributes:
        decisions: how many.
        theorems: of how many theorems.
        children: mean number of children of a decision.
        random: what chance gets: for rank-1 the mean of p / n.
        rankings: what each score gets, by its name.
        differences: score less score, decision by decision, by name.
    """

    decisions: int
    theorems: int
    children: float
    random: Ranking
    rankings: Mapping[str, Ranking]
    differences: Mapping[str, Ranking]


def credit(decisions: Decisions, score: NDArray[np.float64]) -> Credit:
    """What a score gets at each decision; the module's first lines say how.

    Args:
        decisions: whose children were scored.
        score: higher is better, shape ``(children,)``; not ``nan``, but may be infinite.

    Raises:
        ValueError: a score is missing, or their number is not that of the children.
    """
    if len(score) != len(decisions.positive) or np.isnan(score).any():
        raise ValueError(f"{len(score)} scores for {len(decisions.positive)} children, or one of them is nan")
    if not len(decisions):
        return Credit(np.zeros(0), np.zeros(0))
    start, sizes, positive = decisions.start, decisions.sizes, decisions.positive

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.add.reduceat(which.astype(np.int64), start)

    first = score == np.repeat(np.maximum.reduceat(score, start), sizes)
    rank1 = count(first & positive) / count(first)
    # The best score of a child that leads to a proof; -inf can't stand for "no such child", as it may be a score.
    best = np.repeat(np.maximum.reduceat(np.where(positive, score, -np.inf), start), sizes)
    level = score == best
    places = zip(count(score > best).tolist(), count(level).tolist(), count(level & positive).tolist(), strict=True)
    return Credit(rank1, np.array([_reciprocal(*place) for place in places]))


def chance(decisions: Decisions) -> Credit:
    """What a constant score gets at each decision, and so what a random one gets on average."""
    return credit(decisions, np.zeros(len(decisions.positive)))


@lru_cache(maxsize=1 << 14)
def _reciprocal(better: int, tied: int, positive: int) -> float:
    """Expected 1 / rank of the first of ``positive`` children among ``tied`` in random order after ``better``."""
    return sum(
        math.comb(tied - place, positive - 1) / math.comb(tied, positive) / (better + place)
        for place in range(1, tied - positive + 2)
    )


def rank(
    decisions: Decisions,
    scores: Mapping[str, NDArray[np.float64]],
    compared: Mapping[str, tuple[str, str]],
    bootstrap: Bootstrap,
) -> dict[str, RankingAtDepth]:
    """Ranks by every score at every depth.

    Args:
        decisions: where.
        scores: by name, as :func:`credit` takes them.
        compared: differences by name: of which score, less which; ``"random"`` stands for chance.
        bootstrap: how intervals are made.

    Returns:
        By the names of :data:`DEPTHS`.
    """
    gained = {"random": chance(decisions)} | {name: credit(decisions, score) for name, score in scores.items()}
    for name, (first, second) in compared.items():
        gained[f"-{name}"] = Credit(gained[first].rank1 - gained[second].rank1, gained[first].mrr - gained[second].mrr)
    columns = np.stack([column for gains in gained.values() for column in (gains.rank1, gains.mrr)], axis=1)
    found = {}
    for label, least, most in DEPTHS:
        at = (decisions.depth >= least) & (decisions.depth <= most)
        theorem = decisions.theorem[at]
        counts = np.bincount(theorem, minlength=decisions.theorems)
        estimates = bootstrap.ratios(by_theorem(columns[at], theorem, decisions.theorems), counts)
        rankings = {
            name: Ranking(rank1, mrr) for name, rank1, mrr in zip(gained, estimates[::2], estimates[1::2], strict=True)
        }
        found[label] = RankingAtDepth(
            decisions=int(at.sum()),
            theorems=int((counts > 0).sum()),
            children=float(decisions.sizes[at].mean()) if at.any() else math.nan,
            random=rankings["random"],
            rankings={name: rankings[name] for name in scores},
            differences={name: rankings[f"-{name}"] for name in compared},
        )
    return found


def best_logprob(decisions: Decisions, scores: Mapping[str, NDArray[np.float64]]) -> str:
    """Which of :data:`LOGPROB_RANKINGS` has the higher rank-1 over all decisions; the first where they are equal."""
    means = {name: float(credit(decisions, scores[name]).rank1.sum()) for name in LOGPROB_RANKINGS}
    return max(means, key=lambda name: means[name])
