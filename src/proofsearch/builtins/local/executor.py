"""The executor ``local``: many theorems at once on this machine, in processes or in threads.

Each worker does one job at a time, and the next job is handed out before the last result is given to the caller, so
that a caller who writes to disk keeps nobody waiting. What can go wrong with a job:

============================================== ===================================================================
its process dies (signal, ``os._exit``)        tried again after the other jobs, up to ``attempts`` times
it runs past ``timeout``                       reported; a process is killed, a thread interrupted where it can be
its process grows past ``memory``              reported; the process is killed with its children
``MemoryError``                                reported; the worker is replaced
any other exception                            reported; the worker goes on
============================================== ===================================================================

A worker that can't start ends the run with one error: it would not start for the next job either.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import connection
from typing import Any, Literal

from pydantic import Field

from proofsearch.builtins.local.threads import ThreadSlot
from proofsearch.config import ComponentConfig, ExecutionConfig, Workers
from proofsearch.errors import ProofsearchError, UsageError
from proofsearch.process.usage import processors
from proofsearch.protocols import Builder, Job, JobResult, WorkerFactory
from proofsearch.workers.bounds import Bounds
from proofsearch.workers.processes import ProcessSlot, pickled
from proofsearch.workers.queue import JobQueue
from proofsearch.workers.slots import Broken, Done, Failed, Message, Ready, Slot, Told

_START_ATTEMPTS = 3
"""Workers in a row that may die before they are ready."""

_GRACE = 5.0
"""Seconds in which idle or interrupted workers may close what they hold at the end of a run."""


class LocalConfig(ComponentConfig):
    """Configuration of the executor ``local``."""

    mode: Literal["processes", "threads"] = Field(
        default="processes",
        description="threads: if the prover is another process and little Python runs; threads can't be killed.",
    )
    math_threads: Workers = Field(
        default=1, description="Threads of numerical libraries in each process; 0: keep the environment's setting."
    )


class LocalExecutor:
    """Runs jobs on this machine; an :class:`proofsearch.protocols.Executor`.

    Args:
        config: its own options.
        execution: workers, time-out, attempts and memory.

    Raises:
        UsageError: a memory bound together with threads, which can't have one.
    """

    def __init__(self, config: LocalConfig, execution: ExecutionConfig) -> None:
        if config.mode == "threads" and execution.memory is not None:
            raise UsageError("--memory bounds a worker process, but --local-mode is threads; leave one of them out")
        self._config = config
        self._execution = execution
        self._bounds = Bounds(execution.timeout, execution.memory)
        self._workers = execution.workers or processors()
        self._slots: list[Slot] = []
        self._hear: Callable[[Job, Any], None] | None = None
        self._results_waiting = 0

    def results_waiting(self) -> int:
        """How many results came together with the last one; see :class:`proofsearch.protocols.CountsWaiting`."""
        return self._results_waiting

    def relay_progress_to(self, hear: Callable[[Job, Any], None]) -> None:
        """Takes what to call with what workers tell; see :class:`proofsearch.protocols.RelaysProgress`."""
        self._hear = hear

    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """Yields one result a job, in the order in which they come; see the module's table.

        Raises:
            ProofsearchError: a worker can't start. What the factory raised, where it is one of ours.
        """
        queue = JobQueue(jobs)
        died_starting = 0
        try:
            while True:
                self._hand_out(factory, queue)
                if all(slot.idle for slot in self._slots):
                    return
                results: list[JobResult] = []
                for slot, message in self._wait():
                    match message:
                        case Ready():
                            died_starting = 0
                        case Broken(error):
                            raise error
                        case Failed("crashed", text) if slot.starting:
                            died_starting += 1
                            if died_starting == _START_ATTEMPTS:
                                raise ProofsearchError(
                                    f"{died_starting} workers in a row died before they were ready: {text}; "
                                    f"run with --local-mode threads to see more, or with fewer --workers"
                                )
                            queue.give_back(slot.take_job())
                        case Failed() if slot.idle:
                            pass  # it died between two jobs; the next job gets a new one
                        case Told(progress):
                            if self._hear is not None and slot.job is not None:
                                self._hear(slot.job, progress)
                        case Done(payload):
                            results.append(JobResult(slot.take_job(), payload))
                        case Failed(failure, text, traceback):
                            job = slot.take_job()
                            if failure == "crashed" and job.attempt < self._execution.attempts:
                                queue.retry(dataclasses.replace(job, attempt=job.attempt + 1))
                            else:
                                results.append(JobResult(job, None, failure, text, traceback))
                    if slot.finished and slot in self._slots:
                        slot.kill()
                        self._slots.remove(slot)
                self._hand_out(factory, queue)
                for place, result in enumerate(results, start=1):
                    self._results_waiting = len(results) - place
                    yield result
        except BaseException:
            self.close()
            raise
        finally:
            self._stop()

    def close(self) -> None:
        """Kills every worker and what they started. Idempotent."""
        slots, self._slots = self._slots, []
        for slot in slots:
            slot.kill()
        # Threads close their provers themselves, which the end of the program would cut off.
        end = time.monotonic() + _GRACE
        for slot in slots:
            if isinstance(slot, ThreadSlot) and slot.ends_soon:
                slot.join(max(0.0, end - time.monotonic()))

    def _stop(self) -> None:
        """Lets idle workers close what they hold; kills the others."""
        for slot in self._slots:
            slot.stop()
        end = time.monotonic() + _GRACE
        for slot in self._slots:
            slot.join(max(0.0, end - time.monotonic()))
        self.close()

    def _hand_out(self, factory: WorkerFactory, queue: JobQueue) -> None:
        for slot in self._slots:
            if slot.idle and (job := queue.take()) is not None:
                slot.assign(job)
        while len(self._slots) < self._workers and (job := queue.take()) is not None:
            slot = self._start(factory)
            self._slots.append(slot)
            slot.assign(job)

    def _start(self, factory: WorkerFactory) -> Slot:
        if self._config.mode == "threads":
            return ThreadSlot(factory)
        return ProcessSlot(pickled(factory), self._config.math_threads)

    def _wait(self) -> list[tuple[Slot, Message]]:
        """Waits until something happened: messages, deaths, time-outs, too much memory."""
        by_connection = {slot.connection: slot for slot in self._slots}
        ready = connection.wait(list(by_connection), self._bounds.patience(self._slots))
        events = [
            (by_connection[which], message)
            for which in ready
            if isinstance(which, connection.Connection)
            for message in by_connection[which].receive()
        ]
        # Whoever tells how far it is can still be past its time.
        heard = {id(slot) for slot, message in events if not isinstance(message, Told)}
        events += [
            (slot, failure)
            for slot in by_connection.values()
            if id(slot) not in heard and (failure := self._bounds.overrun(slot)) is not None
        ]
        return events


def make_local(config: LocalConfig, builder: Builder) -> LocalExecutor:
    """Builds the executor ``local``."""
    return LocalExecutor(config, builder.execution)
