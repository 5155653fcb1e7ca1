"""What a session asks of Lean, whichever way Lean is talked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proofsearch import Crashed, Finished, Rejected, TimedOut
from proofsearch.protocols import Usage
from proofsearch_lean.statements import LeanTheorem


@dataclass(frozen=True, slots=True)
class Open:
    """Goals are left, as Lean prints them; the next tactic acts on the first."""

    goals: tuple[str, ...]


Result = Open | Finished | Rejected | TimedOut | Crashed
"""What became of a script."""


class Transport(Protocol):
    """One place where scripts of one theorem after the other are tried. Used by one thread at a time.

    A state is the path that leads to it, so every state can be had again, in another process too.
    """

    def begin(self, theorem: LeanTheorem) -> Result:
        """Turns to a theorem: what is to be proved before the first tactic.

        ``Rejected`` where the statement, or what stands before it, has an error.
        """

    def trial(self, path: Sequence[str]) -> Result:
        """Tries the last tactic of a path, at least one; those before it are known to be good.

        A crash is tried once more, in a process that is new.
        """

    def usage(self) -> Usage:
        """What its process uses. What is mapped from files, and thus shared with others, doesn't count."""

    def processor_seconds(self) -> float:
        """How long processors worked for its processes so far, those that have ended included."""

    def renew(self) -> None:
        """Ends its process; the next trial has a new one."""

    def interrupt(self) -> None:
        """Ends the trial that is under way, and each later one at once; from any thread. For good."""

    def reusable(self) -> bool:
        """Whether another theorem can be begun after this one."""

    def close(self) -> None:
        """Ends what it holds. Idempotent."""
