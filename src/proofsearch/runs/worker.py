"""One worker of a run: builds the components once and searches one theorem after another."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from proofsearch.config import RunConfig
from proofsearch.engine import search
from proofsearch.engine.glimpses import Glimpses
from proofsearch.engine.prover_watch import ProverWatch
from proofsearch.engine.scripts import check_proposals
from proofsearch.errors import ComponentError, trace_of
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.remote import HostedModel, RemoteComponents
from proofsearch.plugins.resolution import ResolvedRun, resolve
from proofsearch.plugins.sharing import SharedComponents
from proofsearch.protocols import (
    Calibrated,
    Interruptible,
    Job,
    ModelAddress,
    ModelName,
    Prepares,
    SearchObserver,
    ServedModel,
    Session,
    TheoremResult,
)
from proofsearch.runs.checking import Checking
from proofsearch.types import Limit

if TYPE_CHECKING:
    from proofsearch.trajectory.writer import TrajectoryWriter


@dataclass(frozen=True, slots=True)
class Searched:
    """What a worker returns for a theorem; all of it goes into the run folder.

    Attributes:
        result: what came of the search.
        proof: the written proof, where the check accepted one.
        trajectory: the recorded search as the bytes of a Parquet file; ``None`` where none was to be recorded.
        others: further accepted proofs, as they are written.
    """

    result: TheoremResult
    proof: str | None = None
    trajectory: bytes | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerRecipe:
    """How a process makes its worker; a :data:`proofsearch.protocols.WorkerFactory` that can be pickled.

    Attributes:
        config: the resolved configuration.
        run_id: of the run, for the trajectories.
        extra: plugin modules without an entry point.
        glimpse: seconds between two glimpses that a worker tells; ``None``: it tells none.
        shared: what the workers that are made in this process share; a process that the recipe is sent to begins anew.
    """

    config: RunConfig
    run_id: str = ""
    extra: tuple[str, ...] = ()
    glimpse: float | None = None
    shared: SharedComponents = field(default_factory=SharedComponents, compare=False, repr=False)

    def __call__(self) -> SearchWorker:
        """Builds the worker with its components.

        Raises:
            ProofsearchError: a component can't be built.
        """
        plugins, parts = self._resolved()
        return SearchWorker(plugins, parts, self.run_id, self.shared, self.glimpse)

    def prepare(self) -> None:
        """Fills the caches of this machine; see :class:`proofsearch.protocols.PreparesMachines`."""
        with Components(*self._resolved(), shared=self.shared) as components:
            prepare(components)

    def models(self) -> Sequence[ModelName]:
        """The shared components; see :class:`proofsearch.protocols.ServesModels`."""
        _, parts = self._resolved()
        return [key for key, part in parts.chosen.items() if part.registration.shared]

    def hosting(self, model: ModelName) -> Callable[[], ServedModel]:
        """What makes a shared component where it is to be hosted."""
        return ModelRecipe(self.config, self.extra, model)

    def asking(self, addresses: Mapping[ModelName, ModelAddress]) -> WorkerRecipe:
        """A recipe for workers that ask there."""
        return dataclasses.replace(self, shared=RemoteComponents(addresses))

    def _resolved(self) -> tuple[Plugins, ResolvedRun]:
        plugins = Plugins.discover(self.extra)
        return plugins, resolve(plugins, self.config)


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """How a process makes the shared component that it hosts.

    Attributes:
        config: the resolved configuration.
        extra: plugin modules without an entry point.
        model: which component.
    """

    config: RunConfig
    extra: tuple[str, ...]
    model: ModelName

    def __call__(self) -> HostedModel:
        """Builds it.

        Raises:
            ProofsearchError: it can't be built.
        """
        plugins = Plugins.discover(self.extra)
        return HostedModel(plugins, resolve(plugins, self.config), self.model)


def prepare(components: Components) -> None:
    """Does once what every worker would otherwise do at the same time: indexes and other caches.

    Raises:
        UsageError: the search wants whole proofs, and the generator proposes none.
    """
    check_proposals(components.generator(), components.search)
    for component in (components.environment(), components.generator(), components.scorer()):
        if isinstance(component, Prepares):
            component.prepare()


class SearchWorker:
    """Searches theorems; a :class:`proofsearch.protocols.Worker`.

    Args:
        plugins: where the components come from.
        parts: what was chosen.
        run_id: of the run, for the trajectories.
        shared: as in :class:`WorkerRecipe`.
        glimpse: as in :class:`WorkerRecipe`.
    """

    def __init__(
        self,
        plugins: Plugins,
        parts: ResolvedRun,
        run_id: str = "",
        shared: SharedComponents | None = None,
        glimpse: float | None = None,
    ) -> None:
        self._config = parts.config
        self._run_id = run_id
        self._glimpse = glimpse
        self._glimpses: Glimpses | None = None
        self._clients = (shared or SharedComponents()).clients
        self._components = Components(plugins, parts, shared=shared, run_id=run_id)
        try:
            self._environment = self._components.environment()
            self._generator = self._components.generator()
            self._scorer = self._components.scorer()
            self._strategy = self._components.strategy()
            self._priority = self._components.priority()
            self._calibration = self._scorer.calibration() if isinstance(self._scorer, Calibrated) else None
            self._fingerprint = self._environment.fingerprint() if self._config.trajectories else {}
            self._watchers = self._components.observers()
        except BaseException:
            self._components.close()
            raise
        most = self._config.execution.max_prover_memory
        self._watch = ProverWatch(None if most is None else most * 1e6, self._environment)
        self._interruption = _Interrupter()
        self._checking = Checking(self._environment, self._config.env, self._config.min_tier)

    def report_progress_to(self, tell: Callable[[Any], None]) -> None:
        """Tells glimpses from now on, if any are wanted; see :class:`proofsearch.protocols.ReportsProgress`."""
        if self._glimpse is not None:
            self._glimpses = Glimpses(tell, self._glimpse, lambda: self._watch.last)

    def interrupter(self) -> Callable[[], None]:
        """What ends the search under way; see :class:`proofsearch.protocols.EndsJobs`."""
        self._interruption.watched = True
        return self._interruption.interrupt

    def close(self) -> None:
        """Closes the components. Idempotent."""
        self._components.close()

    def run(self, job: Job) -> Searched:
        """Searches the job's theorem. The result depends on the configuration and the theorem alone."""
        with self._clients.working():
            return self._run(job)

    def _run(self, job: Job) -> Searched:
        writer = trajectory_writer(self._config, self._run_id, self._fingerprint)
        observers: list[SearchObserver] = [watcher for watcher in self._watchers if watcher.sees_searches]
        observers[:0] = [observer for observer in (writer, self._glimpses) if observer is not None]
        session = self._environment.open(job.theorem)
        try:
            with self._interruption.during(session) as cancelled:
                found = search(
                    job.theorem,
                    session,
                    self._generator,
                    self._scorer,
                    config=self._config.search,
                    seed=self._config.seed,
                    accept=partial(self._checking, job.theorem),
                    observers=observers,
                    calibration=self._calibration,
                    strategy=self._strategy,
                    priority=self._priority,
                    processor=_processor_clock(),
                    cancelled=cancelled,
                    watch=self._watch,
                )
        finally:
            trouble = _close(session)
        self._watch.between()
        found = dataclasses.replace(found, replacements=self._watch.replacements)
        search_id, trajectory = _taken(writer)
        result = TheoremResult.from_search(found, seed=self._config.seed, search_id=search_id, attempts=job.attempt)
        for failure in [trouble, *(watcher.take_failure() for watcher in self._watchers)]:
            if failure is not None:
                result = dataclasses.replace(
                    result,
                    messages=(*result.messages, str(failure)),
                    warnings=(*result.warnings, str(failure)),
                    traceback=result.traceback or trace_of(failure),
                )
        return Searched(result, found.proof, trajectory)


