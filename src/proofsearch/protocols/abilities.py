"""What sessions, environments and workers may be able to do besides, so that provers can be looked after.

Each is optional and tested with ``isinstance``. Whoever lacks one is used without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from proofsearch.types import Goal, Theorem, Unusable


@dataclass(frozen=True, slots=True)
class Usage:
    """What a prover uses at a moment.

    Attributes:
        memory: resident memory of its processes and all of their children, in bytes, at least 0. Where it runs in the
            worker's own process: what it holds there, as well as that can be told.
        processes: how many of its processes run; 0 where it runs in the worker's own.
        states: how many proof states it holds.
    """

    memory: int = 0
    processes: int = 0
    states: int = 0

    def highest(self, other: Usage) -> Usage:
        """The higher one of each number."""
        return Usage(
            max(self.memory, other.memory), max(self.processes, other.processes), max(self.states, other.states)
        )


@runtime_checkable
class ReportsUsage(Protocol):
    """A session that says what its prover uses; or an environment whose prover outlives the sessions.

    :func:`proofsearch.process.usage.family` reads the memory of a process and its children.
    """

    def usage(self) -> Usage:
        """What the prover uses now. Asked between steps, at most once a second or so; milliseconds are fine."""


@runtime_checkable
class CountsProcessorTime(Protocol):
    """A session whose prover runs in processes of its own, and that says how long they have computed.

    A prover in the worker's own process needs none of this: its steps are measured there.
    :class:`proofsearch.process.usage.ProcessorTimes` adds up what processes used.
    """

    def processor_seconds(self) -> float:
        """Seconds that processors worked for the prover's processes so far, from any beginning, never going back.

        Asked at the beginning and at the end of a search; milliseconds are fine.
        """


@runtime_checkable
class Renews(Protocol):
    """A session, or an environment whose prover outlives the sessions, that can begin with a new prover.

    Used above ``--max-prover-memory``: of a session in mid-search, of an environment between two theorems.
    """

    def renew(self) -> None:
        """Ends the prover and makes it anew, at once or when it is next needed.

        Every state that a session returned can still be stepped: its way is replayed when that is asked for. Where no
        prover can be made, later steps are ``Crashed``.
        """


@runtime_checkable
class Interruptible(Protocol):
    """A session whose step can be ended from another thread."""

    def interrupt(self) -> None:
        """Ends the step that is running, if one is, and every later one at once; called from another thread.

        Such a step returns :class:`~proofsearch.types.TimedOut` or :class:`~proofsearch.types.Crashed`. That holds for
        good, so it can't come too early; nothing is asked of the session afterwards but to be closed. Must not wait for
        the step, and can be called several times.
        """


@runtime_checkable
class EndsJobs(Protocol):
    """A worker whose job can be ended from another thread."""

    def interrupter(self) -> Callable[[], None]:
        """What ends the job under way, and every later one, soon; to be called from any thread.

        An executor that may need it asks for it before the first job: until then, a worker need not watch for it.
        """


@runtime_checkable
class Audits(Protocol):
    """An environment that can say which theorems can't be searched for, such as statements that don't elaborate.

    ``proofsearch theorems --audit`` asks it.
    """

    def audit(self, theorems: Sequence[Theorem]) -> Iterator[Unusable]:
        """Looks into these theorems, as long as that may take, and yields each that can't be searched for once.

        What was left out when the library was read isn't among the theorems and is yielded too, first.
        """


@runtime_checkable
class MeasuresProofs(Protocol):
    """An environment that can say how long a written proof is.

    ``proofsearch minimise`` makes proofs shorter by this and by the number of tactics, and longer by neither.
    """

    def proof_steps(self, theorem: Theorem, proof: str) -> int:
        """The steps of a proof that was accepted, at least 0, as people of this prover count them; equal ones once."""


@runtime_checkable
class AdaptsTactics(Protocol):
    """An environment whose tactics name what is local to a goal, such as hypotheses.

    What was done at one goal makes no sense at another one before it speaks of what is there. The policy ``knn`` asks
    this of what it remembers.
    """

    def adapted(self, tactic: str, there: Goal, here: Goal) -> Sequence[tuple[str, float]]:
        """What a tactic that was taken at the goal ``there`` would be at the goal ``here``.

        The likeliest comes first. Each has a weight in (0, 1] that says how well it fits; empty where it names
        something that has no counterpart. The tactic itself with weight 1 where it names nothing local. Milliseconds
        are too long: it is asked about a hundred tactics for each new goal.
        """
