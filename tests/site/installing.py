"""Packages that are installed for one test only, and the installed command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


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


def proofsearch(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the installed command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "proofsearch", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
