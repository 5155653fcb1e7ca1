"""What the doctor is told: programs that are there, missing, or broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_rocq.diagnosis import examine

from proofsearch import Finding


def found() -> dict[str, Finding]:
    return {finding.what: finding for finding in examine()}


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the path but the system's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def put_rocq(folder: Path, begins: str) -> None:
    put(folder, "coqidetop", "exit 0")
    library = folder / "lib" / "theories" / "Bool"
    library.mkdir(parents=True)
    (library / "Bool.v").write_text("")
    put(
        folder,
        "coqtop",
        f'case "$1" in --version) echo "The Coq Proof Assistant, version 8.20.1";; -where) echo {folder}/lib;; '
        f"*) {begins};; esac",
    )


def test_the_real_one(server: tuple[str, ...]) -> None:
    findings = found()
    assert {findings[what].state for what in ("prover", "checker")} == {"found"}
    assert findings["prover"].message.startswith("Rocq ")


@pytest.mark.usefixtures("bin_folder")
def test_none() -> None:
    findings = found()
    assert {what: finding.state for what, finding in findings.items()} == {"prover": "absent", "petanque": "absent"}
    assert "apt install coq" in findings["prover"].remedy


def test_all_is_there(bin_folder: Path) -> None:
    put_rocq(bin_folder, "exit 0")
    put(bin_folder, "pet", "exit 0")
    findings = found()
    assert {what: finding.state for what, finding in findings.items()} == dict.fromkeys(
        ("prover", "checker", "standard library", "petanque"), "found"
    )
    assert findings["prover"].message == f"Rocq 8.20.1 ({bin_folder / 'coqidetop'})"
    assert findings["standard library"].message == f"{bin_folder}/lib/theories, 1 sources"


def test_one_that_doesnt_begin(bin_folder: Path) -> None:
    put_rocq(bin_folder, 'echo "Error: cannot find Coq.Init.Prelude" >&2; exit 1')
    checker = found()["checker"]
    assert (checker.state, "cannot find Coq.Init.Prelude" in checker.message) == ("problem", True)


def test_one_without_a_library(bin_folder: Path) -> None:
    put_rocq(bin_folder, "exit 0")
    (bin_folder / "lib" / "theories" / "Bool" / "Bool.v").unlink()
    assert found()["standard library"].state == "absent"


def test_a_server_without_a_checker(bin_folder: Path) -> None:
    put(bin_folder, "coqidetop", "exit 0")
    prover = found()["prover"]
    assert (prover.state, "which check proofs" in prover.message) == ("problem", True)
