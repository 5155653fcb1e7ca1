"""Confidence intervals by a bootstrap over theorems.

Decisions and states of one theorem are alike: a thousand of them say less than a thousand theorems would. So theorems
are drawn, each with everything that it brings (the cluster bootstrap: Davison and Hinkley, *Bootstrap Methods and
their Application*, 1997, section 3.8).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
"""Of every interval that is reported."""

DEFAULT_RESAMPLES = 2000
"""Draws of the theorems; the ends of an interval then vary by a few hundredths of its width from seed to seed."""

_DRAWN_AT_ONCE = 1 << 22
"""Weights that are held in memory at a time."""

_KEPT = 1 << 28
"""Draws that are kept for the next interval over as many theorems: a byte each, so for 130,000 theorems."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval; ``nan`` stands for what can't be said.

    Attributes:
        value: the estimate.
        low: lower end of the interval at :data:`CONFIDENCE`; ``nan`` with fewer than two theorems.
        high: upper end.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above 0; not where there is none."""
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether the whole interval lies below 0; not where there is none."""
        return self.high < 0


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How the intervals are made.

    Attributes:
        resamples: draws of the theorems, at least 1.
        seed: of the draws; equal seeds give equal intervals.
    """

    resamples: int = DEFAULT_RESAMPLES
    seed: int = 0

    def ratios(self, sums: ArrayLike, counts: ArrayLike) -> list[Estimate]:
        """Means of what theorems bring, with percentile intervals.

        Column k is estimated by ``sums[:, k].sum() / counts.sum()``. All columns see the same draws.

        Args:
            sums: what each theorem adds up to, shape ``(theorems, columns)``.
            counts: over how many, shape ``(theorems,)``; theorems with 0 take no part.

        Returns:
            An estimate a column; ``nan`` without any theorem.
        """
        totals = np.asarray(sums, dtype=np.float64)
        weights = np.asarray(counts, dtype=np.float64)
        totals, weights = totals[weights > 0], weights[weights > 0]
        number, columns = totals.shape
        if number == 0:
            return [Estimate(math.nan)] * columns
        estimates = totals.sum(axis=0) / weights.sum()
        if number == 1:
            return [Estimate(float(value)) for value in estimates]
        drawn: list[NDArray[np.float64]] = []
        for block in _draws(self.seed, self.resamples, number):
            times = block.astype(np.float64)
            drawn.append((times @ totals) / (times @ weights)[:, None])
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail], axis=0)
        return [Estimate(float(v), float(a), float(b)) for v, a, b in zip(estimates, low, high, strict=True)]

    def means(self, values: ArrayLike) -> list[Estimate]:
        """Means over theorems, each of which counts once.

        Args:
            values: shape ``(theorems, columns)``.
        """
        table = np.asarray(values, dtype=np.float64)
        return self.ratios(table, np.ones(len(table)))

    def mean(self, values: ArrayLike) -> Estimate:
        """The mean over theorems of one column, shape ``(theorems,)``."""
        return self.means(np.asarray(values, dtype=np.float64)[:, None])[0]


def _draws(seed: int, resamples: int, number: int) -> Iterable[NDArray[np.integer]]:
    """How often each of ``number`` theorems is drawn, in blocks of shape ``(draws, number)``.

    They depend on nothing else, and an evaluation asks for the same ones again and again.
    """
    if resamples * number > _KEPT:
        return _drawn_anew(seed, resamples, number)
    return _kept_draws(seed, resamples, number)


@lru_cache(maxsize=2)
def _kept_draws(seed: int, resamples: int, number: int) -> tuple[NDArray[np.integer], ...]:
    return tuple(_drawn_anew(seed, resamples, number))


def _drawn_anew(seed: int, resamples: int, number: int) -> Iterator[NDArray[np.integer]]:
    rng = np.random.default_rng(seed)
    left = resamples
    while left:
        rows = min(left, max(1, _DRAWN_AT_ONCE // number))
        times = rng.multinomial(number, np.full(number, 1 / number), size=rows)
        # A theorem is hardly ever drawn a dozen times.
        yield times.astype(np.min_scalar_type(int(times.max())))
        left -= rows


def by_theorem(values: NDArray[np.float64], theorem: NDArray[np.int64], theorems: int) -> NDArray[np.float64]:
    """Adds values up by theorem.

    Args:
        values: shape ``(n, columns)``.
        theorem: which theorem each row is of, from 0, shape ``(n,)``.
        theorems: how many there are.

    Returns:
        Shape ``(theorems, columns)``.
    """
    columns = [np.bincount(theorem, weights=column, minlength=theorems) for column in values.T]
    return np.stack(columns, axis=1) if columns else np.zeros((theorems, 0))
