"""One worker as an executor sees it, whether it is a process or a thread."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

from proofsearch.errors import ProofsearchError
from proofsearch.protocols import Job


@dataclass(frozen=True, slots=True)
class Ready:
    """The factory returned; the worker takes jobs."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The factory raised."""

    error: ProofsearchError


@dataclass(frozen=True, slots=True)
class Told:
    """What the worker tells while it is at its job."""

    progress: Any


@dataclass(frozen=True, slots=True)
class Done:
    """The job returned."""

    payload: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The job gave nothing; the fields are those of :class:`proofsearch.protocols.JobResult`."""

    failure: str
    message: str
    traceback: str = ""


Message = Ready | Broken | Told | Done | Failed
"""What a worker has to say."""


class Slot(Protocol):
    """One worker. At most one job is assigned to it at a time."""

    @property
    def connection(self) -> Connection[Any, Any]:
        """Becomes readable when :meth:`receive` has something to give."""

    @property
    def starting(self) -> bool:
        """Whether the factory has not returned yet."""

    @property
    def idle(self) -> bool:
        """Whether it has no job."""

    @property
    def job(self) -> Job | None:
        """The job that it has."""

    @property
    def finished(self) -> bool:
        """Whether it takes no more jobs: it died, was killed, or must be replaced."""

    @property
    def since(self) -> float | None:
        """When the job began, by ``time.monotonic``; ``None`` while none runs."""

    def assign(self, job: Job) -> None:
        """Gives it a job, to be begun when it is ready."""

    def take_job(self) -> Job:
        """Takes the job away from it and returns it."""

    def receive(self) -> list[Message]:
        """What it said since. A death is a ``Failed("crashed", …)``; does not wait."""

    def memory(self) -> float:
        """Megabytes that it uses, its children included; 0 where that can't be told."""

    def stop(self) -> None:
        """Asks it to end when it has no job; does not wait."""

    def join(self, seconds: float) -> None:
        """Waits at most so long for it to end after :meth:`stop`."""

    def kill(self) -> None:
        """Ends it now, with what it started. Idempotent."""


class Assignment:
    """The part of a slot that processes and threads share: which job it has and since when it runs."""

    def __init__(self) -> None:
        self.starting = True
        self.finished = False
        self.since: float | None = None
        self._job: Job | None = None

    @property
    def idle(self) -> bool:
        """Whether it has no job."""
        return self._job is None

    @property
    def job(self) -> Job | None:
        """The job that it has."""
        return self._job

    def take_job(self) -> Job:
        """Takes the job away and returns it."""
        job, self._job, self.since = self._job, None, None
        if job is None:
            raise RuntimeError("a worker reported a job that it was never given")
        return job
