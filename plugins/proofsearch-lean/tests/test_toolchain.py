"""Lean is found where the options say, and each way that this fails is one message that says what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from lean_installation import LEAN, Installation
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.toolchain import Toolchain, advice, find_toolchain, missing_packages, number, pinned_toolchain

from proofsearch.errors import UsageError

Program = Callable[[str, str], Path]
"""Makes a program of a name that is a shell script, on the path."""

SAYS = 'echo "Lean (version {}, x86_64-unknown-linux-gnu, commit 0, Release)"'


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, where no Lean is otherwise."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("ELAN_HOME", str(tmp_path / "elan"))
    return folder


@pytest.fixture
def program(path: Path) -> Program:
    def make(name: str, script: str) -> Path:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    return make


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "lakefile.toml").write_text('name = "project"\n')
    return folder


def _refused(**options: object) -> str:
    with pytest.raises(UsageError) as caught:
        find_toolchain(LeanConfig(start_timeout=120, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- where it is -------------------------------------------------------------------------------------------------


def test_the_real_one_by_its_command(lean: Installation) -> None:
    found = find_toolchain(LeanConfig(command=str(lean.lean), start_timeout=600))
    assert found == Toolchain((str(lean.lean),), (str(lean.lean), "--server"), Path("/"), LEAN, "--lean-command")


def test_a_command_has_words(program: Program, tmp_path: Path) -> None:
    lean = program("wrapped lean", f'[ "$1" = -x ] && {SAYS.format("4.26.0")}')
    found = find_toolchain(LeanConfig(command=f"'{lean}' -x"))
    assert found.command == (str(lean), "-x") and found.server == (str(lean), "-x", "--server")


def test_on_the_path(program: Program) -> None:
    lean = program("lean", SAYS.format("4.20.0"))
    found = find_toolchain(LeanConfig())
    assert (found.command, found.version, found.origin) == ((str(lean),), "4.20.0", "on the path")


def test_elans(program: Program) -> None:
    lean = program("../elan/bin/lean", SAYS.format("4.27.0-nightly-2025-12-01"))
    found = find_toolchain(LeanConfig())
    assert Path(found.command[0]).resolve() == lean.resolve()
    assert (found.version, found.origin) == ("4.27.0-nightly-2025-12-01", "elan's")


def test_a_projects(program: Program, project: Path) -> None:
    lake = program("lake", f'[ "$*" = "env lean --version" ] && [ -f lakefile.toml ] && {SAYS.format("4.26.0-rc1")}')
    found = find_toolchain(LeanConfig(project=project))
    assert found.command == (str(lake), "env", "lean") and found.server == (str(lake), "serve", "--")
    assert (found.folder, found.version) == (project, "4.26.0-rc1")


def test_the_stand_in_for_lake_finds_a_projects_modules(
    lean: Installation, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(lean.lake.parent), prepend=os.pathsep)
    found = find_toolchain(LeanConfig(project=project, start_timeout=600))
    assert (found.version, found.origin) == (LEAN, f"lake env in {project}")


# -- what fails --------------------------------------------------------------------------------------------------


def test_none(path: Path) -> None:
    message = _refused()
    assert "no Lean was found" in message and "elan" in message and "--lean-command" in message


def test_no_lake(path: Path, project: Path) -> None:
    assert "no program lake was found" in _refused(project=project)


@pytest.mark.parametrize(
    ("command", "said"),
    [("/no/such/lean", "no program '/no/such/lean'"), ("", "it is empty"), ("'lean", "quote it as for a shell")],
)
def test_a_command_that_is_none(command: str, said: str) -> None:
    message = _refused(command=command)
    assert said in message and "--lean-command" in message


def test_a_program_that_is_no_lean(program: Program) -> None:
    assert "is no Lean: it said 'Python 3.11'" in _refused(command=str(program("other", "echo Python 3.11")))
    assert "failed in /: bad luck" in _refused(command=str(program("other", "echo bad luck >&2; exit 1")))
    assert "exit code 7" in _refused(command=str(program("other", "exit 7")))


def test_a_program_that_gives_no_answer(program: Program) -> None:
    lean = program("lean", "sleep 1000")
    with pytest.raises(UsageError, match=r"no answer in / within 0\.2 s \(--lean-start-timeout\); elan may be"):
        find_toolchain(LeanConfig(command=str(lean), start_timeout=0.2))


@pytest.mark.parametrize("version", ["4.19.0", "4.9.1", "3.51.1"])
def test_too_old(program: Program, version: str) -> None:
    program("lean", SAYS.format(version))
    message = _refused()
    assert f"Lean {version} is too old; 4.20 or newer is needed" in message and "elan default stable" in message


def test_elan_without_a_toolchain(program: Program) -> None:
    program("lean", "echo 'error: no default toolchain configured. run elan default' >&2; exit 1")
    assert "; run `elan default stable`" in _refused()
    program("lean", "echo 'error: could not download toolchain leanprover/lean4:v4.99.0' >&2; exit 1")
    assert "`elan toolchain install` it" in _refused()


def test_folders_that_are_no_project(program: Program, tmp_path: Path, project: Path) -> None:
    program("lake", SAYS.format("4.26.0"))
    assert "there is no such folder" in _refused(project=tmp_path / "nowhere")
    assert "a file, not a folder" in _refused(project=project / "lakefile.toml")
    (project / "Source").mkdir()
    assert f"{project} has one, give that" in _refused(project=project / "Source")
    assert "neither lakefile.toml nor lakefile.lean" in _refused(project=tmp_path)


def test_dependencies_that_were_not_fetched(program: Program, project: Path) -> None:
    """Lake would load them in the midst of a search."""
    program("lake", SAYS.format("4.26.0"))
    packages = [{"name": "mathlib", "type": "git"}, {"name": "batteries", "type": "git"}, {"name": "x", "type": "path"}]
    (project / "lake-manifest.json").write_text(json.dumps({"packages": packages}))
    message = _refused(project=project)
    assert "mathlib, batteries" in message and "lake exe cache get" in message
    for package in ("mathlib", "batteries"):
        (project / ".lake" / "packages" / package).mkdir(parents=True)
    assert missing_packages(project) == []
    assert find_toolchain(LeanConfig(project=project)).version == "4.26.0"


def test_a_manifest_that_cannot_be_read_is_lakes_to_complain_about(project: Path) -> None:
    (project / "lake-manifest.json").write_text("[]")
    assert missing_packages(project) == []


# -- what Lean says of imports -----------------------------------------------------------------------------------


def test_advice(project: Path) -> None:
    alone = Toolchain((), (), Path("/"), LEAN, "")
    inside = Toolchain((), (), project, LEAN, "")
    unknown = "unknown module prefix 'Mathlib'\n\nNo directory 'Mathlib' or file 'Mathlib.olean' in the search path"
    assert "--lean-project" in advice(unknown, alone)
    assert "neither has nor requires" in advice(unknown, inside)
    unbuilt = "object file '/x/.lake/build/lib/lean/A.olean' of module A does not exist"
    assert f"`lake build` in {project}" in advice(unbuilt, inside)
    assert "compiled by another Lean" in advice("failed to read file '/x/A.olean', incompatible header", inside)
    assert advice("type mismatch", inside) == ""


def test_versions_and_pins(project: Path) -> None:
    assert number("4.26.0-rc1") == (4, 26)
    assert pinned_toolchain(project) == ""
    (project / "lean-toolchain").write_text("leanprover/lean4:v4.26.0\n")
    assert pinned_toolchain(project) == "leanprover/lean4:v4.26.0"
