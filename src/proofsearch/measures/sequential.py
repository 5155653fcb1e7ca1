"""Sequential testing: whether a paired comparison is decided before all of its theorems have been searched.

Of the theorems that one of two runs alone proves, each falls to either run with probability 1/2 if there is no
difference (McNemar 1947). Whoever tests that at 5 % after every theorem, and stops as soon as the test rejects, is
wrong much more often than in 5 % of comparisons. Here the errors of all looks together are bounded: after a share
``t`` of the planned theorems at most ``level · t^1.5`` of it may have been used up (Lan and DeMets 1983, with the power
family of Kim and DeMets 1987), and what each look uses up is computed exactly, as the chance that a walk of fair coin
tosses ends there and not before. At which theorems the runs differ says nothing about which of them proves these, so
the test takes those places as they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALPHA = 0.05
"""How often, at most, a comparison without a difference is called decided."""

EXPONENT = 1.5
"""How late the error is spent: at 1 early and late looks spend alike, at 3 early ones hardly any (O'Brien-Fleming)."""

LEVELS = (0.5, 0.2, 0.1, ALPHA, 0.02, 0.01, 0.005, 0.002, 0.001, 1e-4, 1e-5, 1e-6)
"""The p-values that there are beside 1; the test has to be made at each, so there are few."""


@dataclass(frozen=True, slots=True)
class Sequential:
    """A comparison as far as it has got.

    Attributes:
        planned: how many theorems are to be compared in all.
        looked: how many of them, the first ones in order, have been searched by both runs.
        only_first: those of them that the first run alone solved.
        only_second: those that the second alone solved.
        decided_at: after how many theorems it was decided at :data:`ALPHA`; ``None`` where it isn't yet.
        p_value: the smallest of :data:`LEVELS` at which it is decided, 1 where it is at none. It is valid whenever one
            looks: where there is no difference it ever falls to a level in that share of comparisons at most.
    """

    planned: int
    looked: int
    only_first: int
    only_second: int
    decided_at: int | None
    p_value: float

    @property
    def decided(self) -> bool:
        """Whether there is no need to go on."""
        return self.decided_at is not None


def sequential(signs: Sequence[int], planned: int) -> Sequential:
    """Tests a comparison that is under way.

    Args:
        signs: of each theorem searched by both runs, in an order that was fixed before: −1 where the first run alone
            solved it, 1 where the second alone did, 0 where they agree.
        planned: how many there are to be in all, at least ``len(signs)``.

    Raises:
        ValueError: more theorems than planned.
    """
    if len(signs) > planned:
        raise ValueError(f"{len(signs)} theorems compared where {planned} were planned")
    p_value = 1.0
    for level in LEVELS:
        if decided_at(signs, planned, level) is None:
            break
        p_value = level
    return Sequential(
        planned=planned,
        looked=len(signs),
        only_first=sum(sign < 0 for sign in signs),
        only_second=sum(sign > 0 for sign in signs),
        decided_at=decided_at(signs, planned, ALPHA),
        p_value=p_value,
    )


def decided_at(signs: Sequence[int], planned: int, level: float = ALPHA, exponent: float = EXPONENT) -> int | None:
    """After how many theorems the test at a level first rejects, if it does.

    Args:
        signs: as in :func:`sequential`.
        planned: as there.
        level: the chance, at most, that it ever rejects where there is no difference.
        exponent: how late that chance is spent, above 0.
    """
    # Of the walks that have not ended: chances[i] is that of lowest + i theorems for the second run. The test treats
    # both runs alike, so the walks that go on are those from lowest to differing - lowest.
    chances = np.ones(1)
    lowest = differing = second = 0
    spent = 0.0
    for looked, sign in enumerate(signs, start=1):
        if sign:
            chances = (np.append(chances, 0.0) + np.append(0.0, chances)) / 2
            differing += 1
            second += sign > 0
        allowed = level * (looked / planned) ** exponent
        while len(chances) > 1 and spent + 2 * chances[0] <= allowed:
            spent += 2 * float(chances[0])
            chances = chances[1:-1]
            lowest += 1
        if not lowest <= second <= differing - lowest:
            return looked
    return None
