"""Would catch: a hypothesis that is overlooked, or read with another one's type."""

from __future__ import annotations

from proofsearch_lean.goals import read_goal, words


def test_a_goal_is_read() -> None:
    goal = read_goal(
        "case succ\nα : Type\ns t : Set α\nx✝ : Nat\nf : Nat → Nat := fun n => n\n"
        "h : ∀ x,\n    x ∈ s → x ∈ t\n⊢ f 0 = 0 ∧\n    h.1"
    )
    assert list(goal.types) == ["α", "s", "t", "x✝", "f", "h"]
    assert goal.types["s"] == goal.types["t"] == ("Set", "α")
    assert goal.types["h"] == ("∀", "x", ",", "x", "∈", "s", "→", "x", "∈", "t")
    assert goal.target == ("f", "0", "=", "0", "∧", "h.1")


def test_of_equal_names_the_last_one_counts() -> None:
    assert read_goal("h : p\nk : q\nh : r\n⊢ r").types == {"k": ("q",), "h": ("r",)}
    assert list(read_goal("h : p\nk : q\nh : r\n⊢ r").types) == ["k", "h"]


def test_any_text_is_read() -> None:
    for text in ("", "⊢", "nothing", "| x = y", "h :", " : p", "case"):
        read_goal(text)
    assert read_goal("x : Nat\n⊢ ").target == ()


def test_words() -> None:
    assert words("h.1 ▸ Nat.succ (n+1) ≤ «a b» x'") == (
        *("h.1", "▸", "Nat.succ", "(", "n", "+", "1", ")", "≤", "«a b»", "x'"),
    )
