"""The files of the database: which one counts, how one is begun, and how a damaged one is set aside.

Files are numbered, ``embeddings-v<version>-<n>.sqlite``, and the one with the greatest number counts. A damaged file is
set aside by beginning the next: under its own name it could not be replaced safely, since a process that still has it
open would delete the new file's write-ahead log when it closes.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

VERSION = 1
"""Of the tables. Files of other versions are left alone."""

BUSY_SECONDS = 10.0
"""How long to wait for another process that writes."""

_STEM = f"embeddings-v{VERSION}-"
_LOG_BYTES = 1 << 24
"""To which the write-ahead log is cut after a large write."""
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_TABLES = """
CREATE TABLE encoders (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, width INTEGER NOT NULL);
CREATE TABLE vectors (
    encoder INTEGER NOT NULL, key BLOB NOT NULL, used INTEGER NOT NULL, checksum INTEGER NOT NULL, vector BLOB NOT NULL,
    UNIQUE (encoder, key)
);
CREATE INDEX vectors_by_use ON vectors (used);
"""


class ForeignTablesError(Exception):
    """The file has our name but not our tables."""


def newest(folder: Path) -> Path | None:
    """The file that counts; ``None`` where there is none."""
    files = [path for path in folder.glob(f"{_STEM}*.sqlite") if path.stem.removeprefix(_STEM).isdecimal()]
    return max(files, key=_number, default=None)


def choose(folder: Path) -> Path:
    """The file that counts, or the first; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return newest(folder) or _path(folder, 0)


def connect(path: Path) -> sqlite3.Connection:
    """Opens a file, and makes its tables if it is new; several processes may do so at once.

    Raises:
        sqlite3.Error: it is damaged, or can't be opened.
        ForeignTablesError: it holds something else.
    """
    # Threads take turns: the store's lock sees to that.
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}").fetchone()
        if _version(connection) == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only takes hold while the file is empty
            _use_log(connection)
            with transaction(connection):
                if _version(connection) == 0:
                    for statement in _TABLES.strip().split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
        if _version(connection) != VERSION:
            raise ForeignTablesError(f"its tables are of version {_version(connection)}, expected {VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def is_damage(error: BaseException | None) -> bool:
    """Whether an error says that the file is to be set aside."""
    return isinstance(error, ForeignTablesError) or primary_code(error) in _DAMAGE


def is_busy(error: Exception) -> bool:
    """Whether an error says that another process kept the file for itself."""
    return primary_code(error) == sqlite3.SQLITE_BUSY


def primary_code(error: BaseException | None) -> int | None:
    """SQLite's code without the details that it adds in the higher bits; ``None`` where the error has none."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def damaged(folder: Path) -> list[Path]:
    """The files that were set aside."""
    return list(folder.glob("*.damaged"))


def set_aside(path: Path) -> Path:
    """Begins the next file after a damaged one. Harmless where another process does it at the same time.

    Returns:
        Where the damaged one is now; what was set aside before is deleted.

    Raises:
        OSError: nothing can be written there.
    """
    _path(path.parent, _number(path) + 1).touch()
    aside = path.with_name(path.name + ".damaged")
    for earlier in damaged(path.parent):
        earlier.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that writes, and so waits for others that do."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Some errors have rolled it back already.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def size(connection: sqlite3.Connection, *, free: bool = True) -> int:
    """Bytes of the database, with those of pages that are free."""
    pages, unused, page = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages if free else pages - unused) * page


def shrink(connection: sqlite3.Connection) -> None:
    """Gives free pages back to the file system. Not within a transaction."""
    # Of a statement without columns, execute() would do a single step, which is one page.
    connection.executescript("PRAGMA incremental_vacuum")


def _path(folder: Path, number: int) -> Path:
    return folder / f"{_STEM}{number}.sqlite"


def _number(path: Path) -> int:
    return int(path.stem.removeprefix(_STEM))


def _use_log(connection: sqlite3.Connection) -> None:
    """Switches to a write-ahead log, in which readers don't wait for writers. The file remembers it."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            # SQLite itself doesn't wait here for others that do the same.
            if not is_busy(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
