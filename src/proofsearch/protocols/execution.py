"""The contracts of running many searches: jobs, workers and executors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from proofsearch.types import Theorem


@dataclass(frozen=True, slots=True)
class Job:
    """One theorem to be searched, the unit of work of an executor.

    Attributes:
        key: unique in the run; results are idempotent by it.
        theorem: what to prove.
        attempt: 1 for the first try.
    """

    key: str
    theorem: Theorem
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job.

    Attributes:
        job: the job, with the attempt that gave this result.
        payload: what the worker returned; ``None`` where it died.
        failure: ``""``, or why there is no payload: ``"crashed"``, ``"timed out"``, ``"out of memory"``, ``"error"``.
        message: more about the failure, for people: one line.
        traceback: where it was raised, as text; ``""`` where nothing was raised.
    """

    job: Job
    payload: Any
    failure: str = ""
    message: str = ""
    traceback: str = ""


class Worker(Protocol):
    """Runs jobs, one at a time, in a process or thread of its own."""

    def run(self, job: Job) -> Any:
        """Does the job and returns something picklable."""

    def close(self) -> None:
        """Frees what it holds. Idempotent."""


@runtime_checkable
class ReportsProgress(Protocol):
    """A worker that says how far it is while it is at a job."""

    def report_progress_to(self, tell: Callable[[Any], None]) -> None:
        """Takes what to call in the worker's thread with something small and picklable.

        Executors that can pass it on (:class:`RelaysProgress`) call this before the first job; until then a worker
        tells nothing.
        """


@runtime_checkable
class CountsWaiting(Protocol):
    """An executor that knows how many results it would give at once."""

    def results_waiting(self) -> int:
        """How many further results :meth:`Executor.run` would give now without waiting for a worker.

        Those who take results record so many together, which is much quicker on a disk than one by one.
        """


WorkerFactory = Callable[[], Worker]
"""Picklable; called once in each process or thread."""


@runtime_checkable
class PreparesMachines(Protocol):
    """A worker factory that can do once on a machine what each of its workers there would do otherwise."""

    def prepare(self) -> None:
        """Fills the caches of this machine; where they are full already that is quick."""


ModelName = tuple[str, str]
"""Kind and name of a shared component, such as ``("generator", "transformers")``."""


@dataclass(frozen=True, slots=True)
class ModelAddress:
    """Where a model that lives in another process can be asked.

    Attributes:
        host: the machine.
        port: of TCP.
        secret: what both ends have to know.
    """

    host: str
    port: int
    secret: bytes = field(repr=False)


class ServedModel(Protocol):
    """A shared component in the process that hosts it; it has the component's own methods as well."""

    def working(self) -> AbstractContextManager[None]:
        """A context for the thread of a worker that is at a job: a call is worth waiting for what it may add."""

    def abilities(self) -> list[str]:
        """The optional contracts that it keeps."""

    def adapt(self, arguments: tuple[Any, ...], ask: Callable[[Any], Any]) -> tuple[Any, ...]:
        """The arguments to call it with, of those that were sent; ``ask`` asks who sent them."""

    def close(self) -> None:
        """Frees what it holds. Idempotent."""


@runtime_checkable
class ServesModels(Protocol):
    """A worker factory whose shared components can live in processes of their own, for many workers each."""

    def models(self) -> Sequence[ModelName]:
        """The shared components that its workers would build."""

    def hosting(self, model: ModelName) -> Callable[[], ServedModel]:
        """What makes one of them; picklable, called in the process that is to host it."""

    def asking(self, addresses: Mapping[ModelName, ModelAddress]) -> WorkerFactory:
        """A factory of workers that ask there."""


class Executor(Protocol):
    """Runs many jobs. Results come in any order; a job may run more than once but is reported once."""

    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """Yields one result a job. A worker that crashes, hangs or runs out of memory costs only its own job."""

    def close(self) -> None:
        """Stops every worker. Idempotent; also called on Ctrl-C."""


@runtime_checkable
class RelaysProgress(Protocol):
    """An executor that passes on what workers tell while they are at a job (:class:`ReportsProgress`).

    A person who watches then sees more; no result depends on it, and what is told may get lost.
    """

    def relay_progress_to(self, hear: Callable[[Job, Any], None]) -> None:
        """Takes what to call with a job and what its worker tells, in the thread that takes the results."""
