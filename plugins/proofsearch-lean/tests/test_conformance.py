"""The environment against its contract, with tactics that never end and that kill Lean, and cheats that Lean knows."""

from __future__ import annotations

from pathlib import Path

from lean_installation import Installation
from lean_sessions import CRASHING, DEADLY, FOREVER
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.plugin import make_environment

from proofsearch.testing import SampleBuilder, check_environment

THEOREMS = f"""
{DEADLY}
theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by
  cases h with
  | intro a b =>
    constructor
    · exact b
    · exact a

theorem twice (p q : Prop) (h : p ∧ q) : p ∧ q := by
  apply swap
  exact (swap p q h)

theorem add (a b c : Nat) (h : a = b) : c + a = b + c := by
  rw [h]
  rw [Nat.add_comm]

theorem either (p q : Prop) (h : p ∨ q) : q ∨ p := by
  cases h
  · apply Or.inr
    assumption
  · apply Or.inl
    assumption

theorem later (p q : Prop) (h : p ∧ q) : p ∧ q := by
  refine ⟨?_, ?_⟩
  exact h.1
  exact h.2
"""

NOT_APPLICABLE = ["many tactics equal singles", "moves hold", "parts hold", "released states steppable"]
"""Tactics can't be listed; goals share nothing that Lean would tell; states are texts, which hold nothing."""


def test_it_conforms(lean: Installation, tmp_path: Path) -> None:
    file = tmp_path / "Theorems.lean"
    file.write_text(THEOREMS)
    before, theorem = THEOREMS.split("theorem add")[0], "theorem add (a b c : Nat) (h : a = b) : c + a = b + c := by\n"
    proofs = ["sorry", "exact sorryAx _", "exact add a b c h", "exact absurd later later", "skip\naxiom cheat : False"]
    cheats = [f"{before}{theorem}  {proof}\n" for proof in proofs]
    cheats += [f"{before}axiom add (a b c : Nat) (h : a = b) : c + a = b + c\n"]
    config = LeanConfig(command=str(lean.lean), file=file, timeout=60)
    with SampleBuilder(cache=tmp_path / "cache") as builder:
        report = check_environment(
            make_environment,
            config,
            builder=builder,
            cheats={"add": cheats},
            crashing=CRASHING,
            endless=FOREVER,
        )
    assert sorted(report.names("skipped")) == NOT_APPLICABLE
