"""An inverted index over recorded (goal, tactic) pairs, in files that worker processes map and share.

Equal pairs (the same set of features, the same tactic) are one *example* with many *occurrences*. Examples are
numbered by the theorem of their first occurrence, so that what stands before a theorem in the library is a prefix of
the examples, and of every posting list.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.builtins.compiled import native
from proofsearch.errors import InputError

INDEX_VERSION = 3
"""Raise it when the files change their meaning."""
MANIFEST = "index.json"
"""The file that is written last."""
ARRAYS: Mapping[str, str] = {
    "features": "<u4",
    "offsets": "<i8",
    "postings": "<i4",
    "idf": "<f4",
    "inverse_norms": "<f4",
    "tactic_of": "<i4",
    "first": "<i4",
    "occurrences": "<i8",
    "uses": "<i8",
    "texts": "|u1",
    "text_ends": "<i8",
}
"""The arrays, each in a file of its own, and their types."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the memory a theorem may learn from.

    Attributes:
        before: occurrences in theorems with this index or a greater one are out of bounds.
        own: the target's own index, whose occurrences are out of bounds; −1 where the memory doesn't hold it.
        examples: only examples below this number have an occurrence in bounds.
        excluded: of those, the ones that occur in the target only.
    """

    before: int
    own: int
    examples: int
    excluded: NDArray[np.int64]


class ExampleIndex:
    """A read-only index: :meth:`open` one that :class:`proofsearch.builtins.knn.writer.IndexWriter` wrote.

    Attributes:
        tactics: every tactic of the memory, by number, in order of first occurrence.
        theorems: the names of the theorems that the memory was made from, by index, in the library's order.
        positions: their positions in the library; the index where there is none.
    """

    def __init__(self, manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        self.tactics: list[str] = manifest["tactics"]
        self.theorems: list[str] = manifest["theorems"]
        self.positions: NDArray[np.int64] = np.array(manifest["positions"], np.int64)
        self._features: NDArray[np.uint32] = arrays["features"]
        self._offsets: NDArray[np.int64] = arrays["offsets"]
        self._postings: NDArray[np.int32] = arrays["postings"]
        self._idf: NDArray[np.float32] = arrays["idf"]
        self._inverse_norms: NDArray[np.float32] = arrays["inverse_norms"]
        self.tactic_of: NDArray[np.int32] = arrays["tactic_of"]
        self._first: NDArray[np.int32] = arrays["first"]
        self._occurrences: NDArray[np.int64] = arrays["occurrences"]
        self._uses: NDArray[np.int64] = arrays["uses"]
        self._texts: NDArray[np.uint8] = arrays["texts"]
        self._text_ends: NDArray[np.int64] = arrays["text_ends"]
        self._unknown_idf = float(np.log1p(len(self)))
        self._native = native()
        self._sums = np.zeros(0 if self._native is not None else len(self), np.float32)

    def __len__(self) -> int:
        return len(self.tactic_of)

    def text(self, example: int) -> str:
        """The text of an example's goal, as it first occurred; ``""`` where the index was written without texts."""
        if not len(self._text_ends):
            return ""
        begin = int(self._text_ends[example - 1]) if example else 0
        return self._texts[begin : int(self._text_ends[example])].tobytes().decode()

    @classmethod
    def open(cls, folder: Path) -> ExampleIndex:
        """Maps the files of a folder, after checking them against their checksums.

        Raises:
            FileNotFoundError: there is no index.
            InputError: it is damaged, or of another version.
        """
        path = folder / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if manifest["version"] != INDEX_VERSION:
                raise InputError(f"{path}: version {manifest['version']!r}, expected {INDEX_VERSION}")
            arrays = {
                name: _map(folder / f"{name}.npy", kind, manifest["crc32"][name]) for name, kind in ARRAYS.items()
            }
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not a k-NN index ({error})") from error
        return cls(manifest, arrays)

    def scope(self, name: str, before: int | None) -> Scope:
        """What the theorem ``name`` may learn from: only theorems at positions below ``before``; all if ``None``."""
        limit = len(self.theorems) if before is None else int(np.searchsorted(self.positions, before))
        try:
            own = self.theorems.index(name)
        except ValueError:
            own = -1
        examples = int(np.searchsorted(self._first, limit))
        new = np.arange(*np.searchsorted(self._first, (own, own + 1))) if 0 <= own < limit else np.zeros(0, np.int64)
        scope = Scope(limit, own if own < limit else -1, examples, new)
        excluded = new[self.occurrences(new, scope) == 0] if len(new) else new
        return Scope(limit, scope.own, examples, excluded)

    def occurrences(self, examples: NDArray[np.int64], scope: Scope) -> NDArray[np.int64]:
        """How often each example occurs in bounds."""
        return self._count(self._occurrences, examples, scope)

    def uses(self, scope: Scope) -> NDArray[np.int64]:
        """How often each tactic occurs in bounds, shape ``(len(tactics),)``."""
        return self._count(self._uses, np.arange(len(self.tactics)), scope)

    def _count(self, keys: NDArray[np.int64], items: NDArray[np.int64], scope: Scope) -> NDArray[np.int64]:
        # A key is item · theorems + theorem, so that the occurrences of an item in a stretch of theorems are a stretch.
        base = items * len(self.theorems)
        counts = np.searchsorted(keys, base + scope.before) - np.searchsorted(keys, base)
        if scope.own >= 0:
            own = np.searchsorted(keys, base + scope.own + 1) - np.searchsorted(keys, base + scope.own)
            counts = counts - own
        return counts.astype(np.int64)

    def neighbours(
        self,
        ids: NDArray[np.uint32],
        scope: Scope,
        k: int,
        allowed: NDArray[np.bool_] | None = None,
        budget: int = 200_000,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The examples most similar to a goal, by the cosine of idf-weighted feature sets.

        Args:
            ids: the goal's features, increasing.
            scope: what is in bounds.
            k: at most so many examples.
            allowed: which tactics are, shape ``(len(tactics),)``; ``None`` for all.
            budget: posting entries visited; where a goal's features have more, its most frequent ones are left out.

        Returns:
            The examples, most similar first, ties by number; and their similarities in (0, 1].
        """
        nothing = np.zeros(0, np.int64), np.zeros(0)
        if not len(self._features):
            return nothing
        place = np.minimum(np.searchsorted(self._features, ids), len(self._features) - 1)
        place = place[self._features[place] == ids]
        weights = self._idf[place] ** 2
        norm = float(np.sqrt(weights.sum() + (len(ids) - len(place)) * self._unknown_idf**2))
        begins, ends = self._offsets[place], self._offsets[place + 1]
        lengths = ends - begins
        order = np.argsort(lengths, kind="stable")
        order = order[: max(1, int(np.searchsorted(np.cumsum(lengths[order]), budget, side="right")))]

        if self._native is not None:
            chosen, nearest = np.empty(k, np.int64), np.empty(k, np.float32)
            count = self._native.nearest(
                self._postings,
                begins[order],
                ends[order],
                weights[order],
                self._inverse_norms,
                self.tactic_of,
                scope.excluded,
                chosen,
                nearest,
                allowed,
                scope.examples,
            )
            return chosen[:count], np.minimum(nearest[:count].astype(np.float64) / norm, 1.0)
        sums = self._sums
        pieces = [
            self._postings[begin:end] for begin, end in zip(begins[order].tolist(), ends[order].tolist(), strict=True)
        ]
        if pieces:
            np.add.at(sums, np.concatenate(pieces), np.repeat(weights[order], lengths[order]))
        sums[scope.excluded] = 0.0
        similarities = sums[: scope.examples] * self._inverse_norms[: scope.examples]
        sums.fill(0.0)
        chosen = self._largest(similarities, k, allowed)
        values = similarities[chosen].astype(np.float64) / norm if norm else np.zeros(len(chosen))
        return chosen, np.minimum(values, 1.0)

    def _largest(
        self, similarities: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """The ``k`` largest positive entries with an allowed tactic, in order; ties by index."""
        # Few examples are near the top, so falling thresholds spare looking at the tactic of every one.
        threshold = float(similarities.max(initial=0.0)) * 0.5
        if threshold <= 0:
            return np.zeros(0, np.int64)
        for fraction in (1.0, 0.6, 0.36, 0.2, 0.1, 0.0):
            chosen = (similarities > np.float32(threshold * fraction)).nonzero()[0]
            if allowed is not None:
                chosen = chosen[allowed[self.tactic_of[chosen]]]
            if len(chosen) >= k:
                break
        values = similarities[chosen]
        if len(chosen) > k:
            bound = np.partition(values, len(values) - k)[len(values) - k]
            above, at = (values > bound).nonzero()[0], (values == bound).nonzero()[0]
            kept = np.concatenate((above, at[: k - len(above)]))
            chosen, values = chosen[kept], values[kept]
        return chosen[np.lexsort((chosen, -values))]


def _map(path: Path, kind: str, checksum: int) -> NDArray[Any]:
    """Maps an array and checks it.

    Raises:
        ValueError: the file is missing, truncated, or not what was written.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if array.dtype != np.dtype(kind) or array.ndim != 1:
        raise ValueError(f"{path.name}: {array.dtype} of shape {array.shape}, expected {kind}")
    plain = np.asarray(array)
    if zlib.crc32(plain.data if plain.size else b"") != checksum:
        raise ValueError(f"{path.name}: its checksum is wrong")
    return plain
