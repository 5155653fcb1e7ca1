"""Writes the index of :mod:`proofsearch.builtins.knn.index` from a stream of examples."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.builtins.encoders.features import FeatureRows
from proofsearch.builtins.knn.index import ARRAYS, INDEX_VERSION, MANIFEST
from proofsearch.errors import PluginError

ALWAYS_KEPT = 1000
"""Features of no more examples than this are kept, however few examples there are."""
_CHUNK_ENTRIES = 4_000_000
"""Feature entries inverted at a time: bounds the memory of a build."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


class IndexWriter:
    """Collects examples and writes an index.

    Args:
        theorems: the names of the theorems that examples will come from, in the library's order.
        positions: their positions, increasing.
        max_frequency: features of more than this share of the examples are left out: they tell little and cost most.
    """

    def __init__(self, theorems: Sequence[str], positions: Sequence[int], max_frequency: float) -> None:
        self._theorems = list(theorems)
        self._positions = list(positions)
        self._max_frequency = max_frequency
        self._tactics: dict[str, int] = {}
        self._example: dict[int, int] = {}
        self._tactic_of: list[int] = []
        self._first: list[int] = []
        self._pairs: list[NDArray[np.int64]] = []
        self._uses: list[NDArray[np.int64]] = []
        self._ids: list[NDArray[np.uint32]] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._texts: list[bytes] = []
        self._last = 0

    @property
    def tactics(self) -> Set[str]:
        """The tactics of the examples so far."""
        return self._tactics.keys()

    def add(
        self,
        features: FeatureRows,
        tactics: Sequence[str],
        theorems: Sequence[int],
        texts: Sequence[str] | None = None,
    ) -> None:
        """Adds examples: row by row the goal's features, the tactic, and the theorem's index (never falling).

        ``texts`` are the goals themselves, for an index that is to keep them: always, or never.

        Raises:
            PluginError: theorems come out of order.
        """
        if not len(features):
            return
        theorem = np.array(theorems, np.int64)
        if theorem[0] < self._last or (np.diff(theorem) < 0).any():
            raise PluginError(
                "the environment's demonstrations() leaves the order of the theorems it was given; it must keep to it"
            )
        self._last = int(theorem[-1])
        numbers = [self._tactics.setdefault(tactic, len(self._tactics)) for tactic in tactics]
        words = features.ids.astype(np.uint64) * _MIX
        words = (words ^ (words >> np.uint64(32))) * _MIX
        sets = np.add.reduceat(words, features.offsets[:-1])
        keys = (sets ^ (sets >> np.uint64(29))) * _MIX + np.array(numbers, np.uint64)
        new, example_of = [], np.empty(len(keys), np.int64)
        for row, key in enumerate(keys.tolist()):
            number = self._example.get(key)
            if number is None:
                number = self._example[key] = len(self._tactic_of)
                self._tactic_of.append(numbers[row])
                self._first.append(theorems[row])
                new.append(row)
                if texts is not None:
                    self._texts.append(texts[row].encode("utf-8", "replace"))
            example_of[row] = number
        self._pairs.append(example_of * len(self._theorems) + theorem)
        self._uses.append(np.array(numbers, np.int64) * len(self._theorems) + theorem)
        kept = np.zeros(len(keys), np.bool_)
        kept[new] = True
        lengths = np.diff(features.offsets)
        self._ids.append(features.ids[np.repeat(kept, lengths)])
        self._lengths.append(lengths[kept])

    def write(self, folder: Path) -> None:
        """Writes the files; the manifest last."""
        size = len(self._tactic_of)
        features, frequencies = self._vocabulary()
        idf = np.log1p(size / np.maximum(frequencies, 1)).astype(np.float32)
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(frequencies)))
        postings, squares = self._invert(features, offsets, idf)
        arrays: dict[str, NDArray[Any]] = {
            "features": features,
            "offsets": offsets,
            "postings": postings,
            "idf": idf,
            "inverse_norms": 1.0 / np.sqrt(np.maximum(squares, 1e-12)),
            "tactic_of": np.array(self._tactic_of, np.int32),
            "first": np.array(self._first, np.int32),
            "occurrences": np.sort(_joined(self._pairs)),
            "uses": np.sort(_joined(self._uses)),
            "texts": np.frombuffer(b"".join(self._texts), np.uint8),
            "text_ends": np.cumsum(np.array(list(map(len, self._texts)), np.int64)),
        }
        checksums = {}
        for name, kind in ARRAYS.items():
            array = np.ascontiguousarray(arrays[name], kind)
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
            checksums[name] = zlib.crc32(array.data if array.size else b"")
        manifest = {
            "version": INDEX_VERSION,
            "crc32": checksums,
            "tactics": list(self._tactics),
            "theorems": self._theorems,
            "positions": self._positions,
        }
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")

    def _vocabulary(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The features that are kept, increasing, and in how many examples each occurs."""
        if not self._ids:
            return np.zeros(0, np.uint32), np.zeros(0, np.int64)
        features, frequencies = np.unique(np.concatenate(self._ids), return_counts=True)
        kept = frequencies <= max(self._max_frequency * len(self._tactic_of), ALWAYS_KEPT)
        return features[kept], frequencies[kept].astype(np.int64)

    def _invert(
        self, features: NDArray[np.uint32], offsets: NDArray[np.int64], idf: NDArray[np.float32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Posting lists, each increasing, and the squared norm of every example."""
        postings = np.empty(int(offsets[-1]), np.int32)
        squares = np.zeros(len(self._tactic_of))
        filled = offsets[:-1].copy()
        start = 0
        for ids, lengths in _grouped(zip(self._ids, self._lengths, strict=True)):
            example = start + np.repeat(np.arange(len(lengths)), lengths)
            start += len(lengths)
            if not len(features):
                continue
            place = np.minimum(np.searchsorted(features, ids), len(features) - 1)
            known = features[place] == ids
            place, example = place[known], example[known]
            squares += np.bincount(example, idf[place].astype(np.float64) ** 2, minlength=len(squares))
            order = np.argsort(place, kind="stable")
            place, example = place[order], example[order]
            begins = np.flatnonzero(np.diff(place, prepend=-1))
            counts = np.diff(begins, append=len(place))
            rank = np.arange(len(place)) - np.repeat(begins, counts)
            postings[filled[place] + rank] = example
            filled[place[begins]] += counts
        return postings, squares


def _grouped(
    chunks: Iterable[tuple[NDArray[np.uint32], NDArray[np.int64]]],
) -> Iterable[tuple[NDArray[np.uint32], NDArray[np.int64]]]:
    """Joins small chunks of (ids, lengths), since inverting one costs a pass over all examples."""
    held: list[tuple[NDArray[np.uint32], NDArray[np.int64]]] = []
    entries = 0
    for chunk in chunks:
        held.append(chunk)
        entries += len(chunk[0])
        if entries >= _CHUNK_ENTRIES:
            yield np.concatenate([ids for ids, _ in held]), np.concatenate([lengths for _, lengths in held])
            held, entries = [], 0
    if held:
        yield np.concatenate([ids for ids, _ in held]), np.concatenate([lengths for _, lengths in held])


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
