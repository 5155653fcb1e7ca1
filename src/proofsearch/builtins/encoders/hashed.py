"""The encoder ``hashed``: features of a state's goals, folded into a vector of fixed width.

It needs no training and no model, works for any environment, and encodes thousands of states a second. The folding
is the hashing trick (Weinberger et al. 2009, arXiv:0902.2206): every feature has a column and a sign, and what falls
into one column adds up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from proofsearch.builtins.encoders.features import FEATURES_VERSION, FeatureExtractor
from proofsearch.config import ComponentConfig
from proofsearch.protocols import Builder, Encoder
from proofsearch.types import Goal, ProofState

_LAYOUT_VERSION = 1
"""Raise it when the same features would land elsewhere."""
_EXTRA = 2
"""Columns after the hashed ones: log-norm and number of goals."""
_EXTRA_SCALE = 0.25
"""Brings the extra columns, logarithms up to about 5, to the scale of a unit vector's larger entries."""
_CHUNK = 512
"""States folded at a time: bounds the float64 buffer."""
_FOLD = np.uint64(0x9FB21C651E98DF25)
_ROLE = 0xD6E8FEB86659FD93


class HashedConfig(ComponentConfig):
    """Configuration of the encoder ``hashed``."""

    width: int = Field(default=1024, ge=16, le=1 << 20, description="Columns of a vector.")
    use_trees: bool = Field(default=True, description="Read goals' expression trees where the environment has them.")
    signed: bool = Field(default=True, description="Give features random signs, so that collisions cancel on average.")
    goals: Literal["all", "first"] = Field(default="all", description="Encode all goals, or the first only.")
    positions: bool = Field(default=True, description="Keep the first goal's features apart from the other goals'.")
    sublinear: bool = Field(default=True, description="Weigh a feature that occurs c times in a goal by 1 + log c.")
    normalize: bool = Field(default=True, description="Scale the hashed columns to unit length.")


class HashedEncoder(Encoder):
    """Folds goal features into vectors; deterministic, independent of the batch.

    Columns ``0 … width − 3`` hold the folded features, the last two log(1 + n) of their Euclidean norm before any
    scaling and of the number of open goals, each times 1/4. The goal count keeps every row away from zero.
    """

    def __init__(self, config: HashedConfig) -> None:
        self._config = config
        self._extractor = FeatureExtractor(config.use_trees)

    @property
    def width(self) -> int:
        """The number of columns."""
        return self._config.width

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``, finite, no row all zeros; a batch's rows equal those of single calls.

        Raises:
            ValueError: a state without goals, or a goal whose tree is no preorder.
        """
        out = np.empty((len(states), self.width), np.float32)
        for start in range(0, len(states), _CHUNK):
            chunk = states[start : start + _CHUNK]
            out[start : start + len(chunk)] = self._encode(chunk)
        return out

    def fingerprint(self) -> str:
        """Covers the configuration, the features' version and the layout's."""
        text = f"hashed {_LAYOUT_VERSION} {FEATURES_VERSION} {self._config.model_dump_json()}"
        return "hashed-" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def _encode(self, states: Sequence[ProofState]) -> NDArray[np.float64]:
        # Siblings share most of their goals, so each different goal is read once a chunk.
        row_of: dict[Goal, int] = {}
        wanted: list[int] = []
        owner: list[int] = []
        role: list[int] = []
        num_goals = np.empty(len(states))
        for index, state in enumerate(states):
            goals = state.goals
            num_goals[index] = len(goals)
            if not goals:
                raise ValueError(f"a state without goals can't be encoded: {state.text[:200]!r}")
            for place, goal in enumerate(goals if self._config.goals == "all" else goals[:1]):
                wanted.append(row_of.setdefault(goal, len(row_of)))
                owner.append(index)
                role.append(min(place, 1) if self._config.positions else 0)
        features = self._extractor.extract(list(row_of))

        lengths = np.diff(features.offsets)[wanted]
        begins = features.offsets[wanted]
        entry = np.arange(lengths.sum()) + np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
        hashes = features.ids[entry].astype(np.uint64) * _FOLD
        hashes += np.repeat(np.array([r * _ROLE for r in role], np.uint64), lengths)
        hashes = (hashes ^ (hashes >> np.uint64(29))) * _FOLD
        columns = self.width - _EXTRA
        column = ((hashes >> np.uint64(32)) * np.uint64(columns)) >> np.uint64(32)
        counts = features.counts[entry]
        weights = 1.0 + np.log(counts) if self._config.sublinear else counts.astype(np.float64)
        if self._config.signed:
            # Bit 16 takes no part in the choice of the column, which is made of the upper half.
            weights = np.where(hashes & np.uint64(1 << 16), -weights, weights)
        cell = np.repeat(np.array(owner) * columns, lengths) + column.astype(np.int64)
        sums = np.bincount(cell, weights, minlength=len(states) * columns)
        folded: NDArray[np.float64] = sums.astype(np.float64).reshape(len(states), columns)

        norms = np.sqrt((folded * folded).sum(axis=1))
        if self._config.normalize:
            folded /= np.where(norms > 0, norms, 1.0)[:, None]
        extra = np.log1p(np.stack((norms, num_goals), axis=1)) * _EXTRA_SCALE
        return np.concatenate((folded, extra), axis=1)


def make_hashed(config: HashedConfig, builder: Builder) -> HashedEncoder:
    """Builds the encoder ``hashed``."""
    return HashedEncoder(config)
