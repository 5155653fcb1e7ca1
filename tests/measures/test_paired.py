"""Would catch: budgets that count wrongly, a paired test that isn't exact, ratios the wrong way round."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.paired import (
    COSTS,
    Efforts,
    compare_costs,
    compare_solved,
    expansion_budgets,
    mcnemar,
    proof_costs,
    solved,
    time_budgets,
)

BOOTSTRAP = Bootstrap(300)


def efforts(expansions: list[float], proved: list[bool], limit_hit: str = "expansions", scale: float = 1.0) -> Efforts:
    spent = np.array(expansions, dtype=np.float64)
    return Efforts(
        tuple(f"t{index}" for index in range(len(spent))),
        np.array(proved),
        tuple("" if flag else limit_hit for flag in proved),
        spent,
        spent * 20,
        spent * 21,
        spent * 0.01 * scale,
        spent * 0.002,
        spent * 300,
    )


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        (0, 0, 1.0),
        (0, 5, 2 / 2**5),
        (1, 7, 2 * (1 + 8) / 2**8),
        (11, 4, 2 * sum(math.comb(15, k) for k in range(5)) / 2**15),
        (6, 6, 1.0),
    ],
)
def test_mcnemar_against_the_binomial_by_hand(only_first: int, only_second: int, p: float) -> None:
    assert mcnemar(only_first, only_second) == pytest.approx(p)
    assert mcnemar(only_second, only_first) == pytest.approx(p)


def test_solved_within_budgets() -> None:
    run = efforts([1, 4, 5, 256, 256], [True, True, True, True, False])
    found = solved(run, "expansions", [1, 4, 16, 256])
    assert [at.solved for at in found] == [1, 2, 3, 4]
    assert found[-1].theorems == 5
    assert found[-1].low < 0.8 < found[-1].high


def test_what_another_limit_stopped_is_said() -> None:
    run = efforts([256, 256, 3, 9], [False, False, True, False])
    assert run.cut_off("expansions", 256) == 0
    assert run.cut_off("seconds", 2.56) == 0.25
    assert run.cut_off("seconds", 3) == 0.75
    exhausted = efforts([9], [False], limit_hit="")
    assert exhausted.cut_off("seconds", 100) == 0


def test_pairs_are_counted_theorem_by_theorem() -> None:
    first = efforts([1, 2, 256, 256, 9], [True, True, False, False, True])
    second = efforts([1, 256, 3, 256, 30], [True, False, True, False, True])
    at16, at256 = compare_solved(first, second, "expansions", [16, 256], BOOTSTRAP)
    assert (at16.first, at16.second, at16.only_first, at16.only_second) == (3, 2, 2, 1)
    assert (at256.first, at256.second, at256.only_first, at256.only_second) == (3, 3, 1, 1)
    assert at16.difference.value == pytest.approx(-0.2)
    assert at256.difference.value == 0
    assert at16.p_value == 1


def test_a_clear_difference_is_found_and_none_is_not() -> None:
    hard, easy = [False] * 60 + [True] * 60, [True] * 120
    (worse,) = compare_solved(efforts([9] * 120, easy), efforts([9] * 120, hard), "expansions", [256], BOOTSTRAP)
    assert worse.difference.below_zero
    assert worse.p_value < 1e-9
    (same,) = compare_solved(efforts([9] * 120, hard), efforts([9] * 120, hard), "expansions", [256], BOOTSTRAP)
    assert (same.difference.low, same.difference.high, same.p_value) == (0, 0, 1)


def test_equal_expansions_and_equal_time_may_disagree() -> None:
    """The second run needs half the expansions, but each takes four times as long."""
    first = efforts([8, 8, 8], [True] * 3)
    second = efforts([4, 4, 4], [True] * 3, scale=4)
    (by_expansions,) = compare_solved(first, second, "expansions", [4], BOOTSTRAP)
    (by_time,) = compare_solved(first, second, "seconds", [0.1], BOOTSTRAP)
    assert (by_expansions.first, by_expansions.second) == (0, 3)
    assert (by_time.first, by_time.second) == (3, 0)


def test_costs_are_compared_where_both_solve() -> None:
    first = efforts([10, 20, 40, 999], [True] * 3 + [False])
    second = efforts([5, 10, 20, 1], [True] * 4)
    costs = compare_costs(first, second, first.proved & second.proved, BOOTSTRAP)
    for cost in costs.values():
        assert cost.theorems == 3
        assert cost.ratio.value == pytest.approx(0.5)
        assert cost.ratio.low == pytest.approx(0.5)
    assert (costs["expansions"].first, costs["expansions"].median_second) == (pytest.approx(20), 10)
    none = compare_costs(first, second, np.zeros(4, dtype=np.bool_), BOOTSTRAP)["nodes"]
    assert none.theorems == 0
    assert math.isnan(none.ratio.value)


def test_what_was_not_counted_is_missing_and_not_nothing() -> None:
    counted = efforts([10, 20, 40, 999], [True] * 3 + [False])
    old = dataclasses.replace(counted, tokens=np.empty(0), processor_seconds=np.array([0.1, math.nan, 0.3, 0.4]))
    assert np.isnan(old.tokens).all()
    assert [counted.counts(cost) for cost in COSTS] == [True] * len(COSTS)
    assert [cost for cost in COSTS if not old.counts(cost)] == ["processor_seconds", "tokens"]
    # A search that failed counted nothing, and that is no reason to compare nothing.
    assert dataclasses.replace(counted, tokens=np.array([1.0, 2.0, 3.0, math.nan])).counts("tokens")
    costs = compare_costs(counted, old, counted.proved, BOOTSTRAP)
    assert {cost: of.theorems for cost, of in costs.items() if of.theorems != 3} == {
        "processor_seconds": 2,
        "tokens": 0,
    }
    assert proof_costs(old)["processor_seconds"].proofs == 2
    assert proof_costs(old)["tokens"].proofs == 0


def test_quartiles_are_those_of_the_proofs_alone() -> None:
    found = proof_costs(efforts([1, 2, 3, 4, 5, 900], [True, True, True, True, True, False]))["expansions"]
    assert (found.proofs, found.lower, found.median, found.upper) == (5, 2, 3, 4)
    none = proof_costs(efforts([9], [False]))["seconds"]
    assert none.proofs == 0
    assert math.isnan(none.median)


def test_different_theorems_are_refused() -> None:
    first = efforts([1, 2], [True, True])
    with pytest.raises(ValueError, match="different theorems"):
        compare_solved(first, first.select(["t1", "t0"]), "expansions", [1], BOOTSTRAP)
    assert first.select(["t1", "t0"]).expansions.tolist() == [2, 1]


def test_budgets() -> None:
    assert expansion_budgets(256) == [1, 4, 16, 64, 256]
    assert expansion_budgets(100) == [1, 4, 16, 64, 100]
    assert expansion_budgets(1) == [1]
    assert time_budgets(np.array([0.03, 1.4, 9.0]), 9.0) == [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 9]
    assert time_budgets(np.array([0.03, 1.4, 9.0]), 0.4) == [0.05, 0.1, 0.2, 0.4]
    assert time_budgets(np.array([]), 0.0) == []
    assert len(time_budgets(np.array([1e-6, 1e6]), 1e6)) == 10
