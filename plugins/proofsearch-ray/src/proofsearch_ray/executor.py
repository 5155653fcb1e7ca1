"""The executor ``ray``: an actor a worker, a job at a time for each, and what can go wrong with both.

What becomes of a job is as with the executor ``local``: the actors keep the same worker processes. On top of that:

============================================== ===================================================================
an actor dies, or its machine                  its job is tried again by another, up to ``attempts`` times
a job runs out of memory                       tried again with twice as much, up to ``attempts`` times
a model's actor dies                           another one takes its place; jobs that asked it are tried again
the cluster is gone                            the run ends with an error, and is resumed from what was recorded
============================================== ===================================================================

Ray itself neither restarts actors nor repeats work; every attempt counts.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from proofsearch.config import ExecutionConfig
from proofsearch.errors import ProofsearchError
from proofsearch.process import streams
from proofsearch.process.usage import processors
from proofsearch.protocols import Job, JobResult, WorkerFactory
from proofsearch.workers.processes import pickled
from proofsearch.workers.queue import JobQueue
from proofsearch.workers.slots import Broken, Done, Failed, Message, Ready, Told
from proofsearch_ray.cluster import Cluster
from proofsearch_ray.config import RayConfig
from proofsearch_ray.crew import Actor, Crew
from proofsearch_ray.models import Models, hosted
from proofsearch_ray.versions import Machine, refuse_other_versions

_START_ATTEMPTS = 3
"""Actors in a row that may die before they are ready."""

_GRACE = 10.0
"""Seconds in which idle workers may close what they hold at the end of a run."""

_PATIENCE = 30.0
"""Seconds without any worker after which a person is told that the cluster has no room for one."""

_LOOK = 5.0
"""Seconds between two looks at whether the cluster is there."""

_LOW_ON_MEMORY = "running low on memory"
"""What Ray says of an actor that it killed because its machine's memory was nearly full."""


class RayExecutor:
    """Runs jobs on the machines of a Ray cluster; an :class:`proofsearch.protocols.Executor`.

    Args:
        config: its own options.
        execution: workers, time-out, attempts and memory.
    """

    def __init__(self, config: RayConfig, execution: ExecutionConfig) -> None:
        self._config = config
        self._execution = execution
        self._run: _Run | None = None
        self._hear: Callable[[Job, Any], None] | None = None

    def results_waiting(self) -> int:
        """How many results came together with the last one; see :class:`proofsearch.protocols.CountsWaiting`."""
        return 0 if self._run is None else self._run.results_waiting

    def relay_progress_to(self, hear: Callable[[Job, Any], None]) -> None:
        """Takes what to call with what workers tell; see :class:`proofsearch.protocols.RelaysProgress`."""
        self._hear = hear

    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """Yields one result a job, in the order in which they come.

        Raises:
            ProofsearchError: there is no cluster, a machine has other versions, or a worker can't start.
        """
        pickled(factory)  # refused here and not by Ray
        queue = JobQueue(jobs)
        if not queue.holds(1):
            return
        cluster = Cluster(self._config, self._processors(factory))
        try:
            self._run = _Run(cluster, self._config, self._execution, factory, queue, self._hear)
            yield from self._run.results()
            self._run.stop()
        finally:
            self._run, run = None, self._run
            if run is not None:
                run.close()
            cluster.close()

    def _processors(self, factory: WorkerFactory) -> float:
        """How many a private cluster needs for its workers and models."""
        models = len(hosted(self._config, factory)) * self._config.model_replicas
        workers = self._execution.workers or processors()
        return max(1.0, workers * self._config.cpus + models * self._config.model_cpus)

    def close(self) -> None:
        """Kills every worker and what they started, and leaves the cluster. Idempotent."""
        run, self._run = self._run, None
        if run is not None:
            run.close()


