"""Features of goals: hashed 32-bit ids with counts, from expression trees or, where there are none, from text.

The encoder ``hashed`` and the policy ``knn`` read goals through these. Ids depend on nothing but the goal: they are
the same in every process, on every platform and in every batch. Raise :data:`FEATURES_VERSION` whenever an id or a
count changes: caches, checkpoints and fingerprints depend on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch.builtins.compiled import native
from proofsearch.builtins.encoders.text_features import text_features
from proofsearch.builtins.encoders.tree_features import CONSTANTS, LEVELS, tree_features
from proofsearch.types import Goal

FEATURES_VERSION = 1

_SYMBOLS_KEPT = 1 << 20
"""Symbols remembered before the table is emptied: bounds memory where texts never stop bringing new ones."""


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """The features of n goals, row by row (compressed sparse rows).

    Attributes:
        offsets: shape ``(n + 1,)``: row i is ``ids[offsets[i]:offsets[i + 1]]``.
        ids: feature ids, increasing within a row; a row is never empty.
        counts: how often each occurs in its goal, at least 1.
    """

    offsets: NDArray[np.int64]
    ids: NDArray[np.uint32]
    counts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def rows(self) -> NDArray[np.int64]:
        """The row of each entry, shape ``ids.shape``."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


class SymbolHashes(dict[str, int]):
    """64-bit hashes of symbols, each computed once: the first 8 bytes of BLAKE2b, little-endian."""

    def __missing__(self, symbol: str) -> int:
        digest = hashlib.blake2b(symbol.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        value = self[symbol] = int.from_bytes(digest, "little")
        return value


class FeatureExtractor:
    """Turns goals into features. Not shared between threads: it remembers the hashes of symbols.

    Args:
        use_trees: read a goal's tree where it has one; otherwise its text only.
    """

    def __init__(self, use_trees: bool = True) -> None:
        self._use_trees = use_trees
        self._hashes = SymbolHashes()
        self._native = native()

    def extract(self, goals: Sequence[Goal]) -> FeatureRows:
        """The features of each goal; goals in one batch do not influence each other.

        Raises:
            ValueError: a tree whose arities are not those of a preorder.
        """
        if len(self._hashes) > _SYMBOLS_KEPT:
            self._hashes.clear()
        trees, tree_rows, texts, text_rows = [], [], [], []
        for row, goal in enumerate(goals):
            if self._use_trees and goal.tree is not None:
                trees.append(goal.tree)
                tree_rows.append(row)
            else:
                texts.append(goal.text)
                text_rows.append(row)
        if trees and not texts and self._native is not None:
            found = self._native.tree_features(trees, self._hashes, CONSTANTS, LEVELS)
            if found is not None:  # else the plain implementation says what is wrong
                offsets, ids, kept = found
                return FeatureRows(
                    np.frombuffer(offsets, np.int64), np.frombuffer(ids, np.uint32), np.frombuffer(kept, np.int32)
                )
        parts = []
        if trees:
            rows, hashes = tree_features(trees, self._hashes)
            parts.append((rows if not texts else np.array(tree_rows)[rows], hashes))
        if texts:
            rows, hashes = text_features(texts, self._hashes)
            parts.append((rows if not trees else np.array(text_rows)[rows], hashes))
        if not parts:
            return FeatureRows(np.zeros(1, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.int32))
        rows, hashes = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        return _gather(rows, hashes, len(goals))


def _gather(rows: NDArray[np.int64], hashes: NDArray[np.uint64], n: int) -> FeatureRows:
    """Sorts (row, upper half of the hash) pairs and counts equal ones."""
    keys = (rows.astype(np.uint64) << np.uint64(32)) | (hashes >> np.uint64(32))
    keys.sort()
    ends = np.append((keys[1:] != keys[:-1]).nonzero()[0] + 1, len(keys))
    first = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    counts = (ends - first).astype(np.int32)
    keys = keys[first]
    offsets = np.searchsorted(keys, np.arange(n + 1, dtype=np.uint64) << np.uint64(32)).astype(np.int64)
    return FeatureRows(offsets, keys.astype(np.uint32), counts)