def trajectory_writer(config: RunConfig, run_id: str, fingerprint: Mapping[str, str]) -> TrajectoryWriter | None:
    """What records the next search of a run; nothing where none is to be recorded.

    Args:
        config: of the run.
        run_id: its id.
        fingerprint: of the environment.
    """
    if not config.trajectories:
        return None
    # They bring pyarrow, which a run without trajectories has no need of.
    from proofsearch.trajectory.table import Origin, fingerprint_hash
    from proofsearch.trajectory.writer import TrajectoryWriter

    origin = Origin(
        run_id=run_id,
        environment=config.env,
        generator=config.generator,
        scorer=config.scorer,
        fingerprint=fingerprint_hash(fingerprint),
        seed=config.seed,
        limit=Limit(**config.search.limit.model_dump()),
    )
    return TrajectoryWriter(origin)


def _processor_clock() -> Callable[[], float]:
    """Seconds that processors worked for the search of this thread.

    The main thread of a process has no other search beside it, and the threads that a model computes in are its own.
    """
    return time.process_time if threading.current_thread() is threading.main_thread() else time.thread_time


def _taken(writer: TrajectoryWriter | None) -> tuple[str, bytes | None]:
    """The id and the trajectory of the search that ended; nothing where none was recorded."""
    recorded = writer.take() if writer is not None else None
    if recorded is None:
        return "", None
    from proofsearch.trajectory.writer import to_bytes

    return recorded[0], to_bytes(recorded[1])


def _close(session: Session) -> ComponentError | None:
    """Closes a session; returns what that does wrong: what was found before is none the worse for it."""
    try:
        session.close()
    except ComponentError as error:
        return error
    return None


class _Interrupter:
    """Ends a worker's search from another thread: the step that is running, and then the search.

    Attributes:
        watched: whether it can happen, so that a search has to look in between.
    """

    def __init__(self) -> None:
        self.watched = False
        self._asked = False
        self._session: Session | None = None

    @contextlib.contextmanager
    def during(self, session: Session) -> Iterator[Callable[[], bool] | None]:
        """Gives what a search asks whether it is to end; meanwhile its session's steps can be ended."""
        self._session = session
        if self._asked:  # before the session was known
            self.interrupt()
        try:
            yield (lambda: self._asked) if self.watched else None
        finally:
            self._session = None

    def interrupt(self) -> None:
        """Ends the search; from any thread."""
        self._asked = True
        session = self._session
        if isinstance(session, Interruptible):
            session.interrupt()
