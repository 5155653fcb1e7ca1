"""Finding Rocq: the programs, the version, the standard library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proofsearch_rocq.config import RocqConfig


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
    raise NotImplementedError
