"""Finding Rocq: the programs, the version, the standard library."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from proofsearch.errors import UsageError
from proofsearch.process.programs import run_command
from proofsearch_rocq.config import RocqConfig

SERVERS = ("coqidetop.opt", "coqidetop")
"""What the program that speaks XML is called, the first that is found."""

REMEDY = "on Debian: apt install coq; elsewhere: opam install rocq-prover rocqide-server; or give --rocq-command"

_TIMEOUT = 120.0
_VERSION = re.compile(r"version\s+(\d+(?:\.\d+)*)")
_RENAMED = 9
"""The major version from which the library is called Stdlib."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A Rocq that was found.

    Attributes:
        server: the command that is talked to: ``("/usr/bin/coqidetop.opt",)`` or ``(".../pet",)``.
        toplevel: the command of ``coqtop``, ``("…/rocq", "repl")`` where there is only that.
        version: for example ``"8.16.1"``.
        library: the folder of the standard library's sources, ``…/theories``; ``None`` where it isn't there.
        root: its logical name: ``"Coq"``, or ``"Stdlib"`` from Rocq 9.0 on.
    """

    server: tuple[str, ...]
    toplevel: tuple[str, ...]
    version: str
    library: Path | None
    root: str


def find_installation(config: RocqConfig) -> Installation:
    """Looks for Rocq where the options say, else on the path.

    Raises:
        UsageError: none was found, or what was found can't be used; the message says what to do.
    """
    server = _server(config)
    toplevel = _toplevel(server)
    said = _ask((*toplevel, "--version"))
    found = _VERSION.search(said)
    if found is None:
        raise UsageError(f"{' '.join(toplevel)} --version said {said[:200]!r}, no version; {REMEDY}")
    root = Path(_ask((*toplevel, "-where")).strip())
    new = int(found[1].split(".")[0]) >= _RENAMED
    candidates = (root / "user-contrib" / "Stdlib", root / "theories") if new else (root / "theories",)
    library = next((folder for folder in candidates if next(folder.glob("*/*.v"), None) is not None), None)
    return Installation((str(server),), toplevel, found[1], library, "Stdlib" if new else "Coq")


def _server(config: RocqConfig) -> Path:
    if config.command is not None:
        named = shutil.which(config.command.expanduser())
        if named is None:
            raise UsageError(f"--rocq-command {config.command}: there is no such program; {REMEDY}")
        return Path(named)
    names = SERVERS if config.transport == "coqidetop" else ("pet",)
    for name in names:
        named = shutil.which(name)
        if named is not None:
            return Path(named)
    raise UsageError(f"no program {' or '.join(map(repr, names))} was found on the path; {REMEDY}")


def _toplevel(server: Path) -> tuple[str, ...]:
    """``coqtop`` beside the server, or on the path; or ``rocq repl``."""
    for folder in (server.parent, server.resolve().parent, None):
        for name, *arguments in (("coqtop",), ("coqtop.opt",), ("rocq", "repl")):
            named = shutil.which(name, path=None if folder is None else str(folder))
            if named is not None:
                return (named, *arguments)
    raise UsageError(f"{server} was found, but neither 'coqtop' nor 'rocq', which check proofs; {REMEDY}")


def _ask(command: tuple[str, ...]) -> str:
    shown = " ".join(command)
    try:
        ended = run_command(command, Path("/"), _TIMEOUT)
    except OSError as error:
        raise UsageError(f"{shown} can't be run: {error}; {REMEDY}") from None
    if ended.stopped:
        raise UsageError(f"{shown} gave no answer within {_TIMEOUT:g} s; {REMEDY}")
    if ended.code:
        raise UsageError(f"{shown} failed: {ended.last_words(300) or f'exit code {ended.code}'}; {REMEDY}")
    return ended.output
