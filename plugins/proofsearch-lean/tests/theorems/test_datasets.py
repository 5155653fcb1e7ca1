"""Would catch: a form of data set that isn't understood, and a row that is read as another theorem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.theorems import LeanLibrary, read_library

from proofsearch.errors import InputError

MINIF2F = {
    "name": "mathd_algebra_10",
    "split": "valid",
    "informal_prefix": "/-- What is it? -/\n",
    "formal_statement": "theorem mathd_algebra_10 (x : Nat) : x = x := by\n",
    "goal": "x : Nat\n⊢ x = x",
    "header": "import Mathlib\n\nopen Nat Real\n",
    "lean_version": "v4.9.0",
}
PROOFNET = {
    "id": "Rudin|exercise_1_1a",
    "nl_statement": "Prove it.",
    "lean4_formalization": "theorem exercise_1_1a (x : Nat) :\n  x + 0 = x :=",
    "lean4_src_header": "import Mathlib\nopen Real",
    "split": "test",
}
PUTNAM = {
    "name": "putnam_1962_a1",
    "lean4_statement": "abbrev putnam_1962_a1_solution : Nat := sorry\n-- 5\n"
    "theorem putnam_1962_a1 : x = putnam_1962_a1_solution := sorry",
}
FILLED = {
    "problem_id": 7,
    "lean4_statement": "abbrev solution : Nat := 5\ntheorem putnam_1970_b1 : 5 = solution :=\nsorry",
}


def written(folder: Path, rows: list[Any], form: str = "jsonl") -> Path:
    file = folder / f"data.{form}"
    if form == "jsonl":
        file.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    elif form == "json":
        file.write_text(json.dumps(rows))
    else:
        keys = dict.fromkeys(key for row in rows for key in row)
        table = {key: [None if row.get(key) is None else str(row[key]) for row in rows] for key in keys}
        pyarrow.parquet.write_table(pyarrow.table(table), file)
    return file


def read(file: Path, **options: Any) -> LeanLibrary:
    return read_library(LeanConfig(theorems=file, **options))


@pytest.mark.parametrize("form", ["jsonl", "json", "parquet"])
def test_published_forms(tmp_path: Path, form: str) -> None:
    library = read(written(tmp_path, [MINIF2F, PROOFNET, PUTNAM, FILLED], form))
    assert [(one.name, one.split, one.position) for one in library.theorems] == [
        ("mathd_algebra_10", "validation", 0),
        ("Rudin|exercise_1_1a", "test", 1),
        ("7", "test", 2),
    ]
    assert library.lean("mathd_algebra_10") == LeanTheorem(
        name="mathd_algebra_10",
        statement="theorem mathd_algebra_10 (x : Nat) : x = x",
        preamble="import Mathlib\n\nopen Nat Real\n",
        split="validation",
        file=f"data.{form}:1",
        line=4,
    )
    second = library.lean("Rudin|exercise_1_1a")
    assert (second.name, second.statement) == ("exercise_1_1a", "theorem exercise_1_1a (x : Nat) :\n  x + 0 = x")
    assert second.preamble == "import Mathlib\nopen Real\n"
    filled = library.lean("7")
    assert (filled.name, filled.preamble) == ("putnam_1970_b1", "abbrev solution : Nat := 5\n")
    (left_out,) = library.unusable
    assert left_out.name == "putnam_1962_a1"
    assert "second sorry" in left_out.reason
    assert dict(library.toolchains) == {"v4.9.0": 1}


def test_a_header_is_for_rows_that_have_none(tmp_path: Path) -> None:
    rows = [
        {"name": "a", "formal_statement": "theorem a : 1 = 1"},
        {"name": "b", "formal_statement": "theorem b : 1 = 1", "header": "open B"},
        {"name": "c", "formal_statement": "import C\ntheorem c : 1 = 1"},
    ]
    library = read(written(tmp_path, rows), header="import A")
    assert [library.lean(name).preamble for name in "abc"] == ["import A\n", "open B\n", "import C\n"]


def test_rows_with_a_known_proof_are_shown_without_it(tmp_path: Path) -> None:
    row = {"name": "a", "formal_statement": "theorem a : 1 = 1 := by\n  rfl\n\ndef after := 1"}
    theorem = read(written(tmp_path, [row])).lean("a")
    assert (theorem.statement, theorem.preamble, theorem.proof) == ("theorem a : 1 = 1", "", "by\n  rfl")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("def a := 1", "no theorem"),
        ("theorem a : 1 = 1 /- no end", "has no end"),
        ("theorem b : 1 = 1 := by sorry\ntheorem a : 1 = 1 := by sorry", "second sorry"),
        ("theorem a : sorry = 1 := by sorry", "holds a sorry"),
    ],
)
def test_rows_that_cannot_be_searched_are_named(tmp_path: Path, statement: str, reason: str) -> None:
    rows = [{"name": "bad", "formal_statement": statement}, {"name": "good", "formal_statement": "theorem g : p"}]
    library = read(written(tmp_path, rows))
    assert [one.name for one in library.theorems] == ["good"]
    (left_out,) = library.unusable
    assert left_out.name == "bad"
    assert left_out.source.startswith("data.jsonl:1")
    assert reason in left_out.reason


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("data.jsonl", '{"name": "a"}\n', "data.jsonl: no row has a statement; expected one under formal_statement"),
        ("data.jsonl", '{"name": \n', "data.jsonl:1: no JSON"),
        ("data.jsonl", "[1]\n", "data.jsonl:1: found list; expected an object"),
        ("data.json", '{"name": "a"}', "data.json: holds no list"),
        ("data.csv", "a,b", "data.csv: a data set is one of .jsonl, .json, .parquet; found .csv"),
        ("data.parquet", "nothing", "data.parquet: no Parquet file"),
        ("data.jsonl", '{"formal_statement": "def a := 1"}', "no theorem that can be searched; 1 were left out"),
    ],
)
def test_what_is_no_data_set_says_so(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as error:
        read(tmp_path / name)
    assert said in str(error.value)


def test_a_data_set_that_is_not_there(tmp_path: Path) -> None:
    for form in ("jsonl", "parquet"):
        with pytest.raises(InputError, match="can't be read"):
            read(tmp_path / f"none.{form}")
