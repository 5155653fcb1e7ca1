"""What the doctor is told: the database that comes along, what is prepared, and the reference program."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_metamath.diagnosis import examine

from proofsearch import Finding


def found() -> dict[str, Finding]:
    return {finding.what: finding for finding in examine()}


def test_a_fresh_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    findings = found()
    assert {what: finding.state for what, finding in findings.items()} == {
        "database": "found",
        "prepared": "absent",
        "second checker": "absent",
    }
    assert findings["database"].message.startswith("set-prefix.mm, ")
    assert "apt install metamath" in findings["second checker"].remedy


def test_one_that_was_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(tmp_path))
    (tmp_path / "metamath" / "set-prefix-1").mkdir(parents=True)
    program = tmp_path / "metamath.sh"
    program.write_text("#!/bin/sh\necho 'Metamath - Version 0.198 7-Aug-2021          Type HELP for help'\n")
    program.chmod(0o755)
    (tmp_path / "bin").mkdir()
    program.rename(tmp_path / "bin" / "metamath")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    findings = found()
    assert findings["prepared"].message == f"1 database in {tmp_path / 'metamath'}"
    assert findings["second checker"].message.startswith("Metamath - Version 0.198 7-Aug-2021 (")


def test_a_database_that_is_missing_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch_metamath.environment.SHIPPED", "gone.mm")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (found()["database"].state, "gone.mm is missing" in found()["database"].message) == ("problem", True)
