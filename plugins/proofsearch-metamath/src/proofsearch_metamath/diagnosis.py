"""What ``proofsearch doctor`` finds out about Metamath."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from proofsearch import Finding
from proofsearch.diagnosis import program
from proofsearch.storage.cache import cache_folder

_REFERENCE = "https://us.metamath.org/index.html#downloads, on Debian: apt install metamath"


def examine() -> Iterator[Finding]:
    """The shipped database, what is prepared, and the reference program, which nothing here needs."""
    from proofsearch_metamath.environment import SHIPPED

    database = Path(str(files("proofsearch_metamath") / "data" / SHIPPED))
    if database.is_file():
        yield Finding("database", "found", f"{SHIPPED}, {database.stat().st_size / 1e6:.1f} MB, comes along")
    else:
        yield Finding("database", "problem", f"{database} is missing", "install proofsearch-metamath again")
    folder = cache_folder() / "metamath"
    prepared = sum(path.is_dir() for path in folder.iterdir()) if folder.is_dir() else 0
    if prepared:
        yield Finding("prepared", "found", f"{prepared} {'database' if prepared == 1 else 'databases'} in {folder}")
    else:
        yield Finding("prepared", "absent", "no database is prepared yet", "the first run that reads one does it")
    yield program(
        "second checker", "metamath", "exit", remedy=f"only to check what was checked once more: {_REFERENCE}"
    )
