"""What the doctor says of a Lean: that it works, by trying it, or what it lacks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lean_installation import LEAN, Installation
from proofsearch_lean.commands import app
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.diagnosis import examine, examine_toolchain
from typer.testing import CliRunner

from proofsearch.errors import DiagnosisError
from proofsearch.types import Finding


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Lean on the path, none of elan's, no project here."""
    monkeypatch.setenv("PATH", f"/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("ELAN_HOME", str(tmp_path / "elan"))
    monkeypatch.chdir(tmp_path)


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def _found(config: LeanConfig | None = None) -> dict[str, Finding]:
    return {finding.what: finding for finding in (examine() if config is None else examine_toolchain(config))}


def test_no_lean_at_all_is_no_problem() -> None:
    """Whoever has this plugin installed needn't prove in Lean."""
    found = _found()
    assert {finding.state for finding in found.values()} == {"absent"}
    assert "no Lean was found" in found["lean"].message


def test_a_lean_that_works_is_tried(lean: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(lean.lean.parent), prepend=os.pathsep)
    found = _found()
    assert found["lean"].message.startswith(f"{LEAN}, on the path")
    assert found["trial"].state == found["check"].state == found["lake"].state == "found"
    assert "axioms audited" in found["check"].message
    assert "project" not in found and found["second checker"].state == "absent"


def test_the_project_of_this_folder(lean: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(lean.lean.parent), prepend=os.pathsep)
    (tmp_path / "lakefile.toml").write_text('name = "x"\n')
    found = _found()
    assert f"lake env in {tmp_path}" in found["lean"].message
    assert found["toolchain"].state == found["project"].state == "absent"
    assert "lake build" in found["project"].remedy
    (tmp_path / "lean-toolchain").write_text("leanprover/lean4:v4.26.0\n")
    built = tmp_path / ".lake" / "build" / "lib" / "lean"
    built.mkdir(parents=True)
    (built / "A.olean").touch()
    found = _found()
    assert found["toolchain"].state == "problem" and f"lake runs {LEAN}" in found["toolchain"].message
    assert "elan toolchain install leanprover/lean4:v4.26.0" in found["toolchain"].remedy
    assert found["project"].state == "found"
    for fits in (f"leanprover/lean4:v{LEAN}", "leanprover/lean4:stable"):
        (tmp_path / "lean-toolchain").write_text(fits)
        assert _found()["toolchain"].state == "found"


def test_a_lean_that_is_named_and_bad_is_a_problem(tmp_path: Path) -> None:
    found = _found(LeanConfig(command=str(_program(tmp_path / "lean", "echo 'Lean (version 4.9.0, x, Release)'"))))
    assert found["lean"].state == "problem" and "too old" in found["lean"].message
    assert "trial" not in found


def test_a_lean_that_only_knows_its_version(tmp_path: Path) -> None:
    """An old but tolerable one, whose server and checks don't work."""
    script = 'case "$*" in *--version) echo "Lean (version 4.20.1, x, Release)";; *) echo broken >&2; exit 1;; esac'
    found = _found(LeanConfig(command=str(_program(tmp_path / "lean", script))))
    assert found["lean"].state == "found" and "4.26 or newer is recommended" in found["lean"].message
    assert found["trial"].state == found["check"].state == "problem"
    assert "the server" in found["trial"].message and "broken" in found["check"].message


def test_elan_and_its_toolchains(tmp_path: Path) -> None:
    elan = _program(tmp_path / "elan" / "bin" / "elan", 'echo "leanprover/lean4:v4.26.0 (default)"')
    found = _found()
    assert found["elan"] == Finding("elan", "found", f"{elan}; toolchains: leanprover/lean4:v4.26.0 (default)")


def test_a_second_checker_that_is_asked_for(lean: Installation, tmp_path: Path) -> None:
    command = str(lean.lean)
    found = _found(LeanConfig(command=command, checker="safeverify"))
    assert found["second checker"].state == "problem" and "no program safe_verify" in found["second checker"].message
    program = str(_program(tmp_path / "verifier", "exit 1"))
    found = _found(LeanConfig(command=command, checker="safeverify", checker_command=program))
    assert found["second checker"].state == "found"


def test_the_command_says_the_same_of_a_lean_that_is_named(lean: Installation, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--lean-command", str(lean.lean)])
    assert done.exit_code == 0
    assert "✓ trial: the language server tried a step" in done.output and f"✓ check: Lean {LEAN}" in done.output
    done = CliRunner().invoke(app, ["doctor", "--lean-project", str(tmp_path / "nowhere")])
    assert isinstance(done.exception, DiagnosisError) and "1 problem was found" in str(done.exception)
    assert "✗ lean: --lean-project" in done.output
