"""Would catch: a target in its own preamble, a split that moves, two theorems of one name, a file left unread."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.theorems import LeanLibrary, read_library
from proofsearch_lean.theorems.library import split_of

from proofsearch.errors import InputError, UsageError

LIBRARY = Path(__file__).parents[1] / "library" / "theorems"

FILE = """import A
namespace N
variable (x : Nat)
/-- First. -/
theorem a : x = x := by rfl
@[simp] theorem b : x = x := by
  sorry
theorem c : x = x := a x
end N
"""


def read(path: Path, **options: Any) -> LeanLibrary:
    return read_library(LeanConfig(file=path, **options))


def placed(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_file(tmp_path: Path) -> None:
    library = read(placed(tmp_path, {"A.lean": FILE}) / "A.lean")
    assert [(one.name, one.source, one.position) for one in library.theorems] == [
        ("N.a", "A.lean:5", 0),
        ("N.b", "A.lean:6", 1),
        ("N.c", "A.lean:8", 2),
    ]
    second = library.lean("N.b")
    assert (second.statement, second.proof, second.line) == ("@[simp] theorem b : x = x", None, 6)
    assert second.preamble == FILE[: FILE.index("@[simp]")]
    assert library.lean("N.c").proof == "a x"
    assert FILE.startswith(library.lean("N.c").preamble)
    assert "theorem c" not in library.lean("N.c").preamble


def test_what_is_unproved_is_searched_and_the_rest_learnt_from(tmp_path: Path) -> None:
    file = placed(tmp_path, {"A.lean": FILE}) / "A.lean"
    for only in ("auto", "sorry"):
        splits = {one.name: one.split for one in read(file, only=only).theorems}
        assert splits == {"N.a": "train", "N.b": "test", "N.c": "train"}
    assert {one.name: one.split for one in read(file, only="all", held_out=1).theorems}.keys() == {"N.a", "N.b", "N.c"}
    assert "train" not in {one.split for one in read(file, only="all", held_out=1).theorems}
    assert read(file, only="all", held_out=0).by_name["N.b"].split == "test"  # nothing to learn from


def test_splits_are_by_hash_of_the_name_alone(tmp_path: Path) -> None:
    whole = {one.name: one.split for one in read(LIBRARY, held_out=0.3).theorems}
    counts = Counter(whole.values())
    assert 0.1 < counts["test"] / len(whole) < 0.2
    assert 0.1 < counts["validation"] / len(whole) < 0.2
    part = {one.name: one.split for one in read(LIBRARY / "Order.lean", held_out=0.3).theorems}
    assert part.items() <= whole.items()
    # A greater share moves nothing out of what was held out.
    more = {one.name: one.split for one in read(LIBRARY, held_out=0.6).theorems}
    assert all(more[name] != "train" for name, split in whole.items() if split != "train")
    assert [split_of("Nat.add_comm", share) for share in (0, 1)] == ["train", split_of("Nat.add_comm", 1)]


def test_folders_say_splits_and_skip_what_lake_made(tmp_path: Path) -> None:
    text = "theorem {} : 1 = 1 := by sorry\n"
    files = {
        "MiniF2F/Test/a.lean": text.format("a"),
        "MiniF2F/Valid/b.lean": text.format("b"),
        "MiniF2F/Train.lean": text.format("c"),
        "Other.lean": text.format("d"),
        ".lake/packages/x/E.lean": text.format("e"),
        "lakefile.lean": text.format("f"),
    }
    library = read(placed(tmp_path, files))
    assert {one.name: one.split for one in library.theorems} == {
        "a": "test",
        "b": "validation",
        "c": "train",
        "d": "test",
    }


def test_theorems_of_one_name_are_told_apart(tmp_path: Path) -> None:
    text = "theorem a : 1 = 1 := by sorry\n"
    library = read(placed(tmp_path, {"A.lean": text, "B.lean": text + "theorem b : 1 = 1 := rfl\n"}))
    assert [one.name for one in library.theorems] == ["a@A.lean", "a@B.lean", "b"]
    assert library.lean("a@B.lean").name == "a"
    twice = read(placed(tmp_path / "twice", {"A.lean": text + text}))
    assert [one.reason for one in twice.unusable] == ["another theorem at A.lean:1 has the same name"]


def test_a_file_without_an_end_is_named_and_the_others_read(tmp_path: Path) -> None:
    library = read(placed(tmp_path, {"A.lean": "theorem a : p := by\n  /- no end", "B.lean": "theorem b : p := q"}))
    assert [one.name for one in library.theorems] == ["b"]
    assert [(one.source, one.reason) for one in library.unusable] == [
        ("A.lean:2", "a comment that begins with /- has no end")
    ]


def test_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    (tmp_path / "A.lean").write_bytes(FILE.replace("\n", "\r\n").encode())
    assert read(tmp_path / "A.lean").lean("N.b").preamble == FILE[: FILE.index("@[simp]")]


def test_toolchains_are_found_above_a_file(tmp_path: Path) -> None:
    files = {"lean-toolchain": "leanprover/lean4:v4.20.0\n", "sub/A.lean": FILE, "B.lean": FILE.replace("N", "M")}
    assert dict(read(placed(tmp_path, files)).toolchains) == {"leanprover/lean4:v4.20.0": 2}


def test_files_and_a_data_set_together(tmp_path: Path) -> None:
    placed(tmp_path, {"A.lean": "theorem a : p := q", "data.jsonl": '{"formal_statement": "theorem z : p"}'})
    library = read(tmp_path / "A.lean", theorems=tmp_path / "data.jsonl")
    assert [(one.name, one.split) for one in library.theorems] == [("a", "train"), ("z", "test")]


def test_a_hash_of_all_texts_tells_libraries_apart(tmp_path: Path) -> None:
    placed(tmp_path, {"A.lean": FILE, "B.lean": FILE + "\n"})
    hashes = {read(tmp_path / name).sha256() for name in ("A.lean", "B.lean")}
    assert len(hashes) == 2
    assert read(tmp_path / "A.lean").sha256() in hashes


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.lean", "can't be read"),
        ("none", "no such file or folder"),
        ("empty", "no .lean file is in this folder"),
        ("D.lean", "D.lean: no theorem that can be searched; 0 were left out"),
    ],
)
def test_what_holds_nothing_says_so(tmp_path: Path, name: str, said: str) -> None:
    placed(tmp_path, {"empty/readme.md": "", "D.lean": "def a := 1"})
    with pytest.raises(InputError) as error:
        read(tmp_path / name)
    assert said in str(error.value)


def test_nothing_named_says_what_to_name() -> None:
    with pytest.raises(UsageError, match=r"--lean-file .* or --lean-theorems"):
        read_library(LeanConfig())
