"""Models that live in actors of their own: what runs there, and the replicas as the executor sees them.

A replica hosts one shared component and answers workers of all machines over TCP, on connections of their own: Ray
starts it and tells when it dies, and carries none of the calls. Each worker asks one replica of each model.
"""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofsearch.errors import ProofsearchError
from proofsearch.protocols import ModelAddress, ModelName, ServedModel, ServesModels, WorkerFactory
from proofsearch.workers.calls import CallServer
from proofsearch.workers.processes import pickled
from proofsearch.workers.serving import to_proofsearch_error
from proofsearch_ray.actor import find_modules
from proofsearch_ray.config import RayConfig
from proofsearch_ray.versions import Machine, refuse_other_versions

_START_ATTEMPTS = 3
"""Times that a replica may die without a job done in between."""


class ModelActor:
    """Hosts a shared component; Ray makes an actor of this class.

    Args:
        host: pickled, makes the component.
        path: where who leads the run finds modules.
    """

    def __init__(self, host: bytes, path: list[str]) -> None:
        find_modules(path)
        self._host = host

    def machine(self) -> Machine:
        """Where it runs, and what is installed there."""
        return Machine.this()

    def start(self) -> ModelAddress | ProofsearchError:
        """Builds the component and begins to answer; returns where, or why it can't."""
        import ray

        try:
            # Of who leads the run, by way of Ray.
            model: ServedModel = pickle.loads(self._host)()  # noqa: S301
        # Whatever a plugin raises while it is built ends the run.
        except Exception as error:
            return to_proofsearch_error(error)
        host = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
        return CallServer(model, model.working, model.adapt, host).address

    def lives(self) -> None:
        """Never returns: Ray says by it that the actor is dead."""
        threading.Event().wait()


@dataclass(eq=False)
class _Replica:
    """An actor that hosts a model.

    Attributes:
        model: which.
        number: of the replicas of this model, from 0.
        handle: Ray's.
        waited: what is waited for: where it runs, then its address, then its death.
        checked: whether it has said where it runs.
        address: where it answers; ``None`` before it does.
    """

    model: ModelName
    number: int
    handle: Any
    waited: Any
    checked: bool = False
    address: ModelAddress | None = None


def hosted(config: RayConfig, factory: WorkerFactory) -> Mapping[ModelName, bytes]:
    """The models that actors are to host, with what makes each, pickled."""
    if not config.model_replicas or not isinstance(factory, ServesModels):
        return {}
    return {model: pickle.dumps(factory.hosting(model)) for model in factory.models()}


class Models:
    """The replicas of every shared model of a run; none where there are to be none.

    Args:
        ray: the module.
        config: how many, and what each takes.
        factory: of the workers.
        here: where the run is led.
    """

    def __init__(self, ray: Any, config: RayConfig, factory: WorkerFactory, here: Machine) -> None:
        self._ray = ray
        self._config = config
        self._factory = factory
        self._here = here
        self._deaths = 0
        self._recipes: dict[int, bytes] = {}
        self._hosts = hosted(config, factory)
        self._replicas = [
            self._start(model, number) for model in self._hosts for number in range(config.model_replicas)
        ]

    @property
    def waited(self) -> list[Any]:
        """What is ready when there is something to :meth:`hear`."""
        return [replica.waited for replica in self._replicas]

    def recipe(self, worker: int) -> bytes | None:
        """What the worker with this number is made from; ``None`` as long as its models are not ready."""
        number = worker % self._config.model_replicas if self._replicas else 0
        if number not in self._recipes:
            asked = {replica.model: replica.address for replica in self._replicas if replica.number == number}
            addresses = {model: address for model, address in asked.items() if address is not None}
            if len(addresses) < len(asked):
                return None
            factory = self._factory
            if addresses and isinstance(factory, ServesModels):
                factory = factory.asking(addresses)
            self._recipes[number] = pickled(factory)
        return self._recipes[number]

    def job_done(self) -> None:
        """Notes that the models are of use: they may die again."""
        self._deaths = 0

    def hear(self, waited: Any) -> bool:
        """Takes what a replica has to say, if ``waited`` is of one; a replica that died is replaced.

        Raises:
            ProofsearchError: it can't be built, or dies again and again.
        """
        for place, replica in enumerate(self._replicas):
            if replica.waited == waited:
                try:
                    self._hear(replica)
                except self._ray.exceptions.RayError as error:
                    self._replicas[place] = self._replace(replica, error)
                return True
        return False

    def close(self) -> None:
        """Ends every replica. Idempotent."""
        replicas, self._replicas = self._replicas, []
        for replica in replicas:
            self._ray.kill(replica.handle)

    def _hear(self, replica: _Replica) -> None:
        said = self._ray.get(replica.waited)
        if isinstance(said, ProofsearchError):
            raise said
        if replica.checked:
            replica.address = said
            replica.waited = replica.handle.lives.remote()
        else:
            refuse_other_versions(self._here, said)
            replica.checked = True
            replica.waited = replica.handle.start.remote()

    def _replace(self, replica: _Replica, error: Exception) -> _Replica:
        self._ray.kill(replica.handle)
        self._deaths += 1
        if self._deaths == _START_ATTEMPTS * self._config.model_replicas:
            kind, name = replica.model
            said = " ".join(str(error).split())[:300]
            raise ProofsearchError(
                f"--executor ray: the {kind} {name!r} died {self._deaths} times in its actors: {said}"
            )
        self._recipes.pop(replica.number, None)
        return self._start(replica.model, replica.number)

    def _start(self, model: ModelName, number: int) -> _Replica:
        options = {"num_cpus": self._config.model_cpus, "num_gpus": self._config.model_gpus, "max_restarts": 0}
        made = self._ray.remote(**options)(ModelActor)
        handle = made.remote(self._hosts[model], sys.path)
        return _Replica(model, number, handle, handle.machine.remote())
