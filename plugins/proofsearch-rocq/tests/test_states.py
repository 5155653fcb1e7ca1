"""Texts of states, and which goals hang together."""

from __future__ import annotations

from proofsearch_rocq.states import RULE, RocqState, Texts, independent
from proofsearch_rocq.transport.interface import Goals, OpenGoal, Place


def test_a_text_has_each_goal_and_what_is_shelved() -> None:
    goal = OpenGoal("Goal", ("n : nat", "x := 3 : nat"), "?k = n")
    other = OpenGoal("Goal0", (), "True")
    shelved = OpenGoal("k", ("n : nat",), "nat")
    expected = f"n : nat\nx := 3 : nat\n{RULE}\n?k = n\n\n{RULE}\nTrue\n\nshelved ?k\nn : nat\n{RULE}\nnat"
    found = Goals((goal, other), shelved=(shelved,))
    state = RocqState(None, Place(None, ""), found, Texts().text(found, Place(None, "")))
    assert state.text == expected
    assert [one.text for one in state.goals] == [f"n : nat\nx := 3 : nat\n{RULE}\n?k = n", f"{RULE}\nTrue"]
    assert state.num_goals == 2


def test_goals_hang_together_by_the_variables_that_they_name() -> None:
    names = ["Goal", "Goal0", "Goal1", "Goal2"]
    assert independent(names, ["a", "b", "c", "d"]) == [[0], [1], [2], [3]]
    assert independent(names, ["?x", "b", "?x", "d"]) == [[0, 2], [1], [3]]
    assert independent(names, ["?x", "?y", "?x + ?y", "d"]) == [[0, 1, 2], [3]]


def test_a_goal_hangs_together_with_one_that_names_it() -> None:
    assert independent(["Goal", "Goal0", "Goal1"], ["P ?Goal1", "True", "nat"]) == [[0, 2], [1]]


def test_names_are_not_taken_for_others_that_begin_alike() -> None:
    assert independent(["a", "b"], ["?x", "?x0"]) == [[0], [1]]
    assert independent(["a", "b"], ["?x'", "?x"]) == [[0], [1]]


def test_what_is_shown_alike_and_differs_has_another_text() -> None:
    texts, place = Texts(), Place(None, "")
    nat, boolean = (Goals((OpenGoal("Goal", (), "nil = nil", hidden),)) for hidden in ("a1", "b2"))
    first = texts.text(nat, place)
    assert first == f"{RULE}\nnil = nil"
    assert texts.text(boolean, place) == f"{first}\n\nimplicit b2"
    assert texts.text(nat, place) == first
    assert texts.text(boolean, place) == f"{first}\n\nimplicit b2"


def test_what_is_not_shown_whole_is_told_apart_by_the_way_to_it() -> None:
    texts, root = Texts(), Place(None, "")
    cut = Goals((OpenGoal("Goal", (), "P (S ...)", cut=True),))
    one, other = Place(root, "(intro)."), Place(root, "(intros)")
    assert texts.text(cut, one) == texts.text(cut, one)
    assert texts.text(cut, one) != texts.text(cut, other)