class _Run:
    """One run: what is still to be done, and who does it."""

    def __init__(
        self,
        cluster: Cluster,
        config: RayConfig,
        execution: ExecutionConfig,
        factory: WorkerFactory,
        queue: JobQueue,
        hear: Callable[[Job, Any], None] | None,
    ) -> None:
        self._cluster = cluster
        self._ray = cluster.ray
        self._attempts = execution.attempts
        self._queue = queue
        self._hear = hear
        self._here = Machine.this()
        self._crew = Crew(self._ray, config, execution, self._here)
        self._models = Models(self._ray, config, factory, self._here)
        self._workers = execution.workers or self._room(config)
        self._large: deque[tuple[Job, int]] = deque()
        """Jobs that ran out of memory, with how many times that of a worker they get."""
        self._results: list[JobResult] = []
        self.results_waiting = 0
        self._died_starting = 0
        self._idle_since = self._looked = time.monotonic()

    def results(self) -> Iterator[JobResult]:
        """Yields one result a job.

        Raises:
            ProofsearchError: a worker or a model can't start, a machine has other versions, or the cluster is gone.
        """
        while True:
            self._hand_out()
            if all(actor.job is None for actor in self._crew.actors) and not self._large and not self._queue.holds(1):
                return
            for actor in self._wait():
                self._hear_of(actor)
            self._hand_out()
            results, self._results = self._results, []
            for place, result in enumerate(results, start=1):
                self.results_waiting = len(results) - place
                yield result

    def stop(self) -> None:
        """Lets idle workers close what they hold."""
        if closing := self._crew.closing():
            self._ray.wait(closing, num_returns=len(closing), timeout=_GRACE)

    def close(self) -> None:
        """Kills every worker, every model and what they started, and leaves the cluster. Idempotent."""
        if self._cluster.lives():
            self._crew.close()
            self._models.close()
        self._cluster.close()

    def _room(self, config: RayConfig) -> int:
        """How many workers the cluster has processors for."""
        available = float(self._ray.cluster_resources().get("CPU", 1.0))
        available -= len(self._models.waited) * config.model_cpus
        return max(1, int(available / config.cpus)) if config.cpus else max(1, int(available))

    # ---------------------------------------------------------------------------------------------------- handing out

    def _hand_out(self) -> None:
        """Gives jobs to idle workers, and asks for more workers while there are more jobs than them."""
        self._crew.go_on(self._models.recipe)
        for actor in [actor for actor in self._crew.actors if actor.idle]:
            recipe = self._models.recipe(actor.number)
            if recipe is not None and (job := self._next(actor.size)) is not None:
                actor.assign(recipe, job)
        starting = sum(not actor.ready for actor in self._crew.actors)
        while len(self._crew.actors) < self._workers and self._queue.holds(starting + 1):
            self._crew.start()
            starting += 1
        self._make_room()

    def _next(self, size: int) -> Job | None:
        for place, (job, needed) in enumerate(self._large):
            if needed <= size:
                del self._large[place]
                return job
        return self._queue.take()

    def _make_room(self) -> None:
        """Starts larger workers for jobs that ran out of memory, in place of idle ones where there are enough."""
        for _, size in self._large:
            if any(actor.size >= size and not actor.ready for actor in self._crew.actors):
                continue
            if len(self._crew.actors) >= self._workers:
                idle = next((actor for actor in self._crew.actors if actor.idle), None)
                if idle is None:
                    return
                self._crew.remove(idle)
            self._crew.start(size)

    # -------------------------------------------------------------------------------------------------------- hearing

    def _wait(self) -> list[Actor]:
        """Waits until something happened, and returns the actors of which there is something to hear."""
        while True:
            by_ref = {actor.waited: actor for actor in self._crew.actors if actor.waited is not None}
            waited = [*by_ref, *self._models.waited]
            ready, _ = self._ray.wait(waited, num_returns=1, timeout=_LOOK, fetch_local=False)
            self._look()
            if ready:
                ready, _ = self._ray.wait(waited, num_returns=len(waited), timeout=0, fetch_local=False)
                # A model's death is heard first: jobs that it cost are not to be given out before it is replaced.
                return [by_ref[one] for one in ready if not self._models.hear(one)]

    def _look(self) -> None:
        """Sees now and then whether the cluster is there, and has room."""
        if time.monotonic() - self._looked >= _LOOK:
            self._cluster.refuse_dead()
            self._tell_no_room()
            self._looked = time.monotonic()

    def _tell_no_room(self) -> None:
        if any(actor.machine is not None for actor in self._crew.actors):
            self._idle_since = time.monotonic()
        elif time.monotonic() - self._idle_since > _PATIENCE:
            self._idle_since = time.monotonic()
            streams.warning(
                f"--executor ray: the cluster has had no room for a worker for {_PATIENCE:.0f} s; its resources are "
                f"{self._ray.cluster_resources()}, see --ray-cpus, --ray-gpus, --ray-memory and --ray-resource"
            )

    def _hear_of(self, actor: Actor) -> None:
        """Takes what an actor has to say."""
        try:
            if actor.machine is None:
                machine = self._ray.get(actor.waited)
                refuse_other_versions(self._here, machine)
                actor.machine, actor.waited = machine, None
                return
            said = actor.waited if actor.job is None else next(actor.waited)
            message: Message = self._ray.get(said)
        except (self._ray.exceptions.RayError, StopIteration) as error:
            self._cluster.refuse_dead()
            self._lose(actor, error)
            return
        match message:
            case Told(progress):
                if self._hear is not None and actor.job is not None:
                    self._hear(actor.job, progress)
            case Broken(refusal):
                raise refusal
            case Ready():
                self._crew.prepared(actor)
            case Failed(_, text) if actor.job is None:
                self._lose(actor, ProofsearchError(f"while it prepared its machine, {text}"))
            case Done(payload):
                self._died_starting = 0
                self._models.job_done()
                self._results.append(JobResult(actor.take_job(), payload))
            case Failed():
                self._fail(actor.take_job(), message, actor.size)

    def _lose(self, actor: Actor, error: Exception) -> None:
        """Does without an actor that died."""
        self._crew.remove(actor)
        said = " ".join(str(error).split())[:300]
        if not actor.ready:
            self._died_starting += 1
            if self._died_starting == _START_ATTEMPTS:
                raise ProofsearchError(f"--executor ray: {_START_ATTEMPTS} actors in a row did not start: {said}")
        if actor.job is not None:
            failure = "out of memory" if _LOW_ON_MEMORY in str(error) else "crashed"
            self._fail(actor.take_job(), Failed(failure, f"the worker's actor was lost: {said}"), actor.size)

    def _fail(self, job: Job, failed: Failed, size: int) -> None:
        """Has a job tried again, where that can help and attempts are left, or else reports it."""
        again = dataclasses.replace(job, attempt=job.attempt + 1)
        if job.attempt < self._attempts and failed.failure == "crashed":
            self._queue.retry(again)
        elif job.attempt < self._attempts and failed.failure == "out of memory" and self._crew.could_hold(size * 2):
            self._large.append((again, size * 2))
        else:
            self._results.append(JobResult(job, None, failed.failure, failed.message, failed.traceback))
