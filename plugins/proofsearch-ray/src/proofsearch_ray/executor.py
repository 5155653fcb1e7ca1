"""The executor ``ray``: an actor a worker, a job at a time for each, and what can go wrong with both.

What becomes of a job is as with the executor ``local``: the actors keep the same worker processes. On top of that an
actor can die, or its machine: its job is then tried again after the others, by another actor, up to ``--attempts``
times, and reported as crashed after that. Ray itself neither restarts actors nor repeats work; every attempt counts.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from proofsearch.config import ExecutionConfig
from proofsearch.errors import ProofsearchError
from proofsearch.process import streams
from proofsearch.process.usage import processors
from proofsearch.protocols import Job, JobResult, WorkerFactory
from proofsearch.workers.bounds import Bounds
from proofsearch.workers.processes import pickled
from proofsearch.workers.queue import JobQueue
from proofsearch.workers.slots import Broken, Done, Failed, Message, Told
from proofsearch_ray.actor import WorkerActor
from proofsearch_ray.cluster import Cluster
from proofsearch_ray.config import RayConfig
from proofsearch_ray.versions import Node, refuse_other_versions

_START_ATTEMPTS = 3
"""Actors in a row that may die before they are ready."""

_GRACE = 10.0
"""Seconds in which idle workers may close what they hold at the end of a run."""

_PATIENCE = 30.0
"""Seconds without any worker after which a person is told that the cluster has no room for one."""


@dataclass(eq=False)
class _Actor:
    """An actor as the executor sees it.

    Attributes:
        handle: Ray's.
        waited: what is waited for: where it runs, then what it yields at its job; ``None`` while it is idle.
        ready: whether it has said where it runs.
        job: what it is at.
    """

    handle: Any
    waited: Any = None
    ready: bool = False
    job: Job | None = None

    def take_job(self) -> Job:
        """Takes the job away and returns it."""
        job, self.job, self.waited = self.job, None, None
        assert job is not None
        return job


@dataclass
class _Run:
    """What changes while jobs are run."""

    queue: JobQueue
    recipe: bytes
    results: list[JobResult] = field(default_factory=list)
    died_starting: int = 0


class RayExecutor:
    """Runs jobs on the machines of a Ray cluster; an :class:`proofsearch.protocols.Executor`.

    Args:
        config: its own options.
        execution: workers, time-out, attempts and memory.
    """

    def __init__(self, config: RayConfig, execution: ExecutionConfig) -> None:
        self._config = config
        self._execution = execution
        self._here = Node()
        self._cluster: Cluster | None = None
        self._actors: list[_Actor] = []
        self._hear: Callable[[Job, Any], None] | None = None

    def relay_progress_to(self, hear: Callable[[Job, Any], None]) -> None:
        """Takes what to call with what workers tell; see :class:`proofsearch.protocols.RelaysProgress`."""
        self._hear = hear

    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """Yields one result a job, in the order in which they come.

        Raises:
            ProofsearchError: there is no cluster, a machine has other versions, or a worker can't start.
        """
        run = _Run(JobQueue(jobs), pickled(factory))
        try:
            if not run.queue.holds(1):
                return
            own = self._execution.workers or processors()
            self._cluster = Cluster(self._config, own * max(self._config.cpus, 1e-4))
            workers = self._execution.workers or self._room()
            while True:
                self._hand_out(run, workers)
                if all(actor.job is None for actor in self._actors) and not run.queue.holds(1):
                    return
                for actor in self._wait():
                    self._hear_of(actor, run)
                self._hand_out(run, workers)
                results, run.results = run.results, []
                yield from results
        except BaseException:
            self.close()
            raise
        finally:
            self._stop()

    def close(self) -> None:
        """Kills every worker and what they started, and leaves the cluster. Idempotent."""
        actors, self._actors = self._actors, []
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            for actor in actors:
                cluster.ray.kill(actor.handle)
            cluster.close()

    def _stop(self) -> None:
        """Lets idle workers close what they hold, and kills all."""
        if self._cluster is not None:
            closing = [actor.handle.close.remote() for actor in self._actors if actor.ready and actor.job is None]
            if closing:
                self._cluster.ray.wait(closing, num_returns=len(closing), timeout=_GRACE)
        self.close()

    @property
    def _ray(self) -> Any:
        assert self._cluster is not None
        return self._cluster.ray

    def _room(self) -> int:
        """How many workers the cluster has processors for."""
        available = float(self._ray.cluster_resources().get("CPU", 1.0))
        return max(1, int(available / self._config.cpus)) if self._config.cpus else max(1, int(available))

    def _hand_out(self, run: _Run, workers: int) -> None:
        """Gives jobs to idle workers, and asks for more workers while there are more jobs than them."""
        for actor in self._actors:
            if actor.ready and actor.job is None and (job := run.queue.take()) is not None:
                actor.job = job
                actor.waited = actor.handle.run.options(num_returns="streaming").remote(job)
        starting = sum(not actor.ready for actor in self._actors)
        while len(self._actors) < workers and run.queue.holds(starting + 1):
            self._actors.append(self._start(run))
            starting += 1

    def _start(self, run: _Run) -> _Actor:
        config = self._config
        options: dict[str, Any] = {"num_cpus": config.cpus, "num_gpus": config.gpus, "max_restarts": 0}
        if config.memory is not None:
            options["memory"] = config.memory * 1_000_000
        if config.resource is not None:
            options["resources"] = {config.resource: 1}
        bounds = Bounds(self._execution.timeout, self._execution.memory)
        handle = self._ray.remote(**options)(WorkerActor).remote(run.recipe, config.math_threads, bounds, sys.path)
        return _Actor(handle, waited=handle.node.remote())

    def _wait(self) -> list[_Actor]:
        """Waits until something happened, and returns the actors of which there is something to hear."""
        waited = {actor.waited: actor for actor in self._actors if actor.waited is not None}
        patience = None if any(actor.ready for actor in self._actors) else _PATIENCE
        ready, _ = self._ray.wait(list(waited), num_returns=1, timeout=patience, fetch_local=False)
        if not ready:
            streams.warning(
                f"--executor ray: the cluster has had no room for a worker for {_PATIENCE:.0f} s; its resources are "
                f"{self._ray.cluster_resources()}, see --ray-cpus, --ray-gpus, --ray-memory and --ray-resource"
            )
            return []
        ready, _ = self._ray.wait(list(waited), num_returns=len(waited), timeout=0, fetch_local=False)
        return [waited[one] for one in ready]

    def _hear_of(self, actor: _Actor, run: _Run) -> None:
        """Takes what an actor has to say."""
        try:
            if not actor.ready:
                refuse_other_versions(self._here, self._ray.get(actor.waited))
                actor.ready, actor.waited = True, None
                run.died_starting = 0
                return
            message: Message = self._ray.get(next(actor.waited))
        except self._ray.exceptions.RayError as error:
            self._lose(actor, run, error)
            return
        match message:
            case Told(progress):
                if self._hear is not None and actor.job is not None:
                    self._hear(actor.job, progress)
            case Broken(refusal):
                raise refusal
            case Done(payload):
                run.results.append(JobResult(actor.take_job(), payload))
            case Failed("crashed", text, traceback):
                self._retry(actor.take_job(), run, text, traceback)
            case Failed(failure, text, traceback):
                run.results.append(JobResult(actor.take_job(), None, failure, text, traceback))

    def _lose(self, actor: _Actor, run: _Run, error: Exception) -> None:
        """Does without an actor that died."""
        self._actors.remove(actor)
        self._ray.kill(actor.handle)
        said = " ".join(str(error).split())[:300]
        if not actor.ready:
            run.died_starting += 1
            if run.died_starting == _START_ATTEMPTS:
                raise ProofsearchError(f"--executor ray: {_START_ATTEMPTS} actors in a row did not start: {said}")
        if actor.job is not None:
            self._retry(actor.take_job(), run, f"the worker's actor was lost: {said}", "")

    def _retry(self, job: Job, run: _Run, text: str, traceback: str) -> None:
        if job.attempt < self._execution.attempts:
            run.queue.retry(dataclasses.replace(job, attempt=job.attempt + 1))
        else:
            run.results.append(JobResult(job, None, "crashed", text, traceback))
