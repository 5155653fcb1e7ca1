"""An encoder in front of another: what was encoded before comes from disk."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.models.embedding_cache.store import EmbeddingStore
from proofsearch.process import streams
from proofsearch.protocols import Encoder
from proofsearch.types import ProofState

KEY_BYTES = 16
"""Length of the key of a text."""


def text_key(text: str) -> bytes:
    """BLAKE2b-128 of a text: the bytes of what trajectories call the ``key`` of a state with this text."""
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


def check_rows(rows: NDArray[np.floating[Any]], states: Sequence[ProofState], width: int, fingerprint: str) -> None:
    """Refuses what an encoder must never return in silence: rows that are not finite or all zeros.

    Args:
        rows: what it returned for ``states``.
        states: what it was given.
        width: the columns that it promised.
        fingerprint: what to call it in the message.

    Raises:
        InputError: the shape is not ``(len(states), width)``, or a row is not finite or has norm zero.
    """
    if rows.shape != (len(states), width):
        raise InputError(
            f"encoder {fingerprint}: returned an array of shape {rows.shape} for {len(states)} states, expected "
            f"{(len(states), width)}"
        )
    finite = np.isfinite(rows).all(axis=1)
    bad = ~finite | ~rows.any(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        found = "all zeros" if finite[row] else "not finite"
        raise InputError(
            f"encoder {fingerprint}: {int(bad.sum())} of {len(states)} rows are no vectors; the first, for "
            f"{states[row].text[:200]!r}, is {found}. An encoder that fails must say so: check the encoder, or the "
            f"server behind it"
        )


class CachedEncoder:
    """An :class:`~proofsearch.protocols.Encoder` that asks another one only for texts that it has never met.

    Rows are kept by the encoder's fingerprint and the text of the state, so this is for encoders that read texts: for
    one that reads the goals' trees, equal texts have to mean equal trees. An encode that finds all rows does not touch
    the encoder, and where any row is kept neither does :attr:`width`, so a model can be loaded on first use.

    Threads may share one, and processes one folder. Trouble with the database never stops an encode: a damaged one is
    set aside and begun anew; where nothing can be written, or read, the encoder is asked instead. Both are said.

    Args:
        encoder: the slow one; closed by :meth:`close`. Its calls don't overlap.
        folder: of the database, made on first use; not on a network's file system, since processes share memory by it.
        max_megabytes: what the database holds at most, all encoders together; the least recently used rows go first.
        say: told of trouble, a sentence each; default: a warning on standard error.
    """

    def __init__(
        self, encoder: Encoder, folder: Path, max_megabytes: float, say: Callable[[str], None] = streams.warning
    ) -> None:
        self._encoder = encoder
        self._store = EmbeddingStore(folder, max_megabytes, say)
        self._turn = threading.Lock()
        self._fingerprint: str | None = None
        self._width: int | None = None

    @property
    def width(self) -> int:
        """The number of columns."""
        if self._width is None:
            self._width = self._store.width(self.fingerprint())
        if self._width is None:
            with self._turn:
                self._width = self._encoder.width
        return self._width

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``; equal texts of a batch are encoded once.

        Raises:
            InputError: the encoder returned rows that are not finite, all zeros, or of another width than is kept under
                its fingerprint.
        """
        if not states:
            return np.empty((0, self.width), np.float32)
        keys = [text_key(state.text) for state in states]
        found = self._store.get(self.fingerprint(), list(dict.fromkeys(keys)))
        missing = {key: state for key, state in zip(keys, states, strict=True) if key not in found}
        if missing:
            rows = self._encode(list(missing.values()))
            self._store.put(self.fingerprint(), list(missing), rows)
            found.update(zip(missing, rows, strict=True))
        return np.stack([found[key] for key in keys])

    def fingerprint(self) -> str:
        """That of the encoder."""
        if self._fingerprint is None:
            with self._turn:
                self._fingerprint = self._encoder.fingerprint()
        return self._fingerprint

    def close(self) -> None:
        """Closes the database and the encoder. Idempotent."""
        self.close_cache()
        self._encoder.close()

    def close_cache(self) -> None:
        """Closes the database alone, where the encoder is somebody else's. Idempotent."""
        self._store.close()

    def _encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        with self._turn:
            rows = np.ascontiguousarray(self._encoder.encode(states), np.float32)
            width = self._encoder.width
        check_rows(rows, states, width, self.fingerprint())
        kept = self._store.width(self.fingerprint())
        if kept is not None and kept != width:
            raise InputError(
                f"encoder {self.fingerprint()}: its rows have {width} columns, those kept in {self._store.folder} have "
                f"{kept}; a fingerprint must change with whatever changes the rows. Correct the encoder, and remove "
                f"what is kept with: proofsearch cache clear --fingerprint '{self.fingerprint()}'"
            )
        return rows
