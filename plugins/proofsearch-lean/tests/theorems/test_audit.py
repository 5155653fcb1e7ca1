"""Would catch: a statement that Lean refuses, or that rests on a hole, taken for one that can be searched."""

from __future__ import annotations

import json
from pathlib import Path

from lean_installation import Installation
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.environment import LeanEnvironment

LIBRARY = Path(__file__).parents[1] / "library" / "theorems"

FILE = """namespace N
def answer : Nat := sorry
@[simp] theorem fine (n : Nat) : n + 0 = n := by
  rfl
theorem unknown : nonsense 1 = 2 := by
  sorry
theorem upstream : answer = 5 := by sorry
open Nat in
private theorem open_in : succ 0 = 1 := by sorry
theorem hole : (sorry : Nat) = 1 := by sorry
theorem unproved (p : Prop) : p := by sorry
theorem absent : 1 = 1
end N
"""


def audited(lean: Installation, folder: Path, **options: Path) -> dict[str, str]:
    environment = LeanEnvironment(LeanConfig(command=str(lean.lean), **options), folder)
    try:
        return {one.name: one.reason for one in environment.audit(environment.theorems())}
    finally:
        environment.close()


def test_a_file(lean: Installation, tmp_path: Path) -> None:
    text = FILE.replace("theorem unknown : nonsense 1 = 2 := by\n  sorry\n", "")
    (tmp_path / "A.lean").write_text(text)
    found = audited(lean, tmp_path, file=tmp_path / "A.lean")
    assert found.keys() == {"N.upstream", "N.hole"}
    assert "rests on a sorry before it" in found["N.upstream"]
    assert "its statement holds a sorry" in found["N.hole"]


def test_what_stands_before_a_theorem_counts_for_it(lean: Installation, tmp_path: Path) -> None:
    (tmp_path / "A.lean").write_text(FILE)
    found = audited(lean, tmp_path, file=tmp_path / "A.lean")
    assert "its statement doesn't elaborate" in found["N.unknown"]
    assert "nonsense" in found["N.unknown"]
    assert "N.fine" not in found
    assert found["N.unproved"].startswith("what stands before it has an error, A.lean:5:")


def test_rows_don_t_stand_in_each_others_way(lean: Installation, tmp_path: Path) -> None:
    header = "open Nat\n"
    rows = [
        {"name": "one", "header": header, "formal_statement": "theorem same : succ 0 = 1 := by sorry"},
        {"name": "two", "header": header, "formal_statement": "theorem same : nonsense 1 = 1 := by sorry"},
        {"name": "three", "header": header, "formal_statement": "theorem same : 1 = ) 1 := by sorry"},
        {"name": "four", "header": header, "formal_statement": "theorem same (n : Nat) : n = n :="},
        {"name": "five", "header": "import Mathlib\n", "formal_statement": "theorem same : 1 = 1 := by sorry"},
        {"name": "six", "formal_statement": "def s : Nat := sorry\ntheorem t : s = 1 := by sorry"},
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = audited(lean, tmp_path, theorems=tmp_path / "data.jsonl")
    assert found.keys() == {"two", "three", "five", "six"}
    assert "its statement doesn't elaborate" in found["two"]
    assert "its statement doesn't elaborate" in found["three"]
    assert found["five"].startswith("what stands before it has an error, data.jsonl:5:1: ")
    assert "Mathlib" in found["five"]
    assert "second sorry" in found["six"]


def test_our_own_library_is_fine(lean: Installation, tmp_path: Path) -> None:
    assert audited(lean, tmp_path, file=LIBRARY) == {}


def test_a_lean_that_gives_no_answer_is_said(tmp_path: Path) -> None:
    program = tmp_path / "lean"
    program.write_text('#!/bin/sh\ncase "$1" in --version) echo "Lean (version 4.30.0)";; *) echo nonsense;; esac\n')
    program.chmod(0o755)
    (tmp_path / "A.lean").write_text("theorem a : 1 = 1 := by sorry")
    environment = LeanEnvironment(LeanConfig(command=str(program), file=tmp_path / "A.lean"), tmp_path)
    (found,) = environment.audit(environment.theorems())
    assert found.reason == "Lean said what can't be read: nonsense"
