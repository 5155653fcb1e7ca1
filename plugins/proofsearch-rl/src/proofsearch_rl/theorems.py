"""Which theorems episodes are about, and drawing one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from proofsearch.errors import UsageError

if TYPE_CHECKING:
    from proofsearch.protocols import Environment
    from proofsearch_rl.turn import Turn

_ATTEMPTS = 100
"""How many theorems are drawn until one is found that an episode can begin with."""

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


class Resets(Protocol):
    """An episode, here or in a server."""

    def reset(self, theorem: str) -> Turn:
        """Begins a theorem anew."""


def begin_one(episode: Resets, names: Sequence[str], pick: Callable[[int], int]) -> Turn:
    """Begins an episode with a theorem that is drawn: the first that the environment doesn't close at once.

    Args:
        episode: is reset.
        names: of the theorems to draw from.
        pick: draws a number below the one that it is given.

    Raises:
        ProofsearchError: an episode can't begin.
    """
    for _ in range(_ATTEMPTS):
        turn = episode.reset(names[pick(len(names))])
        if not turn.done:
            return turn
    raise UsageError(f"{_ATTEMPTS} theorems were drawn, and the environment closes each at once; name others")
