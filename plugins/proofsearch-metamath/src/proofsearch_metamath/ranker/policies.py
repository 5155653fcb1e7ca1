"""The policies of a folder, one or several, and which of them answers for a theorem. No torch here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from proofsearch import Theorem
from proofsearch.errors import UsageError
from proofsearch_metamath.ranker.cuts import read_cuts
from proofsearch_metamath.ranker.division import Division, Order, refuse_later, refuse_learnt
from proofsearch_metamath.ranker.folds import read_folds
from proofsearch_metamath.ranker.weights import Weights, load_weights

Opened = TypeVar("Opened")

_NOTHING = -1, ""
"""The latest of no theorems, before all of them."""


def read_division(folder: Path, order: Order) -> Division | None:
    """How theorems are divided among the policies of a folder; ``None`` where it holds the weights of one.

    Args:
        folder: of weights.
        order: of the database at hand.

    Raises:
        InputError: it holds no weights, or is damaged, or does not fit the database.
    """
    return read_folds(folder) or read_cuts(folder, order)


class Policies(Generic[Opened]):
    """The policies of a folder, each opened when it is first asked for.

    A folder with the weights of one policy has that one for every theorem; it may have learnt the theorem's proof.

    Args:
        folder: of one policy's weights, or of several.
        open_: makes of weights what answers.
        order: of the database at hand.
    """

    def __init__(self, folder: Path, open_: Callable[[Weights], Opened], order: Order) -> None:
        self._folder = folder
        self._open = open_
        self._order = order
        self.division = read_division(folder, order)
        """How theorems are divided among them; ``None`` where there is one policy."""
        self._opened: dict[str, tuple[Weights, tuple[int, str], Opened]] = {}

    def prepare(self) -> None:
        """Opens every policy."""
        for name in ["."] if self.division is None else self.division.policies:
            self._of(name)

    def of(self, theorem: Theorem) -> Opened | None:
        """What answers for a theorem; ``None`` where no policy may.

        Raises:
            InputError: weights that are damaged, or that have learnt what the division says they have not: the
                theorem's own proof, or where it goes by position, one that doesn't come before the theorem.
        """
        if self.division is None:
            return self._of(".")[2]
        name = self.division.answers(theorem)
        if name is None:
            return None
        weights, latest, opened = self._of(name)
        refuse_learnt(weights, theorem)
        if self.division.bound(name) is not None:
            refuse_later(weights, theorem, latest)
        return opened

    def answers(self, theorem: Theorem) -> bool:
        """Whether any policy may answer for a theorem."""
        return self.division is None or self.division.answers(theorem) is not None

    @property
    def single(self) -> Opened:
        """What answers for every theorem.

        Raises:
            UsageError: there are several policies.
        """
        if self.division is not None:
            raise UsageError(
                f"{self._folder}: holds policies of {self.division.count} {self.division.kind}, and the vectors of "
                f"each mean something else; use their statistics alone, or one policy: a folder inside it"
            )
        return self._of(".")[2]

    def _of(self, name: str) -> tuple[Weights, tuple[int, str], Opened]:
        found = self._opened.get(name)
        if found is None:
            weights = load_weights(self._folder / name)
            found = self._opened[name] = weights, latest_of(weights, self._order), self._open(weights)
        return found


def latest_of(weights: Weights, order: Order) -> tuple[int, str]:
    """The last theorem of the database at hand whose proof was learnt, with its position before it."""
    placed = ((order(name), name) for name in weights.learnt or ())
    return max(((position, name) for position, name in placed if position is not None), default=_NOTHING)
