"""Policies that know only what comes before: each has learnt nothing from a cut of the database on. No torch here.

A training with ``cuts`` K makes K policies in one folder. The K cuts divide the theorems of the split ``train``, in the
database's order, into K + 1 parts, the first half as large as each of the others: few stand before the first cut.
``cut-<k>`` learnt from those of them that stand before the k-th cut. A theorem is answered by the last policy whose cut
is not after it; one before the first cut by none. So a theorem is searched as it could have been when it was written:
nothing from itself on has been learnt.

The parts are equal in theorems and not in steps of proofs: theorems are what a policy answers for, and where they stand
is known before any proof is read, whatever is learnt of it. Other splits have their share in each part, and which
theorems they have makes no difference to the cuts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsearch import Theorem
from proofsearch.checkpoint import MANIFEST
from proofsearch.errors import InputError, UsageError
from proofsearch_metamath.config import NAME
from proofsearch_metamath.ranker.division import Order, check_policies, read_entry
from proofsearch_metamath.ranker.weights import DIVISIONS

KIND = "cuts"
"""What asks for them, and what the manifest calls them."""
FORMAT = DIVISIONS[KIND]
"""The version of the manifest's ``config``."""


def cut_name(number: int) -> str:
    """The folder of the policy before a cut, numbered from 1, inside that of all."""
    return f"cut-{number}"


@dataclass(frozen=True, slots=True)
class Cuts:
    """The policies of cuts; a :class:`~proofsearch_metamath.ranker.division.Division`.

    Attributes:
        theorems: at the cuts, in the database's order: the first that each policy knows nothing of.
        positions: theirs in the database at hand, ascending.
        names: the folder of each cut's policy, inside that of all.
    """

    theorems: tuple[str, ...]
    positions: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def kind(self) -> str:
        """``"cuts"``."""
        return KIND

    @property
    def count(self) -> int:
        """How many."""
        return len(self.names)

    @property
    def policies(self) -> Sequence[str]:
        """In the order of the cuts."""
        return self.names

    @property
    def chained(self) -> bool:
        """True: a policy may know all that the one before it knows."""
        return True

    def bound(self, policy: str) -> int:
        """The position of the policy's cut."""
        return self.positions[self.names.index(policy)]

    def learns(self, policy: str, theorem: Theorem) -> bool:
        """What stands before the policy's cut."""
        assert theorem.position is not None
        return theorem.position < self.bound(policy)

    def answers(self, theorem: Theorem) -> str | None:
        """The last policy whose cut is not after the theorem; ``None`` before the first."""
        assert theorem.position is not None
        number = bisect_right(self.positions, theorem.position)
        return self.names[number - 1] if number else None

    def to_json(self) -> dict[str, Any]:
        """What the manifest keeps: the theorems at the cuts, where they stood when it was trained, the policies."""
        return {
            "theorems": list(self.theorems),
            "positions": list(self.positions),
            "policies": list(self.names),
        }


def choose_cuts(train: Iterable[Theorem], count: int) -> Cuts:
    """Cuts at the shares 1, 3, 5, … of 2 · ``count`` + 1 of a database's theorems to learn from.

    Args:
        train: those of the split ``train``, in any order.
        count: how many cuts.

    Raises:
        UsageError: so many cuts leave parts without theorems.
    """
    theorems = sorted(train, key=lambda theorem: theorem.position or 0)
    places = [(2 * number + 1) * len(theorems) // (2 * count + 1) for number in range(count)]
    if not places[0]:
        raise UsageError(
            f"--{NAME}-cuts {count}: of the {len(theorems)} theorems to learn from none stands before the first of so "
            f"many cuts; give fewer"
        )
    chosen = [theorems[place] for place in places]
    return Cuts(
        tuple(theorem.name for theorem in chosen),
        tuple(theorem.position or 0 for theorem in chosen),
        tuple(cut_name(number + 1) for number in range(count)),
    )


def read_cuts(folder: Path, order: Order) -> Cuts | None:
    """The cuts of a folder, in the order of the database at hand; ``None`` where it holds other weights.

    Raises:
        InputError: it holds none, or is damaged, or the database lacks the theorems at the cuts or has them in another
            order.
    """
    found = read_entry(folder, KIND, {"theorems", "positions", "policies"})
    if found is None:
        return None
    source = folder / MANIFEST
    theorems, policies = found["theorems"], found["policies"]
    if not isinstance(theorems, list) or not isinstance(policies, list) or not 0 < len(theorems) == len(policies):
        raise InputError(f"{source}: damaged: the cuts {theorems!r} and the policies {policies!r}")
    check_policies(folder, policies)
    positions = [order(name) for name in theorems]
    placed = tuple(position for position in positions if position is not None)
    if len(placed) < len(positions):
        raise InputError(
            f"{source}: its policies know what stands before {theorems[positions.index(None)]}, which is no theorem of "
            f"this database; search the database that they were trained on, or train again"
        )
    if list(placed) != sorted(set(placed)):
        raise InputError(
            f"{source}: the theorems at its cuts, {', '.join(theorems)}, stand in another order in this database; "
            f"search the database that they were trained on, or train again"
        )
    return Cuts(tuple(theorems), placed, tuple(policies))
