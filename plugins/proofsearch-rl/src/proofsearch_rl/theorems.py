"""Which theorems episodes are about, and drawing one of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from proofsearch.errors import UsageError

if TYPE_CHECKING:
    from proofsearch.protocols import Environment

SPLITS = ("train", "validation", "test", "all")


def theorem_names(environment: Environment, split: str = "train", names: Sequence[str] = ()) -> tuple[str, ...]:
    """The theorems of a split, in the library's order, or those that are named.

    Args:
        environment: whose theorems they are.
        split: one of :data:`SPLITS`. Where the environment splits nothing, ``train`` means all.
        names: theorems by name; they count instead of the split.

    Raises:
        UsageError: there is no such split, no such theorem, or no theorem at all.
    """
    if names:
        return tuple(environment.theorem(name).name for name in names)
    if split not in SPLITS:
        raise UsageError(f"{split!r} is no split; expected {', '.join(SPLITS)}")
    theorems = environment.theorems()
    undivided = split == "train" and not any(theorem.split for theorem in theorems)
    found = tuple(theorem.name for theorem in theorems if split == "all" or undivided or theorem.split == split)
    if not found:
        raise UsageError(f"the environment has no theorem in the split {split!r}; name a split that has some")
    return found


def draw(names: Sequence[str], seed: int | None) -> str:
    """One of some theorems at random; always the same one for a seed."""
    return names[random.Random(seed).randrange(len(names))]
