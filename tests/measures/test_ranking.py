"""Would catch: a sign the wrong way round, ties broken in somebody's favour, credit that depends on units or order."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.ranking import Decisions, best_logprob, chance, credit, rank


def decisions(sizes: list[int], positive: list[bool], theorems: int = 1, depth: int = 0) -> Decisions:
    ends = np.cumsum(sizes)
    count = len(sizes)
    return Decisions(
        ends - sizes, np.full(count, depth), np.arange(count) % theorems, theorems, np.array(positive, dtype=np.bool_)
    )


def random_decisions(count: int, seed: int = 0, theorems: int = 50) -> tuple[Decisions, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 30, size=count)
    flags = []
    for size in sizes:
        of = rng.random(size) < 0.1
        of[rng.integers(size)] = True
        flags += of.tolist()
    return decisions(sizes.tolist(), flags, theorems), rng.normal(size=len(flags))


def by_hand(positive: list[bool], score: list[float]) -> tuple[float, float]:
    """Rank-1 and reciprocal rank as their definition has it: the mean over all orders of those that tie."""
    first, reciprocal = [], []
    for order in itertools.permutations(range(len(score))):
        ranked = sorted(order, key=lambda child: -score[child])
        if all(order.index(a) < order.index(b) for a, b in itertools.pairwise(ranked) if score[a] == score[b]):
            first.append(float(positive[ranked[0]]))
            reciprocal.append(1 / (1 + next(place for place, child in enumerate(ranked) if positive[child])))
    return sum(first) / len(first), sum(reciprocal) / len(reciprocal)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=2, max_size=6).filter(
        lambda children: any(positive for positive, _ in children)
    )
)
def test_credit_is_the_mean_over_all_orders_of_what_ties(children: list[tuple[bool, int]]) -> None:
    positive, score = [flag for flag, _ in children], [float(value) for _, value in children]
    of = credit(decisions([len(children)], positive), np.array(score))
    assert (of.rank1[0], of.mrr[0]) == pytest.approx(by_hand(positive, score))


def test_oracle_anti_oracle_and_constant() -> None:
    where, _ = random_decisions(300)
    truth = where.positive.astype(float)
    assert credit(where, truth).rank1.mean() == 1
    assert credit(where, truth).mrr.mean() == 1
    some_negative = np.add.reduceat((~where.positive).astype(int), where.start) > 0
    assert credit(where, -truth).rank1[some_negative].max() == 0
    constant, by_chance = credit(where, np.full(len(truth), 7.0)), chance(where)
    expected = np.add.reduceat(truth, where.start) / where.sizes
    assert constant.rank1 == pytest.approx(expected)
    assert by_chance.rank1 == pytest.approx(expected)
    assert constant.mrr == pytest.approx(by_chance.mrr)


def test_shuffled_scores_rank_as_chance_does() -> None:
    where, noise = random_decisions(4000)
    compared = rank(where, {"noise": noise}, {"over": ("noise", "random")}, Bootstrap())["all"].differences["over"]
    assert compared.rank1.low < 0 < compared.rank1.high
    assert compared.mrr.low < 0 < compared.mrr.high


@given(st.integers(-8, 8), st.floats(-100, 100))
def test_units_do_not_matter(exponent: int, shift: float) -> None:
    where, _ = random_decisions(40)
    score = np.random.default_rng(1).integers(0, 9, size=len(where.positive)).astype(float)
    other = credit(where, 2.0**exponent * score + shift)
    assert np.array_equal(other.rank1, credit(where, score).rank1)
    assert np.array_equal(other.mrr, credit(where, score).mrr)


def test_what_is_ranked_last_may_be_infinitely_far() -> None:
    where = decisions([3, 2], [False, True, False, True, False])
    of = credit(where, np.array([-np.inf, 1, 0, -np.inf, -np.inf]))
    assert of.rank1.tolist() == [1, 0.5]
    assert of.mrr.tolist() == [1, 0.75]


def test_a_missing_score_is_refused() -> None:
    with pytest.raises(ValueError, match="nan"):
        credit(decisions([2], [True, False]), np.array([1, math.nan]))


def test_depths_are_told_apart_and_add_up() -> None:
    where = Decisions(
        np.arange(0, 12, 2), np.array([0, 1, 2, 7, 8, 40]), np.array([0, 0, 1, 1, 2, 2]), 4, np.array([True, False] * 6)
    )
    score = np.array([1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1], dtype=np.float64)
    found = rank(where, {"s": score}, {}, Bootstrap(100))
    assert {label: of.decisions for label, of in found.items()} == {"0-1": 2, "2-3": 1, "4-7": 1, "8+": 2, "all": 6}
    assert [of.rankings["s"].rank1.value for of in found.values()] == [1, 0, 0, 0.5, 0.5]
    assert {label: of.theorems for label, of in found.items()} == {"0-1": 1, "2-3": 1, "4-7": 1, "8+": 1, "all": 3}
    assert found["all"].random.rank1.value == 0.5


def test_without_decisions_nothing_is_said() -> None:
    found = rank(decisions([], [], theorems=0), {"s": np.zeros(0)}, {"d": ("s", "random")}, Bootstrap(100))
    assert found["all"].decisions == 0
    assert math.isnan(found["all"].rankings["s"].rank1.value)
    assert math.isnan(found["all"].differences["d"].rank1.value)


def test_differences_are_paired() -> None:
    """Two scores that differ at no decision differ by exactly 0, although each varies."""
    where, noise = random_decisions(200)
    twice = rank(where, {"a": noise, "b": 3 * noise}, {"b over a": ("b", "a")}, Bootstrap())["all"]
    difference = twice.differences["b over a"].rank1
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    assert twice.rankings["a"].rank1.low < twice.rankings["a"].rank1.high


def test_values_are_compared_with_the_better_log_probability() -> None:
    where = decisions([2, 2], [True, False, True, False])
    good, bad = np.array([1.0, 0, 1, 0]), np.array([1.0, 0, 0, 1])
    assert best_logprob(where, {"logprob": good, "normalized": bad}) == "logprob"
    assert best_logprob(where, {"logprob": bad, "normalized": good}) == "normalized"
    assert best_logprob(where, {"logprob": bad, "normalized": bad}) == "logprob"
