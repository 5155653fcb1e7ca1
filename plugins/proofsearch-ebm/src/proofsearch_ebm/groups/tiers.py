"""How many negatives of each tier a positive is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from proofsearch.errors import UsageError

POSITIVE, HARD, MEDIUM, EASY, DEAD_END, SOLVED, MISTAKE = 0, 1, 2, 3, 4, 5, 6
"""The tiers of a group's members, as ``GroupSample.tier`` has them; :data:`PADDING` where there is none.

A dead end is a state that a search expanded in vain, elsewhere than at the group's decision; a solved one is provable:
neither is compared. A mistake is compared: it was expanded in vain although a positive of the group waited.
"""

PADDING = -1

NOT_COMPARED = (DEAD_END, SOLVED)
"""The tiers of members that stand in a group for the head's second output alone."""

TIER_NAMES = ("positive", "hard", "medium", "easy", "dead end", "solved", "mistake")
"""The names of the tiers, by number."""


def tier_counts(k: int, ratios: Sequence[float], offset: float) -> tuple[int, ...]:
    """Shares ``k`` negatives out: the counts always sum to ``k``, and on average over offsets they are the quotas.

    Systematic sampling (Madow 1949): each count is its quota ``k · ratio / sum`` rounded down or up. Rounding that is
    the same for every group would leave a small share out for good: of 4 negatives a tenth would never be easy.

    Args:
        k: negatives, at least 0.
        ratios: of the tiers, hardest first; on any scale.
        offset: from 0 to below 1, drawn for each group.

    Raises:
        UsageError: a ratio is negative or not finite, or all are zero.
    """
    total = sum(ratios)
    if not all(0 <= ratio < float("inf") for ratio in ratios) or not 0 < total < float("inf"):
        raise UsageError(
            f"the shares of the tiers (--ebm-hard, --ebm-medium, --ebm-easy) are {', '.join(map(str, ratios))}; "
            f"expected numbers from 0, not all of them 0"
        )
    marks = [min(k, math.floor(k * (below / total) + offset)) for below in accumulate(ratios)]
    return tuple(mark - before for before, mark in pairwise([0, *marks[:-1], k]))


def fill_tiers(wanted: Sequence[int], available: Sequence[int]) -> tuple[int, ...]:
    """What can be had of each tier: what a tier lacks is made up from the others, the hardest first.

    Returns:
        Counts of at most ``available``, which sum to the smaller of both sums.
    """
    counts = [min(want, have) for want, have in zip(wanted, available, strict=True)]
    missing = sum(wanted) - sum(counts)
    for tier, have in enumerate(available):
        extra = min(missing, have - counts[tier])
        counts[tier] += extra
        missing -= extra
    return tuple(counts)
