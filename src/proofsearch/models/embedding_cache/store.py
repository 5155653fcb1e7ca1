"""The rows of encoders in one SQLite database, which several processes read and write at once.

Each row has a check sum, because SQLite notices damage to its own structure but not to what is stored in it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.models.embedding_cache import files

_TOUCH_SECONDS = 60
"""By how much the recorded last use of a row may be too early: a row that is read often is not written as often."""
_KEYS_AT_ONCE = 500
"""Keys in one statement; older SQLite takes 999 parameters."""
_EVICTED_SHARE = 0.1
"""Of the rows, deleted at a time when the database is too large."""
_ROW_TYPE = np.dtype("<f4")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredEncoder:
    """What is kept of one encoder.

    Attributes:
        fingerprint: the encoder's.
        rows: how many texts.
        bytes: of their vectors.
        last_use: seconds since 1970, to about a minute; 0 where there is no row.
    """

    fingerprint: str
    rows: int
    bytes: int
    last_use: int


class EmbeddingStore:
    """The rows of encoders by the keys of texts. Threads may share one; processes open one each.

    Args:
        folder: where the file is, made when the first row is kept.
        max_megabytes: what the file holds at most; ``None`` for no bound.
        say: told of trouble, a sentence each.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        max_megabytes: float | None,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self._max_bytes = None if max_megabytes is None else max_megabytes * 1e6
        self._say = say
        self._clock = clock
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._connection: sqlite3.Connection | None = None
        self._reads = True
        self._writes = True
        self._told_of_waiting = False

    def width(self, fingerprint: str) -> int | None:
        """The columns of the rows kept of an encoder; ``None`` where there are none."""
        with self._lock:
            encoder = self._read(lambda connection: _encoder(connection, fingerprint), None)
        return None if encoder is None else encoder[1]

    def get(self, fingerprint: str, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The rows that are kept, by key, shape ``(width,)`` each; damaged ones are not.

        Args:
            fingerprint: of the encoder.
            keys: of texts, all different.
        """

        def read(connection: sqlite3.Connection) -> dict[bytes, NDArray[np.float32]]:
            encoder = _encoder(connection, fingerprint)
            return {} if encoder is None else self._rows(connection, *encoder, keys)

        with self._lock:
            return self._read(read, {})

    def put(self, fingerprint: str, keys: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Keeps rows, and makes room for them.

        Args:
            fingerprint: of the encoder.
            keys: of texts, all different.
            rows: theirs, shape ``(len(keys), width)``, finite and none all zeros.
        """
        width = rows.shape[1]
        vectors = [row.astype(_ROW_TYPE).tobytes() for row in rows]
        now = int(self._clock())

        def write(connection: sqlite3.Connection) -> None:
            with files.transaction(connection):
                connection.execute(
                    "INSERT OR IGNORE INTO encoders (fingerprint, width) VALUES (?, ?)", (fingerprint, width)
                )
                encoder = _encoder(connection, fingerprint)
                if encoder is None or encoder[1] != width:
                    return  # another process is just finding out that the fingerprint is ambiguous
                connection.executemany(
                    "INSERT OR REPLACE INTO vectors (encoder, key, used, checksum, vector) VALUES (?, ?, ?, ?, ?)",
                    (
                        (encoder[0], key, now, _checksum(key, vector), vector)
                        for key, vector in zip(keys, vectors, strict=True)
                    ),
                )
                self._evict(connection)
            if self._max_bytes is not None and files.size(connection) > self._max_bytes:
                files.shrink(connection)

        with self._lock:
            if self._writes:
                self._attempt(write, None, writing=True)

    def stored(self) -> list[StoredEncoder]:
        """What is kept of which encoder, the largest first.

        Raises:
            InputError: the file is damaged or can't be read.
        """

        def read(connection: sqlite3.Connection) -> list[StoredEncoder]:
            found = connection.execute(
                "SELECT fingerprint, COUNT(key), COALESCE(SUM(LENGTH(vector)), 0), COALESCE(MAX(used), 0) "
                "FROM encoders LEFT JOIN vectors ON encoder = id GROUP BY id"
            ).fetchall()
            return sorted(
                (StoredEncoder(*row) for row in found), key=lambda encoder: (-encoder.bytes, encoder.fingerprint)
            )

        with self._lock:
            return self._strictly(read, [])

    def clear(self, fingerprint: str | None = None) -> None:
        """Forgets what is kept of an encoder, or of all, and makes the file smaller. Others may be using it.

        With all go damaged files as well.

        Raises:
            InputError: the file can't be written, or is damaged and only one encoder's part was to go.
        """

        def write(connection: sqlite3.Connection) -> None:
            with files.transaction(connection):
                if fingerprint is None:
                    connection.execute("DELETE FROM vectors")
                    connection.execute("DELETE FROM encoders")
                else:
                    whose = "(SELECT id FROM encoders WHERE fingerprint = ?)"
                    connection.execute(f"DELETE FROM vectors WHERE encoder = {whose}", (fingerprint,))
                    connection.execute("DELETE FROM encoders WHERE fingerprint = ?", (fingerprint,))
            files.shrink(connection)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        with self._lock:
            try:
                self._strictly(write, None)
            except InputError as error:
                if fingerprint is not None or self._path is None or not files.is_damage(error.__cause__):
                    raise
                files.set_aside(self._path)
            for path in [] if fingerprint else files.damaged(self.folder):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file; it is opened again on use. Idempotent."""
        with self._lock:
            self._disconnect()

    # ------------------------------------------------------------------------------------------------- internals

    def _rows(
        self, connection: sqlite3.Connection, encoder: int, width: int, keys: Sequence[bytes]
    ) -> dict[bytes, NDArray[np.float32]]:
        now = int(self._clock())
        found: dict[bytes, NDArray[np.float32]] = {}
        stale: list[bytes] = []
        for begin in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[begin : begin + _KEYS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            for key, used, checksum, vector in connection.execute(
                f"SELECT key, used, checksum, vector FROM vectors WHERE encoder = ? AND key IN ({marks})",
                (encoder, *some),
            ):
                if checksum == _checksum(key, vector) and len(vector) == width * _ROW_TYPE.itemsize:
                    found[key] = np.frombuffer(vector, _ROW_TYPE).astype(np.float32)
                    if used <= now - _TOUCH_SECONDS:
                        stale.append(key)
        if stale and self._writes:

            def touch(connection: sqlite3.Connection) -> None:
                with files.transaction(connection):
                    connection.executemany(
                        "UPDATE vectors SET used = ? WHERE encoder = ? AND key = ?",
                        ((now, encoder, key) for key in stale),
                    )

            self._attempt(touch, None, writing=True)
        return found

    def _evict(self, connection: sqlite3.Connection) -> None:
        """Deletes the least recently used rows until the database is small enough."""
        if self._max_bytes is None or files.size(connection, free=False) <= self._max_bytes:
            return
        (rows,) = connection.execute("SELECT COUNT(*) FROM vectors").fetchone()
        while rows and files.size(connection, free=False) > self._max_bytes:
            some = max(1, int(rows * _EVICTED_SHARE))
            connection.execute(
                "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors ORDER BY used, rowid LIMIT ?)", (some,)
            )
            rows -= some
        connection.execute("DELETE FROM encoders WHERE id NOT IN (SELECT encoder FROM vectors)")

    def _read(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        # Looking must not make a folder.
        if not self._reads or (self._connection is None and not self.folder.exists()):
            return otherwise
        return self._attempt(action, otherwise, writing=False)

    def _attempt(self, action: Callable[[sqlite3.Connection], T], otherwise: T, *, writing: bool) -> T:
        """Does something with the database; after trouble there is no cache, or a new one, but no error."""
        try:
            return action(self._connected())
        except (sqlite3.Error, OSError, files.ForeignTablesError) as error:
            if files.is_damage(error):
                self._disconnect()
                self._set_aside(error)
            elif not files.is_busy(error):
                self._disconnect()
                self._writes = False
                self._reads = self._reads and writing
                self._say(
                    f"{self.folder}: encoded states can't be {'kept' if writing else 'read'} there ({_reason(error)}); "
                    f"the run continues without them; free some space or choose another cache folder"
                )
            elif not self._told_of_waiting:
                self._told_of_waiting = True
                self._say(
                    f"{self.folder}: encoded states: another process kept the database for itself for more than "
                    f"{files.BUSY_SECONDS:g} s; the run continues without it until it is free"
                )
            return otherwise

    def _strictly(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        if files.newest(self.folder) is None:
            return otherwise
        try:
            return action(self._connected())
        except (sqlite3.Error, OSError, files.ForeignTablesError) as error:
            self._disconnect()
            raise InputError(
                f"{self._path}: the encoded states can't be used: {_reason(error)}; they can be computed again, so "
                f"delete them all with: proofsearch cache clear"
            ) from error

    def _set_aside(self, error: Exception) -> None:
        path = self._path
        assert path is not None
        if path != files.newest(self.folder):
            return  # another process was quicker
        try:
            aside = files.set_aside(path)
        except OSError as trouble:
            self._writes = self._reads = False
            self._say(
                f"{path}: the encoded states are damaged ({_reason(error)}) and can't be set aside "
                f"({_reason(trouble)}); the run continues without them"
            )
            return
        self._say(
            f"{path}: the encoded states are damaged ({_reason(error)}) and were set aside as {aside.name}; they are "
            f"computed again"
        )

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path = files.choose(self.folder)
            self._connection = files.connect(self._path)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # After an error even closing can fail, which changes nothing.
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def _encoder(connection: sqlite3.Connection, fingerprint: str) -> tuple[int, int] | None:
    """An encoder's number and width."""
    found: tuple[int, int] | None = connection.execute(
        "SELECT id, width FROM encoders WHERE fingerprint = ?", (fingerprint,)
    ).fetchone()
    return found


def _checksum(key: bytes, vector: bytes) -> int:
    return zlib.crc32(vector, zlib.crc32(key))


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
