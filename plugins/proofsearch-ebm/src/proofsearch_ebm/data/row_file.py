"""Rows that don't fit into memory: in a file, from which those that are asked for are read.

The file is read and not mapped. Mapped pages count as the process's own memory, by which batch systems stop it, and it
would have as many of them as it ever touched; what is read here the operating system keeps as long as it has room.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import StorageError


class Rows(Protocol):
    """Rows by their numbers, in memory (an array) or elsewhere."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, numbers: NDArray[np.int64], /) -> NDArray[np.floating[Any]]:
        """A copy of some of them, shape ``(len(numbers), width)``, in the order asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(len(self), width)``."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of their numbers."""


class RowFile:
    """Rows in a file without a name, which is gone when it is closed or the process ends, however that comes about.

    Args:
        folder: on the disk that has room for it; made if it isn't there.
        width: columns of a row.
        dtype: the type of its numbers.

    Raises:
        StorageError: no file can be made there.
    """

    def __init__(self, folder: Path, width: int, dtype: np.dtype[Any]) -> None:
        self._folder = folder
        self._width = width
        self._dtype = dtype
        self._written = 0
        self._numbers: NDArray[np.int64] | None = None
        with self._explained():
            folder.mkdir(parents=True, exist_ok=True)
            # Unbuffered: rows are written by the thousand, and what is read is read into its place.
            self._file = tempfile.TemporaryFile(dir=folder, prefix="rows-", buffering=0)  # noqa: SIM115

    def __len__(self) -> int:
        return self._written if self._numbers is None else len(self._numbers)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), self._width

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self._dtype

    def append(self, rows: NDArray[np.floating[Any]]) -> None:
        """Writes rows behind those that are there.

        Raises:
            StorageError: they can't be written.
        """
        if not rows.size:
            return
        content = np.ascontiguousarray(rows, self._dtype).data.cast("B")
        with self._explained():
            self._file.seek(self._written * self._width * self._dtype.itemsize)
            while content:
                content = content[self._file.write(content) :]
        self._written += len(rows)

    def keep(self, numbers: NDArray[np.int64]) -> None:
        """Numbers the rows anew, by their numbers so far: those that are left out can't be asked for any more."""
        self._numbers = numbers

    def __getitem__(self, numbers: NDArray[np.int64], /) -> NDArray[np.floating[Any]]:
        """A copy of some rows, shape ``(len(numbers), width)``; quickest where they stand beside each other.

        Raises:
            StorageError: they can't be read.
        """
        places = numbers if self._numbers is None else self._numbers[numbers]
        rows: NDArray[np.floating[Any]] = np.empty((len(places), self._width), self._dtype)
        if not rows.size:
            return rows
        bounds = [0, *(np.flatnonzero(np.diff(places) != 1) + 1).tolist(), len(places)]
        with self._explained():
            for begin, end in itertools.pairwise(bounds):
                self._file.seek(int(places[begin]) * self._width * self._dtype.itemsize)
                self._read(rows[begin:end].data.cast("B"))
        return rows

    def close(self) -> None:
        """Removes the file. Idempotent."""
        self._file.close()

    def _read(self, space: memoryview) -> None:
        while space:
            count = self._file.readinto(space)
            if not count:
                raise OSError("the file is shorter than what was written")
            space = space[count:]

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"{self._folder}: encoded states that don't fit into memory can't be kept there: "
                f"{error.strerror or error}; make room, halve them (--ebm-row-type float16), or keep more of them in "
                f"memory (--ebm-memory-megabytes); then resume with --resume"
            ) from error
