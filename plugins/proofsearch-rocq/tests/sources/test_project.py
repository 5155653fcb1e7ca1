"""Files and folders of one's own, and what project files say of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_rocq.sources.project import files_at

from proofsearch.errors import InputError, UsageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("theories/A.v", "theories/sub/B.v", "src/C.v", ".git/D.v", "theories/not-a-name.v"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Lemma x : True. Proof. exact I. Qed.\n")
    return tmp_path


def test_a_project(tree: Path) -> None:
    (tree / "_CoqProject").write_text(
        "# a comment\n-Q theories My.Own\n-R theories/sub Sub\n-I src\n-arg -w -arg all\n-arg '-set \"A B=1\"'\n"
        "theories/sub/B.v\ntheories/A.v\nsrc/C.v src/plugin.mlg\n"
    )
    found = files_at(tree)
    assert [file.module for file in found] == ["Sub.B", "My.Own.A", "C"]
    assert found[0].arguments == (
        *("-Q", str(tree / "theories"), "My.Own", "-R", str(tree / "theories/sub"), "Sub", "-I", str(tree / "src")),
        *("-w", "all", "-set", "A B=1"),
    )
    (alone,) = files_at(tree / "theories/sub/B.v")
    assert (alone.module, alone.arguments) == ("Sub.B", found[0].arguments)


def test_a_project_that_lists_nothing_has_all_files(tree: Path) -> None:
    (tree / "_RocqProject").write_text("-Q theories My\n")
    (tree / "_CoqProject").write_text("-Q theories Old\n")
    assert [file.module for file in files_at(tree)] == ["C", "My.A", "My.sub.B"]


def test_a_folder_without_a_project(tree: Path) -> None:
    assert [(file.module, file.arguments) for file in files_at(tree / "theories")] == [
        ("A", ("-Q", str(tree / "theories"), "")),
        ("sub.B", ("-Q", str(tree / "theories"), "")),
    ]


def test_a_file_alone(tree: Path) -> None:
    assert [(file.module, file.arguments) for file in files_at(tree / "src/C.v")] == [("C", ())]


@pytest.mark.parametrize("line", ["-Q theories", "-R", "-arg", "-I", "-arg '"])
def test_a_malformed_project(line: str, tree: Path) -> None:
    (tree / "_CoqProject").write_text(f"-Q theories My\n{line}\n")
    with pytest.raises(InputError, match=r"_CoqProject:2: found .*; expected -Q FOLDER NAME"):
        files_at(tree)


def test_a_listed_file_that_is_missing(tree: Path) -> None:
    (tree / "_CoqProject").write_text("gone.v\n")
    with pytest.raises(InputError, match=r"lists .*gone\.v, which isn't there"):
        files_at(tree)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.v", "there is no such file or folder"),
        ("theories/not-a-name.v", "whose name is an identifier"),
        ("empty", "there is no .v file in this folder"),
        ("notes.txt", "expected a .v file"),
    ],
)
def test_what_cant_be_read(name: str, message: str, tree: Path) -> None:
    (tree / "empty").mkdir()
    (tree / "notes.txt").write_text("")
    with pytest.raises(UsageError, match=message):
        files_at(tree / name)
