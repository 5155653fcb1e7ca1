"""Would catch: a statement cut in the wrong place, a wrong full name, and a proof that leaks into what is shown."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_lean.theorems.declarations import Declaration, declarations, prefixes

LIBRARY = Path(__file__).parents[1] / "library"


def cut(source: str, found: Declaration) -> tuple[str, str]:
    return source[found.start : found.end], source[slice(*found.proof)]


@pytest.mark.parametrize(
    ("source", "statement", "proof"),
    [
        ("theorem a : p := by simp", "theorem a : p", "by simp"),
        ("theorem a (h : x = y := by simp) : p := h", "theorem a (h : x = y := by simp) : p", "h"),
        ("theorem a : let x := 1; x = 1 := rfl", "theorem a : let x := 1; x = 1", "rfl"),
        ("theorem a : p ∧ have h := q; r := f", "theorem a : p ∧ have h := q; r", "f"),
        ("theorem a : x = { y := 1 } := rfl", "theorem a : x = { y := 1 }", "rfl"),
        ('theorem a : x = "y := z" := rfl', 'theorem a : x = "y := z"', "rfl"),
        ("theorem a /- := -/ : p -- := q\n  := rfl", "theorem a /- := -/ : p", "rfl"),
        ("theorem a : |x| ≥ 0 := by\n  simp", "theorem a : |x| ≥ 0", "by\n  simp"),
        (
            "theorem a : |x| ≥ 0 := by\n  cases h with\n  | b => c",
            "theorem a : |x| ≥ 0",
            "by\n  cases h with\n  | b => c",
        ),
        ("theorem a : p → q\n  | h => f h", "theorem a : p → q", "| h => f h"),
        ("theorem a : ∀ x, |x| = x\n  | 0 => b", "theorem a : ∀ x, |x| = x", "| 0 => b"),
        (
            "theorem a : match x with\n  | 0 => p\n  | _ => q := f",
            "theorem a : match x with\n  | 0 => p\n  | _ => q",
            "f",
        ),
        ("theorem a : p where\n  b := 1", "theorem a : p", "where\n  b := 1"),
        ("theorem a.{u, v} (α : Type u) : p := f", "theorem a.{u, v} (α : Type u) : p", "f"),
        ("@[simp, b (c := 1)]\nprivate theorem a : p := f", "@[simp, b (c := 1)]\nprivate theorem a : p", "f"),
        ("/-- theorem z : p := q -/\ntheorem a : p := f", "theorem a : p", "f"),
        ("set_option b 1 in\nopen C in\ntheorem a : p := f", "set_option b 1 in\nopen C in\ntheorem a : p", "f"),
        ("omit [B] in @[simp] lemma a : p := f", "omit [B] in @[simp] lemma a : p", "f"),
        ("theorem a : p", "theorem a : p", ""),
        ("theorem a : p :=", "theorem a : p", ""),
        ("theorem a : p := by\n  f\n\n/-! end -/\n-- done\n", "theorem a : p", "by\n  f"),
    ],
)
def test_where_a_statement_and_a_proof_end(source: str, statement: str, proof: str) -> None:
    (found,) = declarations(source)
    assert cut(source, found) == (statement, proof)
    assert found.name == "a"


@pytest.mark.parametrize(
    "after",
    [
        "theorem b : q := g",
        "/-- doc -/\ndef b := 1",
        "@[simp] def b := 1",
        "#eval 1",
        "end N",
        "open N",
        "set_option b 1 in\nexample : p := q",
        "noncomputable instance : B := c",
        "variable (x : Nat)",
        'macro "b" : tactic => `(tactic| c)',
    ],
)
def test_a_proof_ends_at_the_next_command(after: str) -> None:
    source = f"theorem a : p := by\n  set_option c 1 in\n  open N in\n  f -- g\n\n{after}\n"
    assert cut(source, declarations(source)[0]) == ("theorem a : p", "by\n  set_option c 1 in\n  open N in\n  f")


def test_full_names_follow_namespaces_and_sections() -> None:
    source = textwrap.dedent("""
        theorem a : p := f
        namespace N.M
        theorem b : p := f
        section S
        theorem c.d : p := f
        theorem _root_.e : p := f
        end S
        namespace «x.y»
        theorem g : p := f
        end «x.y»
        noncomputable section
        theorem h : p := f
        end
        end N.M
        theorem i : p := f
        namespace N
          theorem j : p := f
        end N
        theorem «k l» : p := f
    """)
    names = [found.name for found in declarations(source)]
    assert names == ["a", "N.M.b", "N.M.c.d", "e", "N.M.«x.y».g", "N.M.h", "i", "N.j", "«k l»"]


@pytest.mark.parametrize(
    ("proof", "proved"),
    [
        ("sorry", False),
        ("by sorry", False),
        ("by\n  intro h\n  sorry", False),
        ("by admit", False),
        ("by", False),
        ("by -- sorry\n  simp", True),
        ("h.sorry_free", True),
        ("rfl", True),
    ],
)
def test_what_counts_as_a_proof(proof: str, proved: bool) -> None:
    assert declarations(f"theorem a : p := {proof}")[0].is_proved is proved


def test_what_cannot_be_searched_says_why() -> None:
    source = "mutual\ntheorem a : p := f\nend\ntheorem b : x = sorry := f\ntheorem : p := f\ntheorem c : p := f"
    troubles = [found.trouble for found in declarations(source)]
    assert "mutual" in troubles[0]
    assert "holds a sorry" in troubles[1]
    assert "no name" in troubles[2]
    assert troubles[3] == ""


def test_examples_are_no_theorems() -> None:
    assert declarations("example : 1 = 1 := rfl\ninstance : A := b\ndef c := 1") == []


def test_prefixes_are_what_a_copy_of_the_statement_needs() -> None:
    source = "open A (b) in\n/-- doc -/\n@[simp]\nset_option c 1 in\nprivate theorem a : p := f"
    assert prefixes(source, declarations(source)[0]) == "open A (b) in\nset_option c 1 in\n"


def test_our_own_library_is_read_whole() -> None:
    for file in sorted(LIBRARY.glob("theorems/*.lean")):
        source = file.read_text()
        found = declarations(source)
        # Every theorem there begins a line and has a proof by tactics.
        assert len(found) == sum(line.startswith("theorem ") for line in source.split("\n"))
        assert all(one.is_proved and not one.trouble for one in found)
        assert all(source[slice(*one.proof)].startswith("by\n") for one in found)


NAMES = st.sampled_from(["a", "b.c", "«d e»", "f'", "g₁"])
STATEMENTS = st.sampled_from(
    ["p", "|x| ≥ 0", "let y := 1; y = y", "(z := 1) = z", "∀ n, n = n -- := \n", '"theorem q : r := s" = t', "⟨a := b⟩"]
)
PROOFS = st.sampled_from(["rfl", "by simp", "by\n  intro h\n  exact h", "fun x => x", "by\n  cases h with\n  | a => b"])
BETWEEN = st.sampled_from(
    ["", "-- theorem x : y := z\n", "/- theorem /- x -/ : y := z -/\n", "def w := 1\n", "#eval 1\n"]
)
BEFORE = st.sampled_from(["", "private ", "@[simp] ", "set_option a b in\n", "open C in\n@[simp] protected "])


@given(st.lists(st.tuples(BETWEEN, BEFORE, NAMES, STATEMENTS, PROOFS), max_size=6))
def test_written_theorems_are_found_again(parts: list[tuple[str, str, str, str, str]]) -> None:
    source = ""
    expected = []
    for between, before, name, statement, proof in parts:
        source += between
        start = len(source)
        source += f"{before}theorem {name} : {statement}"
        end = len(source.rstrip()) if "--" not in statement else start + len(f"{before}theorem {name} : ∀ n, n = n")
        source += f" := {proof}\n"
        expected.append((name, start, end, proof))
    found = [(one.name, one.start, one.end, source[slice(*one.proof)]) for one in declarations(source)]
    assert found == expected
