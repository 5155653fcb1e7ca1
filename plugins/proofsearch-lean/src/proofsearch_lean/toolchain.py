"""Finding Lean: the program, the version, how a server and a fresh check are started."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from proofsearch.errors import UsageError
from proofsearch_lean.config import LeanConfig


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A Lean that was found.

    Attributes:
        command: what starts ``lean`` with its arguments after it: ``("lake", "env", "lean")`` or the program alone.
        server: what starts the language server: ``("lake", "serve", "--")`` or ``(lean, "--server")``; options follow.
        folder: where both are started: the project's folder, else one that holds nothing of Lean's.
        version: as Lean says it, for example ``"4.35.0"``.
        origin: how it was found, for people: ``"lake env in DIR"``, ``"on the path"``, ``"--lean-command"``.
    """

    command: tuple[str, ...]
    server: tuple[str, ...]
    folder: Path
    version: str
    origin: str


def find_toolchain(config: LeanConfig) -> Toolchain:
    """Looks for Lean where the options say.

    Raises:
        UsageError: none was found, or what was found can't be used; the message says what to do.
    """
    command = shlex.split(config.command) if config.command else [shutil.which("lean") or ""]
    if not command[0]:
        raise UsageError("no Lean was found; give --lean-command or --lean-project")
    return Toolchain(
        tuple(command), (*command, "--server"), (config.project or Path.cwd()).resolve(), "", "--lean-command"
    )
