"""The check of a proof: what it accepts, and what it says of what it doesn't."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from attacks import PREAMBLE, TRUE
from proofsearch_lean.config import STANDARD_AXIOMS, LeanConfig
from proofsearch_lean.scripts import proof_text
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import Toolchain
from proofsearch_lean.verification import verify

from proofsearch.types import Verdict, reaches

AND = LeanTheorem("Some.and_swap", "theorem and_swap (p q : Prop) (h : p ∧ q) : q ∧ p", "namespace Some\n")


@pytest.fixture
def check(toolchain: Toolchain, config: LeanConfig):
    """Checks a theorem with tactics as its proof, under options that differ from the usual."""

    def check(theorem: LeanTheorem, tactics: Sequence[str], **options: object) -> Verdict:
        return verify(toolchain, config.model_copy(update=options), theorem, proof_text(theorem, tactics))

    return check


def test_a_proof_is_accepted_with_its_tier(check) -> None:
    verdict = check(AND, ["constructor", "· exact h.2", "exact h.1"])
    assert verdict == Verdict(True, "Lean 4.35.0", tier="axioms audited")
    assert reaches(verdict.tier, "kernel")


def test_axioms_are_told_and_have_to_be_allowed(check) -> None:
    theorem = LeanTheorem("t", "theorem t (p : Prop) : (p ∧ True) = p")
    verdict = check(theorem, ["simp"])
    assert verdict.proved and verdict.rests_on == ("propext",)
    refused = check(theorem, ["simp"], axioms=("Quot.sound",))
    assert not refused.proved and refused.rests_on == ("propext",)
    assert "rests on propext, which --lean-axioms doesn't allow" in refused.message


def test_compiled_code_is_believed_where_that_is_allowed(check) -> None:
    """Each use of it is an axiom of its own in newer versions of Lean; older ones have one for all."""
    refused = check(TRUE, ["native_decide"])
    assert not refused.proved and len(refused.rests_on) == 1
    verdict = check(TRUE, ["native_decide"], axioms=(*STANDARD_AXIOMS, *refused.rests_on))
    assert verdict.proved and verdict.rests_on == refused.rests_on


def test_a_hole_is_said_as_such(check) -> None:
    assert "rests on sorry" in check(AND, ["sorry"]).message
    earlier = LeanTheorem("Attacked.t", "theorem t : (0 : Nat) = 1", PREAMBLE)
    verdict = check(earlier, ["exact unproved"])
    assert "earlier theorem without a proof" in verdict.message and verdict.rests_on == ("sorryAx",)


def test_an_error_has_its_line(check) -> None:
    verdict = check(AND, ["constructor", "exact h.2", "exact h.2"])
    assert verdict.message.startswith("line 3 of the proof: ")


def test_a_proof_that_fails_for_heartbeats_only_says_so(check) -> None:
    """In the search each step has the budget for itself; here one step has it for all."""
    theorem = LeanTheorem("t", "theorem t (p q : Prop) : p ∧ q ↔ q ∧ p", "set_option maxHeartbeats 5\n")
    steps = ["constructor <;> (intro h; exact ⟨h.2, h.1⟩)"] + ["skip"] * 400
    verdict = check(theorem, steps)
    assert "fails for heartbeats only" in verdict.message and "maxHeartbeats" in verdict.message
    wrong = check(theorem, ["exact nothing"])
    assert not wrong.proved and "heartbeats" not in wrong.message
    assert check(LeanTheorem("t", theorem.statement), steps).proved


def test_a_script_may_set_what_only_changes_the_search(check) -> None:
    assert check(AND, ["set_option maxHeartbeats 400000 in", "set_option pp.all true in", "exact ⟨h.2, h.1⟩"]).proved


def test_the_words_of_the_search_stand_in_any_layout(check) -> None:
    """Bullets, structured proofs, comments with unicode, blank lines."""
    assert check(
        AND,
        [
            "cases h with\n| intro a b =>\n  -- ✓ ∀ «»\n\n  constructor\n"
            "  · exact b\n  · /- a /- nested -/ one -/ exact a"
        ],
    ).proved


@pytest.mark.parametrize(
    ("name", "statement", "preamble"),
    [
        ("Private.t", "private theorem t : 1 = 1", "namespace Private\n"),
        ("t", "theorem t.{u} (α : Type u) (a : α) : a = a", ""),
        ("A.B.t", "@[simp] protected theorem B.t : 1 = 1", "namespace A\nvariable (n : Nat)\n"),
        ("t", "theorem _root_.t : 1 = 1", "namespace A\nsection\n"),
        ("«a b».t'", "theorem «a b».t' : 1 = 1", ""),
        ("t", "theorem t {n : Nat} [Inhabited Nat] (h : n = n) :\n    n = n -- so", "set_option autoImplicit true\n"),
        ("t", "theorem t : x = x", "set_option autoImplicit true\n"),
        ("A.t", "theorem t : two = 2", "namespace A\ndef two := 2\n"),
        ("A.t", "theorem t (h : p) : n = n", "namespace A\nvariable {n : Nat} (p q : Prop) [Inhabited q]\n"),
    ],
    ids=lambda value: value if "theorem" in value else "",
)
def test_names_and_scopes(check, name: str, statement: str, preamble: str) -> None:
    verdict = check(LeanTheorem(name, statement, preamble), ["rfl"])
    assert verdict.message == "" and verdict.proved


def test_axioms_have_their_full_names(check) -> None:
    """In a namespace, Lean would write the names of what is in it without the namespace's."""
    theorem = LeanTheorem("Classical.t", "theorem t (p : Prop) : p ∨ ¬p", "namespace Classical\n")
    verdict = check(theorem, ["exact em p"])
    assert verdict.proved and verdict.rests_on == ("Classical.choice", "Quot.sound", "propext")
    preamble = "namespace A\naxiom propext : (0 : Nat) = 1\n"
    verdict = check(LeanTheorem("A.t", "theorem t (p : Prop) : (p ∧ True) = p", preamble), ["simp"])
    assert verdict.proved and verdict.rests_on == ("propext",)
    verdict = check(LeanTheorem("A.t", "theorem t : (0 : Nat) = 1", preamble), ["exact propext"])
    assert not verdict.proved and verdict.rests_on == ("A.propext",)


