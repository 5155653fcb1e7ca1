"""Which theorems of a database may be relied on: those with a right proof that cites only such theorems and axioms."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.proofs.checking import Progress, each_theorem, usable_processors
from proofsearch_metamath.proofs.faults import UnplacedError
from proofsearch_metamath.proofs.verifier import Verifier

_UNFINISHED = frozenset({"incomplete", "no-proof"})


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a theorem's own proof.

    Attributes:
        kind, message: see :class:`~proofsearch_metamath.errors.MetamathError`.
    """

    kind: str
    message: str

    def __str__(self) -> str:
        return "incomplete" if self.unfinished else f"wrong: {self.message}"

    @property
    def unfinished(self) -> bool:
        """Whether it is only that the proof isn't finished."""
        return self.kind in _UNFINISHED


@dataclass(frozen=True, slots=True)
class Soundness:
    """What may be relied on.

    Attributes:
        sound: for each assertion, by position, whether it may be: an axiom, or a theorem whose proof is right and cites
            only what is sound.
        flaws: by position, the theorems whose own proof is wrong or incomplete.
    """

    sound: Sequence[bool]
    flaws: Mapping[int, Flaw]


def examine(database: Database, progress: Progress | None = None) -> Soundness:
    """Verifies every stored proof of a database, in several processes where there are processors for it.

    Args:
        database: with the stored proofs.
        progress: called with the theorems that are verified and those there are.

    Raises:
        MetamathError: a process was killed.
    """
    # Beside searches in other threads this process is not to be forked, and a daemon may not have children.
    alone = threading.current_thread() is not threading.main_thread() or multiprocessing.current_process().daemon
    sound = [assertion.kind != "p" for assertion in database.assertions.values()]
    flaws: dict[int, Flaw] = {}
    theorems = (assertion for assertion in database.assertions.values() if assertion.kind == "p")
    found = each_theorem(database, _look_at, jobs=1 if alone else usable_processors(), progress=progress)
    for theorem, cited in zip(theorems, found, strict=True):
        if isinstance(cited, Flaw):
            flaws[theorem.position] = cited
        else:
            sound[theorem.position] = all(sound[position] for position in cited)
    return Soundness(sound, flaws)


def _look_at(verifier: Verifier, theorem: Assertion) -> tuple[int, ...] | Flaw:
    """The positions of what a theorem's proof applies, or what is wrong with it."""
    try:
        return verifier.positions_cited(theorem)
    except UnplacedError as fault:
        step = f"at step {fault.step}, " if fault.step else ""
        return Flaw(fault.kind, f"{step}{fault.message}")
