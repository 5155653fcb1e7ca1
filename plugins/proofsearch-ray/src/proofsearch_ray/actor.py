"""What runs on a machine of the cluster: an actor that keeps a worker process and hands it one job after another.

The search runs in a process that the actor starts, as the executor ``local`` does: so what a search may do to its
process (crash, hang, grow) does not reach the actor, and when the actor is killed, or its Ray, the process ends with
all that it started. Ray knows the actor alone.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Generator, Iterator, Sequence
from multiprocessing import connection
from pathlib import Path

from proofsearch.errors import ProofsearchError
from proofsearch.protocols import Job
from proofsearch.workers.bounds import Bounds
from proofsearch.workers.processes import PreparedFirst, ProcessSlot, pickled
from proofsearch.workers.slots import Broken, Done, Failed, Message, Ready, Told
from proofsearch_ray.versions import Machine

_START_ATTEMPTS = 3
"""Worker processes in a row that may die before they are ready."""

_GRACE = 5.0
"""Seconds in which an idle worker process may close what it holds."""


def find_modules(path: Sequence[str]) -> None:
    """Looks for modules where who leads the run does, last, as far as this machine has these places."""
    sys.path += [place for place in path if place not in sys.path and Path(place).exists()]


class WorkerActor:
    """Keeps a worker process; Ray makes an actor of this class.

    Args:
        math_threads: as in :class:`~proofsearch.workers.processes.ProcessSlot`.
        bounds: of a job's time and of the process's memory.
        path: where who leads the run finds modules.
    """

    def __init__(self, math_threads: int, bounds: Bounds, path: Sequence[str] = ()) -> None:
        find_modules(path)
        self._math_threads = math_threads
        self._bounds = bounds
        self._slot: ProcessSlot | None = None
        self._recipe = b""

    def machine(self) -> Machine:
        """Where it runs, and what is installed there."""
        return Machine.this()

    def prepare(self, recipe: bytes) -> Message:
        """Has a worker process fill the machine's caches, and keeps it.

        Args:
            recipe: the pickled :data:`proofsearch.protocols.WorkerFactory`.

        Returns:
            ``Ready``; ``Broken`` if no worker can start; ``Failed`` if it died.
        """
        # Of who leads the run, by way of Ray.
        first = pickled(PreparedFirst(pickle.loads(recipe)))  # noqa: S301
        slot = self._slot = ProcessSlot(first, self._math_threads)
        self._recipe = recipe
        while True:
            connection.wait([slot.connection])
            for message in slot.receive():
                if not isinstance(message, Told):
                    return message

    def run(self, recipe: bytes, job: Job) -> Iterator[Message]:
        """Does a job: yields what the worker tells, then ``Done``, ``Failed``, or ``Broken`` if no worker can start.

        Args:
            recipe: the pickled :data:`proofsearch.protocols.WorkerFactory`, called in the worker process. Where it is
                another than before, so is the process.
            job: what to do.
        """
        for _ in range(_START_ATTEMPTS):
            slot = self._take_slot(recipe)
            slot.assign(job)
            last = yield from self._told(slot)
            if slot.finished:
                slot.kill()
                self._slot = None
            if last is not None:
                yield last
                return
        yield Broken(
            ProofsearchError(
                f"{_START_ATTEMPTS} workers in a row died on {Machine.this().name} before they were ready; run with "
                f"--executor local --local-mode threads to see more"
            )
        )

    def close(self) -> None:
        """Lets the worker close what it holds, and ends it. Idempotent."""
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.stop()
            slot.join(_GRACE)
            slot.kill()

    def _take_slot(self, recipe: bytes) -> ProcessSlot:
        """The worker process, or a new one if it died since its last job."""
        if self._recipe != recipe:
            self.close()
            self._recipe = recipe
        if self._slot is not None:
            self._slot.receive()
            if self._slot.finished:
                self._slot.kill()
                self._slot = None
        if self._slot is None:
            self._slot = ProcessSlot(recipe, self._math_threads)
        return self._slot

    def _told(self, slot: ProcessSlot) -> Generator[Message, None, Message | None]:
        """Yields what the worker tells; returns how the job ended, or ``None`` where it died before it was ready."""
        while True:
            connection.wait([slot.connection], self._bounds.patience([slot]))
            for message in slot.receive():
                match message:
                    case Ready():
                        pass
                    case Told():
                        yield message
                    case Failed("crashed") if slot.starting and not slot.lost_model:
                        return None
                    case Done() | Failed() | Broken():
                        slot.take_job()
                        return message
            if (failure := self._bounds.overrun(slot)) is not None:
                slot.take_job()
                return failure
