"""What is compiled of the k-NN policy; its C sources say more."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from proofsearch.types import Tree

def tree_features(
    trees: list[Tree], hashes: Mapping[str, int], constants: NDArray[Any], levels: int
) -> tuple[bytearray, bytearray, bytearray] | None:
    """What :class:`proofsearch.builtins.encoders.features.FeatureRows` holds; ``None`` for a broken tree."""

def nearest(
    postings: NDArray[Any],
    begins: NDArray[Any],
    ends: NDArray[Any],
    weights: NDArray[Any],
    inverse_norms: NDArray[Any],
    tactic_of: NDArray[Any],
    excluded: NDArray[Any],
    examples: NDArray[Any],
    similarities: NDArray[Any],
    allowed: NDArray[Any] | None,
    limit: int,
) -> int:
    """Fills ``examples`` and ``similarities`` with the best ones below ``limit``; returns how many there are."""

def numbers(known: dict[str, int], names: Sequence[str], into: NDArray[Any]) -> None:
    """Fills ``into`` with the number of each name, −1 for an unknown one."""
