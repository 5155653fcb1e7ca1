"""Would catch: a tactic that speaks of what isn't in the goal, and one that is spoilt though nothing had to change."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_lean.adaptation import adapt


@pytest.mark.parametrize(
    ("tactic", "there", "here", "expected"),
    [
        # By what is to be shown.
        ("exact hp", "p q : Prop\nhp : p\nhq : q\n⊢ p", "a b c : Prop\nh₁ : a\nh₂ : b\nk : c\n⊢ b", "exact h₂"),
        ("induction n with\n| zero => rfl\n| succ n ih => simp [ih]", "n : Nat\n⊢ 0 + n = n", "k m : Nat\n⊢ 0 + m = m",
         "induction m with\n| zero => rfl\n| succ m ih => simp [ih]"),
        # By the hypotheses' types, and what these bind.
        ("rcases h with ⟨x, y⟩", "p q : Prop\nh : p ∧ q\n⊢ q", "a b r : Prop\nu : r\nk : a ∧ b\n⊢ b",
         "rcases k with ⟨x, y⟩"),
        ("apply g", "p q r : Prop\nf : p → q\ng : q → r\n⊢ r", "a b c : Prop\nu : b → c\nv : a → b\n⊢ c", "apply u"),
        ("exact f hp", "p q : Prop\nf : p → q\nhp : p\n⊢ q", "a b c : Prop\nh : c\nk : a\ng : a → b\n⊢ b", "exact g k"),
        # What is behind a dot stays, and what is global.
        ("exact ⟨h.right, Or.inl h.left⟩", "p q : Prop\nh : p ∧ q\n⊢ q ∧ (p ∨ q)",
         "a b : Prop\nk : a ∧ b\n⊢ b ∧ (a ∨ b)",
         "exact ⟨k.right, Or.inl k.left⟩"),
        ("rw [Nat.add_comm n]", "n m : Nat\n⊢ n + m = m + n", "x y : Nat\n⊢ x + y = y + x", "rw [Nat.add_comm x]"),
        # Names that the tactic gives are other ones where they are taken.
        ("intro h", "p q : Prop\n⊢ p → q", "a b : Prop\nh : b\n⊢ a → b", "intro h'"),
        ("intro h; exact h", "p : Prop\n⊢ p → p", "h h' : Prop\n⊢ h → h", "intro h''; exact h''"),
        # Names that no tactic can write are no counterparts.
        ("exact hp", "p : Prop\nhp : p\n⊢ p", "p : Prop\nh✝ : p\nk : p\n⊢ p", "exact k"),
    ],
)  # fmt: skip
def test_the_best_version(tactic: str, there: str, here: str, expected: str) -> None:
    found = adapt(tactic, there, here)
    assert found[0][0] == expected
    weights = [weight for _, weight in found]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize("tactic", ["simp", "constructor", "rw [Nat.add_comm, ← Nat.add_assoc]", "cases x <;> rfl"])
def test_what_names_nothing_local_is_itself(tactic: str) -> None:
    assert adapt(tactic, "n : Nat\n⊢ n = n", "k : Nat\n⊢ k = k") == [(tactic, 1.0)]
    assert adapt(tactic, "n : Nat\n⊢ n = n", "") == [(tactic, 1.0)]


def test_what_has_no_counterpart_is_nothing() -> None:
    assert adapt("exact h", "p : Prop\nh : p\n⊢ p", "") == []
    assert adapt("exact h", "n : Nat\nh : n + n = n * 2\n⊢ n * 2 = n + n", "s : Set α\n⊢ s ⊆ s") == []


def test_at_its_own_goal_a_tactic_is_itself() -> None:
    goal = "p q r : Prop\nf : p → q\ng : q → r\nhp : p\n⊢ r"
    for tactic in ("exact g (f hp)", "apply g", "have x := f hp"):
        assert adapt(tactic, goal, goal)[0][0] == tactic


NAMES = st.permutations(["a", "b", "h", "k", "x", "y'", "u₁"])
GOAL = "{0} {1} : Prop\n{2} : {0} ∧ {1}\n{3} : {1} → {0}\n{4} {5} : Nat\n⊢ {1} ∧ {4} = {5}"
TACTICS = ["exact ⟨{2}.right, rfl⟩", "apply {3} {2}.1", "induction {4} with\n| zero => skip\n| succ n ih => exact {5}"]


@given(NAMES, NAMES, st.sampled_from(TACTICS))
def test_renaming_all_that_is_local_renames_the_tactic(old: list[str], new: list[str], tactic: str) -> None:
    given_names = {"n", "ih"}
    assert not given_names & {*old, *new}
    found = adapt(tactic.format(*old), GOAL.format(*old), GOAL.format(*new))
    assert found[0][0] == tactic.format(*new)


@given(st.text(st.sampled_from("ph q:⊢\n→∧.✝("), max_size=40), st.text(st.sampled_from("ph q:⊢\n→∧.✝("), max_size=40))
def test_only_names_of_the_goal_are_put_in(there: str, here: str) -> None:
    for text, weight in adapt("exact p.1 (h q)", there, here):
        assert 0 < weight <= 1
        assert re.fullmatch(r"exact \S+\.1 \(\S+ \S+\)", text)
