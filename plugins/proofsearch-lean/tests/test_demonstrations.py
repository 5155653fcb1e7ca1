"""Would catch: steps cut in the wrong place, and proofs shown that don't lead where they seem to."""

from __future__ import annotations

from pathlib import Path

import pytest
from lean_installation import Installation
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.demonstrations import split_script, steps_of
from proofsearch_lean.environment import LeanEnvironment

LIBRARY = Path(__file__).parent / "library" / "theorems"


@pytest.mark.parametrize(
    ("proof", "steps"),
    [
        ("by simp", ["simp"]),
        ("by\n  intro h\n  exact h", ["intro h", "exact h"]),
        ("by\n    intro h -- why\n    /- so\n  -/\n    exact h", ["intro h", "exact h"]),
        ("by intro h; exact h", ["intro h", "exact h"]),
        ("by\n  intro h; simp;\n  exact h", ["intro h", "simp", "exact h"]),
        ("by\n  constructor\n  · left; simp\n    exact h\n  · simp",
         ["constructor", "· left; simp\n  exact h", "· simp"]),
        ("by\n  cases h with\n  | a => b; c\n  | d => e\n  simp", ["cases h with\n| a => b; c\n| d => e", "simp"]),
        ("by\n  simp\n  <;> rfl\n  done", ["simp\n<;> rfl", "done"]),
        ("by\n  calc a = b := h\n    _ = c := k\n  simp", ["calc a = b := h\n  _ = c := k", "simp"]),
        ("by\n  calc\n    a = b := h\n    _ = c := k", ["calc\n  a = b := h\n  _ = c := k"]),
        ("by\n  have : p := by\n    intro; exact h\n  exact f (\n    x)",
         ["have : p := by\n  intro; exact h", "exact f (\n  x)"]),
        ("by cases a <;>\n  simp", ["cases a <;>\n  simp"]),
        ("by\n  (simp; rfl)\n  all_goals simp; rfl", ["(simp; rfl)", "all_goals simp; rfl"]),
        ("by\n  exact \"a; -- b\"", ['exact "a; -- b"']),
        ("rfl", []),
        ("fun x => by simp", []),
        ("by", []),
        ("", []),
        ("| 0 => by simp", []),
        ("by\n  simp\ntermination_by x", []),
        ("by\n  /- no end", []),
    ],
)  # fmt: skip
def test_the_steps_of_a_proof(proof: str, steps: list[str]) -> None:
    assert steps_of(proof) == steps


def test_steps_are_run_one_by_one(lean: Installation, tmp_path: Path) -> None:
    wrong = ("by\n  skip\n  exact k", "by\n  exact h\n  skip", "by\n  skip")
    (tmp_path / "A.lean").write_text(
        "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  rcases h with ⟨a, b⟩\n  exact ⟨b, a⟩\n"
        "theorem term (p : Prop) (h : p) : p := h\n"
        "theorem uses (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  exact swap p q h\n"
    )
    for number, proof in enumerate(wrong):
        (tmp_path / f"Wrong{number}.lean").write_text(f"theorem w{number} (p : Prop) (h : p) : p := {proof}\n")
    environment = LeanEnvironment(LeanConfig(command=str(lean.lean), file=tmp_path), tmp_path)
    try:
        assert len(environment.theorems()) == 6
        shown = list(environment.demonstrations(environment.theorems()))
    finally:
        environment.close()
    assert [(one.theorem.name, one.tactic, one.remaining) for one in shown] == [
        ("swap", "rcases h with ⟨a, b⟩", 2),
        ("swap", "exact ⟨b, a⟩", 1),
        ("uses", "exact swap p q h", 1),
    ]
    assert shown[0].state.text == "p q : Prop\nh : p ∧ q\n⊢ q ∧ p"
    assert shown[1].state.text == "p q : Prop\na : p\nb : q\n⊢ q ∧ p"


def test_our_own_library_can_be_followed(lean: Installation, tmp_path: Path) -> None:
    """Every proof of the library is by tactics, and each runs to its end in steps."""
    environment = LeanEnvironment(LeanConfig(command=str(lean.lean), file=LIBRARY / "Propositional.lean"), tmp_path)
    try:
        theorems = environment.theorems()[:40]
        shown = {one.theorem.name for one in environment.demonstrations(theorems)}
    finally:
        environment.close()
    assert shown == {theorem.name for theorem in theorems}


@pytest.mark.parametrize(
    ("script", "tactics"),
    [
        ("intro h\nexact h", ["intro h", "exact h"]),
        ("  intro h\n  exact h\n", ["intro h", "exact h"]),
        ("intro h\n  exact h", ["intro h", "exact h"]),  # the prompt had the first line's indentation
        ("by\n  intro h\n  exact h", ["intro h", "exact h"]),
        ("by simp", ["simp"]),
        ("theorem t (p : Prop) : p → p := by\n  intro h\n  exact h", ["intro h", "exact h"]),
        ("Here it is:\n```lean4\ntheorem t : p → p := by\n  intro h\n  exact h\n```\nDone.", ["intro h", "exact h"]),
        ("have h : p := by\n  simp\nexact h", ["have h : p := by\n  simp", "exact h"]),
        ("constructor\n· intro h\n  exact h\n· simp", ["constructor", "· intro h\n  exact h", "· simp"]),
        ("intro h; exact h", ["intro h", "exact h"]),
        ("", []),
    ],
)
def test_a_whole_proof_is_cut_into_the_steps_of_its_block(script: str, tactics: list[str]) -> None:
    assert split_script(script) == tactics


def test_tactics_that_were_put_together_come_back() -> None:
    tactics = ["intro h", "have k : p := by\n  exact h", "exact k"]
    assert split_script("\n".join(tactics)) == tactics