def test_variables_of_the_proof_are_none_of_the_statement(check) -> None:
    """An option brings back that a proof decides what is assumed; then it proves something else."""
    preamble = "set_option deprecated.oldSectionVars true\nvariable (h : (0 : Nat) = 1)\n"
    verdict = check(LeanTheorem("t", "theorem t : (0 : Nat) = 1", preamble), ["exact h"])
    assert not verdict.proved and "proves something else than the statement" in verdict.message


def test_a_statement_that_is_none_is_not_the_proofs_fault(check) -> None:
    verdict = check(LeanTheorem("t", "theorem t : Nat.nothing 3 = 1"), ["rfl"])
    assert "the statement itself can't be checked" in verdict.message
    verdict = check(LeanTheorem("A.t", "theorem t : 1 = 1"), ["rfl"])
    assert not verdict.proved and "A.t" in verdict.message


def test_a_missing_import_says_what_to_do(check) -> None:
    verdict = check(LeanTheorem("t", "theorem t : 1 = 1", "import Mathlib\n"), ["rfl"])
    assert not verdict.proved and "--lean-project" in verdict.message


def test_a_proof_without_an_end_is_ended(check) -> None:
    theorem = LeanTheorem("t", "theorem t (a b : Nat) : a + b = 0", "set_option maxHeartbeats 0\n")
    verdict = check(theorem, ["repeat rw [Nat.add_comm]"], check_timeout=1.0)
    assert not verdict.proved and "ran past 1 s (--lean-check-timeout)" in verdict.message


def test_a_lean_that_dies_is_no_verdict_on_anything(config: LeanConfig, tmp_path: Path) -> None:
    program = tmp_path / "lean"
    program.write_text("#!/bin/sh\necho 'Stack overflow detected. Aborting.' >&2; kill -ABRT $$\n")
    program.chmod(0o755)
    toolchain = Toolchain((str(program),), (), tmp_path, "4.35.0", "")
    verdict = verify(toolchain, config, AND, proof_text(AND, ["rfl"]))
    assert not verdict.proved and "Stack overflow" in verdict.message and "-6" in verdict.message


def test_a_lean_that_says_nothing_of_its_commands_is_not_believed(config: LeanConfig, tmp_path: Path) -> None:
    """Where a Lean doesn't tell what the check is built on, nothing is accepted."""
    program = tmp_path / "lean"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    toolchain = Toolchain((str(program),), (), tmp_path, "4.35.0", "")
    assert not verify(toolchain, config, AND, proof_text(AND, ["rfl"])).proved
