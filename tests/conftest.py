"""What the core's tests share: packages that are installed for one test only, and the command line in a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

MODULES = Path(__file__).parent / "site"
"""Importable modules for tests: a prover, and workers for executors."""

# Worker processes get this process's path, so what tests hand to them can be imported there.
sys.path.insert(0, str(MODULES))


class Site:
    """A folder that packages are installed into as pip leaves them: modules and ``.dist-info``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self, distribution: str, entry_points: Mapping[str, str], modules: Mapping[str, str] | None = None
    ) -> None:
        """Installs a package, version 1.0, with entry points in the group ``proofsearch`` and modules by name."""
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {target}\n" for name, target in entry_points.items())
        (info / "entry_points.txt").write_text(f"[proofsearch]\n{lines}")
        for name, source in (modules or {}).items():
            (self.folder / f"{name}.py").write_text(source)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """An empty folder for packages, on this process's path and on that of processes it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = [path for path in [os.environ.get("PYTHONPATH")] if path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(MODULES), *before]))
    return Site(folder)


@pytest.fixture
def fake_prover(site: Site) -> Site:
    """The test prover installed as a plugin: environment and generator ``fake``, scorer ``small``."""
    site.install("fake-prover", {"fake": "fakeprover"})
    return site


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own for every test, so that none depends on what another or the user left."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(folder))
    yield folder


def proofsearch(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the installed command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "proofsearch", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
