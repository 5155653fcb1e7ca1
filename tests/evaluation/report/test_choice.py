"""Which trees are shown: as many as asked for, of both kinds, the telling ones first, and those named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.errors import UsageError
from proofsearch.evaluation.report.choice import check_named, choose
from proofsearch.protocols import TheoremResult
from proofsearch.types import Verdict


def result(name: str, proved: bool, nodes: int = 1, recorded: bool = True) -> TheoremResult:
    verdict = Verdict(True, "checker") if proved else None
    return TheoremResult(
        name, "proved" if proved else "limit", verdict, nodes=nodes, search_id=name if recorded else ""
    )


def run(*results: TheoremResult) -> dict[str, TheoremResult]:
    return {one.theorem: one for one in results}


def test_half_are_proved_and_the_largest_of_both_come_first() -> None:
    of = run(*(result(f"p{n}", True, n) for n in range(9)), *(result(f"f{n}", False, n) for n in range(9)))
    choice = choose([of], 4)
    assert choice.theorems == ("p8", "p7", "f8", "f7")
    assert (choice.proved, choice.failed, choice.proved_left_out, choice.failed_left_out) == (9, 9, 7, 7)


@pytest.mark.parametrize(("proved", "failed", "expected"), [(9, 1, (3, 1)), (1, 9, (1, 3)), (1, 1, (1, 1))])
def test_where_one_kind_is_rare_the_other_takes_its_place(proved: int, failed: int, expected: tuple[int, int]) -> None:
    of = run(
        *(result(f"p{n}", True) for n in range(proved)),
        *(result(f"f{n}", False) for n in range(failed)),
    )
    chosen = choose([of], 4).theorems
    assert (sum(name[0] == "p" for name in chosen), sum(name[0] == "f" for name in chosen)) == expected


def test_what_only_some_runs_proved_comes_before_what_all_did() -> None:
    first = run(result("both", True, 50), result("one", True, 2), result("none", False, 9))
    second = run(result("both", True, 50), result("one", False, 3), result("none", False, 9))
    assert choose([first, second], 2).theorems == ("one", "none")


def test_named_theorems_are_added_and_unrecorded_ones_never_chosen() -> None:
    of = run(result("a", True, 5), result("b", True, 4), result("c", False, recorded=False))
    choice = choose([of], 1, ("b", "b"))
    assert choice.theorems == ("a", "b")
    assert choice.failed == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.booleans()), max_size=12), st.integers(0, 12))
def test_what_is_chosen_and_what_is_left_out_are_all(found: list[tuple[bool, int, bool]], most: int) -> None:
    of = run(*(result(str(at), *one) for at, one in enumerate(found)))
    choice = choose([of], most)
    recorded = [one for one in of.values() if one.search_id]
    assert len(choice.theorems) == len(set(choice.theorems)) == min(most, len(recorded))
    assert choice.proved + choice.failed == len(recorded)
    assert choice.proved_left_out + choice.failed_left_out == len(recorded) - len(choice.theorems)


def test_a_name_without_a_tree_is_refused() -> None:
    of = run(result("a", True), result("b", True, recorded=False))
    check_named(["a"], [of], [Path("runs/x")])
    with pytest.raises(UsageError, match=r"--theorem c: no run has a result.*runs/x"):
        check_named(["c"], [of], [Path("runs/x")])
    with pytest.raises(UsageError, match="--theorem b: no search of it was recorded"):
        check_named(["b"], [of], [Path("runs/x")])
