"""Tactics as text: where they stand, and what is no step."""

from __future__ import annotations

import pytest
from proofsearch_lean.scripts import flaw, heading, indented, proof_text
from proofsearch_lean.statements import LeanTheorem


def test_the_heading_ends_where_the_proof_begins() -> None:
    assert heading(LeanTheorem("t", "theorem t : True", "open Nat\n")) == "open Nat\ntheorem t : True := by\n"
    commented = LeanTheorem("t", "theorem t (p : Prop) -- two dashes: --\n  : p → p -- trivial")
    assert heading(commented) == "theorem t (p : Prop) -- two dashes: --\n  : p → p -- trivial\n  := by\n"


@pytest.mark.parametrize(
    ("tactic", "expected"),
    [
        ("simp", "  simp\n"),
        ("  simp  \n", "  simp\n"),
        ("cases h with\n| inl a => x\n| inr b => y", "  cases h with\n  | inl a => x\n  | inr b => y\n"),
        ("    have x : p := by\n      simp\n\n      rfl", "  have x : p := by\n    simp\n\n    rfl\n"),
        ("\n\nconstructor\n· skip\n", "  constructor\n  · skip\n"),
    ],
)
def test_a_tactic_stands_at_one_column(tactic: str, expected: str) -> None:
    assert indented(tactic) == expected


def test_a_proof_is_its_tactics_below_each_other() -> None:
    theorem = LeanTheorem("t", "theorem t (p q : Prop) (h : p) : p ∨ q", "-- before\n")
    text = proof_text(theorem, ["apply Or.inl", "first\n| rfl\n| exact h"])
    assert text == (
        "-- before\ntheorem t (p q : Prop) (h : p) : p ∨ q := by\n  apply Or.inl\n  first\n  | rfl\n  | exact h\n"
    )


@pytest.mark.parametrize(
    "tactic",
    [
        "simp",
        "exact ⟨by simp, h⟩",
        "· simp",
        ". simp",
        "(simp; rfl)",
        "«a tactic of ours» h",
        "rw [sorry_free, admit_one.sorry]",
        "exact sorry' h",
        "at_once",
        "with_reducible rfl",
        "in.bounds",
        "rfl -- sorry",
        "/- exact by -/\nrfl",
        "-- first\nsimp",
        "exact standby",
        "exact h.at",
        "calc a = b := h\n  _ = c := k",
    ],
)
def test_steps(tactic: str) -> None:
    assert flaw(tactic) == ""


@pytest.mark.parametrize(
    ("tactic", "reason"),
    [
        ("", "it is empty"),
        ("-- nothing", "it is empty"),
        ("/- nothing\n -/\n", "it is empty"),
        ("a\0b", "it holds the character NUL"),
        ("a\r\nb", "it holds a carriage return"),
        ("\udfff", "it holds half of a surrogate pair, which is no character"),
        ("at h", "no tactic begins with 'at'"),
        ("/- so -/\nat h", "no tactic begins with 'at'"),
        ("<;> simp", "no tactic begins with '<;>'"),
        ("/- so -/ rfl", "a comment stands before it in its line; put the comment above it or behind it"),
        ("_ = c := h", "no tactic begins with '_'"),
        (".1", "no tactic begins with '.1'"),
        ("(config := {})", "no tactic begins with '(config'"),
        ("exact by", "it is left open: it ends with 'by'"),
        ("exact by -- well", "it is left open: it ends with 'by'"),
        ("case inl =>", "it is left open: it ends with '=>'"),
        ("all_goals", "it is left open: it ends with 'all_goals'"),
        ("exact sorry", "it holds sorry"),
        ("exact (by admit)", "it holds admit"),
        ("exact sorryAx _", "it holds sorryAx"),
    ],
)
def test_what_is_no_step_says_why(tactic: str, reason: str) -> None:
    assert flaw(tactic) == reason
