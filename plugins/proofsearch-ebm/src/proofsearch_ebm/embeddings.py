"""Encoder rows on disk, for encoders that are slow: computed once, whoever needs them.

A cache folder has one folder for each encoder fingerprint, so that what another encoder made is never looked at. In
it are shards, ``<random>.npz``, each with the keys of some parts and their rows. A shard is an uncompressed zip file
of ``.npy`` arrays: every read is checked against its CRC, and what is damaged is forgotten and computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import uuid
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch import storage
from proofsearch.errors import StorageError

KEY_BYTES = 16
"""Length of a part's key: BLAKE2b-128 of its text."""

_SHARDS_KEPT = 8
"""Shards whose rows are kept in memory."""
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
"""What reading a damaged or deleted shard can raise; no pickle is ever loaded."""


def part_key(text: str) -> bytes:
    """The key of a part: the bytes of what trajectories call the ``key`` of a state with this text."""
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


class EmbeddingCache:
    """The rows of one encoder, by the keys of parts. Many processes may use one folder at a time."""

    def __init__(self, root: Path, fingerprint: str, width: int) -> None:
        """Keeps its configuration; the folder is read on first use and made on the first write.

        Args:
            root: of the caches of all encoders.
            fingerprint: of the encoder and the kind of parts.
            width: columns of a row.
        """
        digest = hashlib.blake2b(fingerprint.encode(), digest_size=16).hexdigest()
        self.folder = root / digest
        self._fingerprint = fingerprint
        self._width = width
        self._place: dict[bytes, tuple[Path, int]] | None = None
        self._open: OrderedDict[Path, NDArray[np.float32]] = OrderedDict()

    def get(self, keys: Sequence[bytes]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Looks rows up.

        Returns:
            The rows, shape ``(len(keys), width)``, and whether each was found, shape ``(len(keys),)``; the others
            are zeros.
        """
        rows = np.zeros((len(keys), self._width), np.float32)
        found = np.zeros(len(keys), np.bool_)
        wanted: dict[Path, list[tuple[int, int]]] = {}
        places = self._places()
        for number, key in enumerate(keys):
            place = places.get(key)
            if place is not None:
                wanted.setdefault(place[0], []).append((number, place[1]))
        for path, pairs in wanted.items():
            stored = self._stored(path)
            if stored is None:
                continue
            numbers, at = np.array(pairs, np.int64).T
            rows[numbers] = stored[at]
            found[numbers] = True
        return rows, found

    def put(self, keys: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Adds rows as a new shard, durably.

        Args:
            keys: of parts that are not in it yet.
            rows: theirs, shape ``(len(keys), width)``, checked by :func:`proofsearch_ebm.parts.check_rows`.

        Raises:
            StorageError: the shard could not be written; nothing is half written.
        """
        if not keys:
            return
        sink = io.BytesIO()
        np.savez(
            sink,
            keys=np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY_BYTES),
            rows=np.ascontiguousarray(rows, np.float32),
            fingerprint=np.frombuffer(self._fingerprint.encode(), np.uint8),
        )
        path = self.folder / f"{uuid.uuid4().hex}.npz"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            storage.write_whole(path, sink.getvalue())
        except OSError as error:
            raise StorageError(
                f"{path}: encoded states could not be cached: {error.strerror or error}; free some space, or switch "
                f"the cache off"
            ) from error
        places = self._places()
        places.update({key: (path, row) for row, key in enumerate(keys)})

    def _places(self) -> dict[bytes, tuple[Path, int]]:
        if self._place is None:
            self._place = {}
            for path in sorted(self.folder.glob("*.npz")):
                try:
                    fingerprint, keys = _arrays(path, "fingerprint", "keys")
                except _DAMAGE:
                    _forget(path)
                    continue
                # A shard that somebody copied here from another encoder's folder is left alone, unread.
                ours = fingerprint.tobytes() == self._fingerprint.encode()
                if ours and keys.dtype == np.uint8 and keys.shape[1:] == (KEY_BYTES,):
                    self._place.update({key.tobytes(): (path, row) for row, key in enumerate(keys)})
        return self._place

    def _stored(self, path: Path) -> NDArray[np.float32] | None:
        """The rows of a shard; ``None``, and the shard forgotten, where it is damaged or gone."""
        stored = self._open.get(path)
        if stored is None:
            stored = self._read(path)
            if stored is None:
                _forget(path)
                self._place = {key: place for key, place in self._places().items() if place[0] != path}
                return None
            self._open[path] = stored
            if len(self._open) > _SHARDS_KEPT:
                self._open.popitem(last=False)
        self._open.move_to_end(path)
        return stored

    def _read(self, path: Path) -> NDArray[np.float32] | None:
        try:
            rows, keys = _arrays(path, "rows", "keys")
        except _DAMAGE:
            return None
        whole = rows.dtype == np.float32 and rows.shape == (len(keys), self._width)
        # The writer checked its rows, so one that is no vector is damage too.
        return rows if whole and np.isfinite(rows).all() and rows.any(axis=1).all() else None


def _arrays(path: Path, *names: str) -> list[NDArray[Any]]:
    # numpy forgets to close a file that it opened itself and finds damaged.
    with path.open("rb") as stream:
        shard = np.load(stream, allow_pickle=False)
        if isinstance(shard, np.ndarray):
            raise ValueError("no zip file")
        with shard:
            return [shard[name] for name in names]


def _forget(path: Path) -> None:
    # A read-only cache keeps its damaged shards; they are refused again the next time.
    with contextlib.suppress(OSError):
        path.unlink()
