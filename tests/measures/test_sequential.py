"""The sequential test: its error over all looks, its p-values, and that it stops early where there is something."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from proofsearch.measures.paired import mcnemar
from proofsearch.measures.sequential import ALPHA, LEVELS, Sequential, chance_of_deciding, decided_at, sequential


@pytest.mark.parametrize("level", [0.5, 0.2, ALPHA])
@pytest.mark.parametrize("pattern", [(1,) * 12, (0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1), (1, 1, 1, 0, 0, 0, 1, 1, 1)])
def test_of_all_ways_that_coins_can_fall_at_most_the_level_is_ever_decided(
    level: float, pattern: tuple[int, ...]
) -> None:
    # Exact, not simulated: every outcome of fair coins at the places where the runs differ, looked at after each.
    places = [index for index, differs in enumerate(pattern) if differs]
    decided = 0
    for coins in product((-1, 1), repeat=len(places)):
        signs = [0] * len(pattern)
        for place, coin in zip(places, coins, strict=True):
            signs[place] = coin
        decided += decided_at(signs, len(pattern), level) is not None
    assert 0 < decided <= level * 2 ** len(places)


def comparison(random: np.random.Generator) -> tuple[list[int], int]:
    """A comparison without a difference: how many theorems, and how many of them differ, is drawn as well."""
    planned = int(random.integers(50, 300))
    differing = random.random(planned) < random.uniform(0.02, 0.3)
    return (np.where(random.random(planned) < 0.5, -1, 1) * differing).tolist(), planned


def test_two_thousand_comparisons_without_a_difference_are_seldom_decided() -> None:
    random = np.random.default_rng(0)
    decided = sum(decided_at(*comparison(random)) is not None for _ in range(2000))
    assert 0.01 < decided / 2000 <= ALPHA


def test_p_values_are_no_smaller_than_they_may_be_by_chance() -> None:
    random = np.random.default_rng(2)
    found = [sequential(*comparison(random)) for _ in range(400)]
    assert all(one.decided == (one.p_value <= ALPHA) for one in found)
    for level in LEVELS[:4]:
        assert np.mean([one.p_value <= level for one in found]) <= level + 2 * np.sqrt(level / 400)


def test_a_test_made_anew_at_every_look_would_be_decided_too_often() -> None:
    """What the sequential test is for: McNemar's at 5 % after every theorem, of the same kind of comparison."""
    random = np.random.default_rng(1)
    rejects = {(n, k): mcnemar(n - k, k) <= ALPHA for n in range(1, 61) for k in range(n + 1)}
    naive = 0
    for _ in range(300):
        second = np.cumsum(random.random(60) < 0.5)
        naive += any(rejects[n, int(k)] for n, k in enumerate(second, start=1))
    assert naive / 300 > 2 * ALPHA


def test_a_large_difference_is_decided_early_and_favours_the_better() -> None:
    signs = ([1] + [0] * 9) * 40  # every tenth theorem, always the second run
    found = sequential(signs, 400)
    assert found.decided_at is not None and found.decided_at < 200
    assert (found.only_first, found.only_second) == (0, 40)
    assert found.p_value < 0.001
    assert sequential([-sign for sign in signs], 400).decided_at == found.decided_at


def test_what_is_decided_stays_decided() -> None:
    signs = [1] * 15 + [-1, 1] * 50
    at = decided_at(signs, 115)
    assert at is not None and at <= 15
    for looked in range(at, len(signs)):
        assert decided_at(signs[:looked], 115) == at
    assert decided_at(signs[: at - 1], 115) is None


def test_the_last_look_spends_what_is_left() -> None:
    # Six to none of six theorems: McNemar's p is 0.031, and nothing was spent before since nothing could be decided.
    assert decided_at([0] * 94 + [1] * 6, 100) == 100
    assert decided_at([0] * 95 + [1] * 5, 100) is None


def test_more_theorems_than_planned_are_refused() -> None:
    with pytest.raises(ValueError, match="3 theorems compared where 2 were planned"):
        sequential([0, 0, 0], 2)


def test_nothing_compared_yet_is_not_decided() -> None:
    found = sequential([], 10)
    assert found == Sequential(10, 0, 0, 0, None, 1.0, found.chance)
    assert 0 < found.chance < 1


@pytest.mark.parametrize(("looked", "first", "second"), [(100, 2, 8), (150, 5, 12), (200, 3, 3)])
def test_the_chance_of_deciding_is_that_of_rests_drawn_one_theorem_at_a_time(
    looked: int, first: int, second: int
) -> None:
    """Against a simulation of another make: of each theorem still to come, whether it differs and for which run."""
    random = np.random.default_rng(3)
    decided = []
    for _ in range(2000):
        share = random.beta(first + second + 0.5, looked - first - second + 0.5)
        odds = random.beta(second + 0.5, first + 0.5)
        differs = random.random(300 - looked) < share
        seconds = int((random.random(300 - looked)[differs] < odds).sum())
        decided.append(mcnemar(first + int(differs.sum()) - seconds, second + seconds) <= ALPHA)
    # Two simulations of 1,000 and 2,000 draws, and a continuity correction in place of the exact test.
    assert chance_of_deciding(looked, 300, first, second) == pytest.approx(np.mean(decided), abs=0.07)


def test_the_chance_of_deciding_is_none_at_the_end_and_all_once_it_is_decided() -> None:
    assert chance_of_deciding(300, 300, 10, 12) == 0.0
    assert chance_of_deciding(290, 300, 10, 12) < 0.01
    assert sequential([1] * 15 + [0], 100).chance == 1.0
    assert chance_of_deciding(50, 300, 0, 5) > chance_of_deciding(50, 300, 2, 3) > chance_of_deciding(250, 300, 2, 3)
