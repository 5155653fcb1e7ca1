"""Files behind those that they require, and the installed library as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation, find_installation
from proofsearch_rocq.lemmas import SourceFile
from proofsearch_rocq.sources import read_lemmas
from proofsearch_rocq.sources.order import in_order, required

from proofsearch.errors import UsageError


def source(folder: Path, module: str, text: str, *arguments: str) -> SourceFile:
    path = folder / f"{module}.v"
    path.write_text(text)
    return SourceFile(path, module, arguments)


def test_what_is_required(tmp_path: Path) -> None:
    text = """Require A. Require Import B.C D. From X.Y Require Export (* Z *) E F.
From P Require Import -(notations) G. Import H. Require
  I. (* Require J. *) Lemma x : K. Requires L."""
    assert list(required(source(tmp_path, "M", text))) == [
        *(("", "A"), ("", "B.C"), ("", "D"), ("X.Y", "E"), ("X.Y", "F"), ("P", "G"), ("", "I")),
    ]


def test_files_come_behind_those_that_they_require(tmp_path: Path) -> None:
    files = [
        source(tmp_path, "My.A", "From My Require Import sub.C."),
        source(tmp_path, "My.B", "Require Import Other.D."),
        source(tmp_path, "My.sub.C", "Require Import B. Require Import List."),
        source(tmp_path, "Other.D", "From My Require Import D."),
        source(tmp_path, "Other.E", ""),
    ]
    assert [file.module for file in in_order(files)] == ["Other.D", "My.B", "My.sub.C", "My.A", "Other.E"]
    assert [file.module for file in in_order(files[::-1])] == ["Other.E", "Other.D", "My.B", "My.sub.C", "My.A"]


def test_a_circle_ends(tmp_path: Path) -> None:
    files = [
        source(tmp_path, "A", "Require B."),
        source(tmp_path, "B", "Require C."),
        source(tmp_path, "C", "Require A."),
    ]
    assert sorted(file.module for file in in_order(files)) == ["A", "B", "C"]


def test_the_prelude_comes_first(tmp_path: Path) -> None:
    files = [
        source(tmp_path, "Coq.Bool.Bool", ""),
        source(tmp_path, "Coq.Init.Logic", "", "-noinit"),
        source(tmp_path, "Coq.Init.Prelude", "Require Export Logic.", "-noinit"),
    ]
    assert [file.module for file in in_order(files)] == ["Coq.Init.Logic", "Coq.Init.Prelude", "Coq.Bool.Bool"]


def test_a_long_chain(tmp_path: Path) -> None:
    files = [source(tmp_path, f"A{number}", f"Require A{number + 1}.") for number in range(3000)]
    assert [file.module for file in in_order(files)][:2] == ["A2999", "A2998"]


def test_the_standard_library(server: tuple[str, ...]) -> None:
    installation = find_installation(RocqConfig())
    if installation.library is None:
        pytest.skip("the sources of the standard library aren't installed; apt-get install coq")
    lemmas = read_lemmas(RocqConfig(), installation)
    places = {name: place for place, name in enumerate(dict.fromkeys(lemma.file.module for lemma in lemmas))}
    assert len(lemmas) > 9_000
    assert len({lemma.name for lemma in lemmas}) == len(lemmas)
    root = installation.root
    order = ("Bool.Bool", "Arith.PeanoNat", "ZArith.Znat", "QArith.QArith_base", "Reals.RIneq")
    assert sorted(order, key=lambda name: places[f"{root}.{name}"]) == list(order)
    shares = [sum(lemma.split == split for lemma in lemmas) / len(lemmas) for split in ("test", "validation")]
    assert all(0.03 < share < 0.25 for share in shares)
    known = next(lemma for lemma in lemmas if lemma.name == f"{root}.Bool.Bool.orb_prop")
    assert known.statement.startswith("Lemma orb_prop :")


def test_no_library() -> None:
    with pytest.raises(UsageError, match=r"standard library aren't installed; name a file or folder with --rocq-file"):
        read_lemmas(RocqConfig(), Installation(("x",), ("y",), "8.16.1", None, "Coq"))


def test_a_file_without_lemmas(tmp_path: Path) -> None:
    source(tmp_path, "Empty", "Definition x := 1.")
    with pytest.raises(UsageError, match=r"Empty\.v states no lemma"):
        read_lemmas(RocqConfig(file=tmp_path / "Empty.v"), Installation(("x",), ("y",), "8.16.1", None, "Coq"))
