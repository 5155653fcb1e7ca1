"""The checks of executors: a sound one passes, and one that breaks a rule fails the check of that rule alone.

Most broken ones are tried with threads, in which everything that can't be checked there is skipped, for processes take
long to start.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from conforming import failed

from proofsearch.builtins.local.executor import LocalConfig, LocalExecutor
from proofsearch.errors import ProofsearchError
from proofsearch.protocols import Job, JobResult, Worker, WorkerFactory
from proofsearch.testing import check_executor

THREADS, PROCESSES = LocalConfig(mode="threads"), LocalConfig(mode="processes")


class Sound(LocalExecutor):
    """The one that comes along."""

    changes: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, config: LocalConfig, builder: Any) -> None:
        super().__init__(config, builder.execution.model_copy(update=self.changes))


class Twice(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        for result in super().run(factory, jobs):
            yield result
            if result.job.key == "say:3":
                yield result


class Forgets(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        return super().run(factory, itertools.islice(jobs, 8))


class NeedsJobs(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        listed = list(jobs)
        assert listed
        yield from super().run(factory, listed)


class OneAtATime(Sound):
    changes = {"workers": 1}  # noqa: RUF012


class SaysNothing(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        for result in super().run(factory, jobs):
            yield replace(result, message="")


class GoesOn(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        listed = list(jobs)
        try:
            yield from super().run(factory, listed)
        except ProofsearchError:
            yield from (JobResult(job, None, "error") for job in listed)


class Unclosed(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        def make() -> Worker:
            worker = factory()
            worker.close = lambda: None  # type: ignore[method-assign]
            return worker

        return super().run(make, jobs)


class Deaf(Sound):
    def relay_progress_to(self, hear: Callable[[Job, Any], None]) -> None:
        pass


class MixesUp(Sound):
    def relay_progress_to(self, hear: Callable[[Job, Any], None]) -> None:
        super().relay_progress_to(lambda job, told: hear(replace(job, key="say:c"), told))


class TakesAnyMemory(Sound):
    changes = {"memory": None}  # noqa: RUF012


class Stubborn(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        results = super().run(factory, jobs)
        with contextlib.suppress(KeyboardInterrupt):
            yield from results


class ClosedOnce(Sound):
    """Can't be closed twice where it was never used; at the end of a run it closes itself."""

    closed = used = False

    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        self.used = True
        return super().run(factory, jobs)

    def close(self) -> None:
        assert self.used or not self.closed
        self.closed = True
        super().close()


class OneAttempt(Sound):
    changes = {"attempts": 1}  # noqa: RUF012


class Patient(Sound):
    changes = {"timeout": None}  # noqa: RUF012


class FallsWithOne(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        for result in super().run(factory, jobs):
            if result.failure == "crashed":
                raise OSError("a worker has died")
            yield result


class Misnames(Sound):
    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        for result in super().run(factory, jobs):
            yield replace(result, failure="broken pipe") if result.failure == "error" else result


class LeavesWorkers(Sound):
    left: list[Any] = []  # noqa: RUF012

    def close(self) -> None:
        LeavesWorkers.left += self._slots
        self._slots = []


def test_the_executor_that_comes_along_passes() -> None:
    # Its bound on memory has a test of its own, and takes a while.
    report = check_executor(Sound, PROCESSES, timeout=1.0, skip=["memory bound kept or refused"])
    assert report.names("skipped") == []
    report = check_executor(Sound, THREADS, timeout=0.3)
    assert report.names("skipped") == ["odd payloads", "a crash costs its own job", "crashed jobs are tried again"]


@pytest.mark.parametrize(
    ("executor", "check"),
    [
        (Twice, "each job reported once"),
        (Forgets, "each job reported once"),
        (NeedsJobs, "no jobs"),
        (OneAtATime, "as many at once as workers"),
        (SaysNothing, "an exception costs its own job"),
        (Misnames, "an exception costs its own job"),
        (GoesOn, "a worker that cannot start"),
        (Unclosed, "workers are closed"),
        (Deaf, "progress is passed on"),
        (MixesUp, "progress is passed on"),
        (TakesAnyMemory, "memory bound kept or refused"),
        (Stubborn, "cancellation"),
        (ClosedOnce, "idempotent close"),
    ],
)
def test_a_broken_executor_fails_that_check_alone(
    executor: type[Sound], check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long jobs wait for each other that never meet.
    monkeypatch.setattr("proofsearch.testing.workers.PATIENCE", 3.0)
    assert failed(check_executor, executor, THREADS, timeout=0.3) == [check]


@pytest.mark.parametrize(
    ("executor", "check"),
    [
        (OneAttempt, "crashed jobs are tried again"),
        (FallsWithOne, "a crash costs its own job"),
        (Misnames, "odd payloads"),
        (LeavesWorkers, "cancellation"),
    ],
)
def test_one_that_is_broken_where_processes_end_fails_that_check(executor: type[Sound], check: str) -> None:
    try:
        assert failed(check_executor, executor, PROCESSES, only=[check, "no jobs"]) == [check]
    finally:
        for slot in LeavesWorkers.left:
            slot.kill()


def test_one_that_never_stops_a_job_is_found_and_does_not_hang_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch.testing.executors.PATIENCE", 2.0)
    assert failed(check_executor, Patient, THREADS, timeout=0.3) == ["a hang costs its own job"]
