"""Asking an environment which suggestions apply: the same answer, however it is asked."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from proofsearch.models.moves import first_admitted


class OneByOne:
    """Admits some tactics, and notes which ones it was asked about."""

    def __init__(self, applying: set[str]) -> None:
        self.applying = applying
        self.asked: list[str] = []

    def listed(self) -> list[str]:
        return []

    def admits(self, tactic: str) -> bool:
        self.asked.append(tactic)
        return tactic in self.applying


class AtOnce(OneByOne):
    def admitted(self, tactics: Iterable[str], n: int) -> list[int]:
        places = []
        for place, tactic in enumerate(tactics):
            if self.admits(tactic):
                places.append(place)
            if len(places) == n:
                break
        return places


@given(st.lists(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")), st.integers(1, 4))
def test_it_takes_the_first_that_apply_and_reads_no_further(tactics: list[str], applying: set[str], n: int) -> None:
    one_by_one, at_once = OneByOne(applying), AtOnce(applying)
    wanted = [place for place, tactic in enumerate(tactics) if tactic in applying][:n]
    assert first_admitted(one_by_one, tactics, n) == wanted
    assert first_admitted(at_once, tactics, n) == wanted
    read = len(tactics) if len(wanted) < n else wanted[-1] + 1
    assert one_by_one.asked == at_once.asked == tactics[:read]


def test_without_moves_the_likeliest_are_taken() -> None:
    assert first_admitted(None, iter("abc"), 2) == [0, 1]
    assert first_admitted(None, [], 2) == []
