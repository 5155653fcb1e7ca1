"""Sequential testing: whether a paired comparison is decided before all of its theorems have been searched.

Of the theorems that one of two runs alone proves, each falls to either run with probability 1/2 if there is no
difference (McNemar 1947). Whoever tests that at 5 % after every theorem, and stops as soon as the test rejects, is
wrong much more often than in 5 % of comparisons. Here the errors of all looks together are bounded: after a share
``t`` of the planned theorems at most ``level · t^1.5`` of it may have been used up (Lan and DeMets 1983, with the power
family of Kim and DeMets 1987), and what each look uses up is computed exactly, as the chance that a walk of fair coin
tosses ends there and not before. At which theorems the runs differ says nothing about which of them proves these, so
the test takes those places as they come.

Whether it is worth going on where nothing is decided is another question: :func:`chance_of_deciding` predicts it from
what was seen (predictive probability, as in Spiegelhalter, Freedman and Blackburn 1986). Whoever stops for want of a
difference can only overlook one, so the bound on the errors above holds all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

ALPHA = 0.05
"""How often, at most, a comparison without a difference is called decided."""

EXPONENT = 1.5
"""How late the error is spent: at 1 early and late looks spend alike, at 3 early ones hardly any (O'Brien-Fleming)."""

DRAWS = 1000
"""Ways in which the rest of a comparison may go, drawn for a prediction; it is off by 1.6 points at most, as a rule."""

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
        chance: that the rest decides it, from what was seen; 1 where it is decided.
    """

    planned: int
    looked: int
    only_first: int
    only_second: int
    decided_at: int | None
    p_value: float
    chance: float

    @property
    def decided(self) -> bool:
        """Whether there is no need to go on."""
        return self.decided_at is not None

    @classmethod
    def of(cls, test: SequentialTest, p_value: float) -> Self:
        """What a test has seen."""
        return cls(
            planned=test.planned,
            looked=test.looked,
            only_first=test.only_first,
            only_second=test.only_second,
            decided_at=test.decided_at,
            p_value=p_value,
            chance=test.chance,
        )


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
    return Sequential.of(_walked(signs, planned, ALPHA, EXPONENT), p_value)


def decided_at(signs: Sequence[int], planned: int, level: float = ALPHA, exponent: float = EXPONENT) -> int | None:
    """After how many theorems the test at a level first rejects, if it does.

    Args:
        signs: as in :func:`sequential`.
        planned: as there.
        level: the chance, at most, that it ever rejects where there is no difference.
        exponent: how late that chance is spent, above 0.
    """
    return _walked(signs, planned, level, exponent).decided_at


def _walked(signs: Sequence[int], planned: int, level: float, exponent: float) -> SequentialTest:
    test = SequentialTest(planned, level, exponent)
    for sign in signs:
        test.take(sign)
    return test


class SequentialTest:
    """The test at one level, theorem by theorem.

    Args:
        planned: how many theorems there are to be in all.
        level: the chance, at most, that it ever rejects where there is no difference.
        exponent: how late that chance is spent, above 0.

    Attributes:
        planned: how many theorems there are to be in all.
        looked: how many were taken.
        only_first: those of them that the first run alone solved.
        only_second: those that the second alone solved.
        decided_at: after how many it first rejected; ``None`` where it hasn't.
    """

    def __init__(self, planned: int, level: float = ALPHA, exponent: float = EXPONENT) -> None:
        self.planned = planned
        self.looked = self.only_first = self.only_second = 0
        self.decided_at: int | None = None
        self._level = level
        self._exponent = exponent
        # Of the walks that have not ended: _chances[i] is that of _lowest + i theorems for the second run. The test
        # treats both runs alike, so the walks that go on are those from _lowest to the theorems that differ - _lowest.
        self._chances = np.ones(1)
        self._lowest = 0
        self._spent = 0.0

    def take(self, sign: int) -> None:
        """Takes the next theorem, in an order that was fixed before: −1, 0 or 1 as in :func:`sequential`."""
        self.looked += 1
        self.only_first += sign < 0
        self.only_second += sign > 0
        if self.decided_at is not None:
            return
        if sign:
            self._chances = (np.append(self._chances, 0.0) + np.append(0.0, self._chances)) / 2
        allowed = self._level * (self.looked / self.planned) ** self._exponent
        while len(self._chances) > 1 and self._spent + 2 * self._chances[0] <= allowed:
            self._spent += 2 * float(self._chances[0])
            self._chances = self._chances[1:-1]
            self._lowest += 1
        if min(self.only_first, self.only_second) < self._lowest:
            self.decided_at = self.looked

    @property
    def chance(self) -> float:
        """That the rest decides it, from what was seen; 1 where it is decided."""
        if self.decided_at is not None:
            return 1.0
        return chance_of_deciding(self.looked, self.planned, self.only_first, self.only_second)


def chance_of_deciding(looked: int, planned: int, only_first: int, only_second: int) -> float:
    """The chance that McNemar's test of all theorems will find a difference at :data:`ALPHA`, given the first ones.

    How many theorems differ, and how many of these fall to the second run, is as uncertain as the theorems seen leave
    it (Jeffreys' priors). The test is taken with its continuity correction; as it is of all theorems at once, it finds
    a little more than the sequential one, so that the chance is said rather too high.

    Args:
        looked: theorems seen.
        planned: theorems in all.
        only_first: those seen that the first run alone solved.
        only_second: those seen that the second alone solved.
    """
    if looked >= planned:
        return 0.0
    random = np.random.default_rng(0)
    differing = only_first + only_second
    shares = random.beta(differing + 0.5, looked - differing + 0.5, DRAWS)
    further = random.binomial(planned - looked, shares)
    seconds = only_second + random.binomial(further, random.beta(only_second + 0.5, only_first + 0.5, DRAWS))
    in_all = differing + further
    return float(np.mean(np.abs(2 * seconds - in_all) - 1 >= _NORMAL * np.sqrt(in_all)))


_NORMAL = 1.959964
"""Of the standard normal distribution 2.5 % lie above."""
