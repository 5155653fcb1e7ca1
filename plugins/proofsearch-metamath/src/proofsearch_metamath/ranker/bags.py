"""Ragged arrays, and bags of features in them: what the towers' first layer sums up."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Bag = tuple[Ints, Floats]
"""Rows of the table, and their weights."""


def entries(offsets: Ints, rows: Ints) -> Ints:
    """Where in a ragged array the entries of some of its rows stand, row by row.

    Args:
        offsets: of the ragged array, shape ``(n + 1,)``.
        rows: which ones; a row may be asked for twice.
    """
    begins = offsets[rows]
    lengths = offsets[rows + 1] - begins
    before = np.cumsum(lengths) - lengths
    return np.repeat(begins - before, lengths) + np.arange(int(lengths.sum()))


@dataclass(frozen=True, slots=True)
class Bags:
    """Bags of features.

    Attributes:
        offsets: shape ``(bags + 1,)``: bag i is ``rows[offsets[i]:offsets[i + 1]]``.
        rows: of the table.
        weights: of each, same shape.
    """

    offsets: Ints
    rows: NDArray[np.int32]
    weights: Floats

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, numbers: Ints) -> Bags:
        """Some of the bags, in the order asked for."""
        at = entries(self.offsets, numbers)
        lengths = self.offsets[numbers + 1] - self.offsets[numbers]
        return Bags(offsets_of(lengths), self.rows[at], self.weights[at])


def offsets_of(lengths: Ints) -> Ints:
    """The offsets of a ragged array with rows of these lengths."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


class BagWriter:
    """Collects bags one by one, in little memory."""

    def __init__(self) -> None:
        self._lengths = array("q")
        self._rows = array("i")
        self._weights = array("f")

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, bag: Bag) -> int:
        """Adds a bag and returns its number."""
        rows, weights = bag
        self._rows.frombytes(rows.astype(np.int32).tobytes())
        self._weights.frombytes(weights.astype(np.float32).tobytes())
        self._lengths.append(len(rows))
        return len(self._lengths) - 1

    def bags(self) -> Bags:
        """What was collected."""
        return Bags(
            offsets_of(np.array(self._lengths, np.int64)),
            np.array(self._rows, np.int32),
            np.array(self._weights, np.float32),
        )


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of numbers of different lengths.

    Attributes:
        offsets: shape ``(rows + 1,)``.
        values: row by row.
    """

    offsets: Ints
    values: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Ints) -> Ints:
        """The values of some of the rows, one row after the other."""
        return self.values[entries(self.offsets, rows)].astype(np.int64)

    def head(self, count: int) -> Ragged:
        """The first rows."""
        return Ragged(self.offsets[: count + 1], self.values[: self.offsets[count]])


class RaggedWriter:
    """Collects the rows of a :class:`Ragged`."""

    def __init__(self) -> None:
        self._lengths = array("q")
        self._values = array("i")

    def add(self, values: Iterable[int]) -> None:
        """Adds a row."""
        before = len(self._values)
        self._values.extend(values)
        self._lengths.append(len(self._values) - before)

    def ragged(self) -> Ragged:
        """What was collected."""
        return Ragged(offsets_of(np.array(self._lengths, np.int64)), np.array(self._values, np.int32))
