"""The actors of a run's workers as the executor sees them: started where there is room, prepared once a machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proofsearch.config import ExecutionConfig
from proofsearch.protocols import Job
from proofsearch.workers.bounds import Bounds
from proofsearch_ray.actor import WorkerActor
from proofsearch_ray.config import RayConfig
from proofsearch_ray.versions import Machine


@dataclass(eq=False)
class Actor:
    """An actor with a worker.

    Attributes:
        handle: Ray's.
        number: by which it takes turns at the replicas of models.
        size: how many times the memory of a worker it may use.
        waited: what is waited for: where it runs, then whether its machine is prepared, then what it yields at its job.
        machine: where it runs; ``None`` before it said so.
        ready: whether it takes jobs.
        job: what it is at.
    """

    handle: Any
    number: int
    size: int
    waited: Any
    machine: Machine | None = None
    ready: bool = False
    job: Job | None = None

    @property
    def idle(self) -> bool:
        """Whether it waits for a job."""
        return self.ready and self.job is None

    def assign(self, recipe: bytes, job: Job) -> None:
        """Gives it a job."""
        self.job = job
        self.waited = self.handle.run.options(num_returns="streaming").remote(recipe, job)

    def take_job(self) -> Job:
        """Takes the job away and returns it."""
        job, self.job, self.waited = self.job, None, None
        assert job is not None
        return job


class Crew:
    """The actors of a run.

    Args:
        ray: the module.
        config: what each takes of its machine.
        execution: the bounds of a job.
        here: where the run is led, which is prepared.
    """

    def __init__(self, ray: Any, config: RayConfig, execution: ExecutionConfig, here: Machine) -> None:
        self._ray = ray
        self._config = config
        self._execution = execution
        self._prepared = {here.place}
        self._preparing: set[tuple[str, str]] = set()
        self._numbers = 0
        self.actors: list[Actor] = []

    def start(self, size: int = 1) -> Actor:
        """Asks for one more."""
        config = self._config
        options: dict[str, Any] = {"num_cpus": config.cpus, "num_gpus": config.gpus, "max_restarts": 0}
        if config.memory is not None:
            options["memory"] = config.memory * size * 1_000_000
        if config.resource:
            options["resources"] = config.resources()
        memory = self._execution.memory
        bounds = Bounds(self._execution.timeout, None if memory is None else memory * size)
        handle = self._ray.remote(**options)(WorkerActor).remote(config.math_threads, bounds, sys.path)
        actor = Actor(handle, self._numbers, size, handle.machine.remote())
        self._numbers += 1
        self.actors.append(actor)
        return actor

    def could_hold(self, size: int) -> bool:
        """Whether some machine could have a worker of so many times the memory."""
        if self._config.memory is None:
            return self._execution.memory is not None
        wanted = self._config.memory * size * 1_000_000
        return any(node["Alive"] and node["Resources"].get("memory", 0) >= wanted for node in self._ray.nodes())

    def go_on(self, recipe: Callable[[int], bytes | None]) -> None:
        """Has actors take jobs where their machine is prepared; where it isn't, the first one prepares it.

        Args:
            recipe: what the worker with a number is made from; ``None`` as long as that isn't known.
        """
        for actor in self.actors:
            if actor.machine is None or actor.ready or actor.waited is not None:
                continue
            place = actor.machine.place
            if place in self._prepared:
                actor.ready = True
            elif place not in self._preparing and (known := recipe(actor.number)) is not None:
                self._preparing.add(place)
                actor.waited = actor.handle.prepare.remote(known)

    def prepared(self, actor: Actor) -> None:
        """Takes note that an actor has prepared its machine."""
        assert actor.machine is not None
        self._prepared.add(actor.machine.place)
        actor.waited = None

    def remove(self, actor: Actor) -> None:
        """Does without an actor, dead or not."""
        self.actors.remove(actor)
        if actor.machine is not None and actor.waited is not None and not actor.ready:
            self._preparing.discard(actor.machine.place)  # another one will
        self._ray.kill(actor.handle)

    def closing(self) -> list[Any]:
        """Asks idle workers to close what they hold; what is ready when they have."""
        return [actor.handle.close.remote() for actor in self.actors if actor.idle]

    def close(self) -> None:
        """Kills every worker and what they started. Idempotent."""
        actors, self.actors = self.actors, []
        for actor in actors:
            self._ray.kill(actor.handle)
