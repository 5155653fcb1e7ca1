"""Checking a run's proofs again, from its files alone, in as many processes as pay."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofsearch.config import ExecutionConfig, RunConfig
from proofsearch.errors import RunFolderError, UsageError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.process.usage import processors
from proofsearch.protocols import Environment, Job, JobResult
from proofsearch.protocols.events import OnEvent, Preparing, ignore_event
from proofsearch.runs import RunFolder
from proofsearch.runs.checking import require_tier
from proofsearch.runs.provenance import differing
from proofsearch.types import Verdict
from proofsearch.workers.serving import attempt
from proofsearch.workers.slots import Done, Failed

_EXECUTOR = "local"
"""Who spreads the checks over processes, whatever executor searched."""

_PATIENCE = 2.0
"""Seconds of checking that are not worth starting processes for."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a run's proofs.

    Attributes:
        theorems: how many the run is about.
        searched: how many of them have a result.
        verdicts: by theorem, of every proof that the run recorded as accepted, in the run's order.
        changed: what the environment depends on and is not as it was when the run began.
    """

    theorems: int
    searched: int
    verdicts: dict[str, Verdict]
    changed: tuple[str, ...]

    @property
    def refused(self) -> dict[str, Verdict]:
        """The verdicts on proofs that were not accepted."""
        return {name: verdict for name, verdict in self.verdicts.items() if not verdict.proved}


def verify_run(
    path: Path,
    *,
    workers: int = 0,
    plugins: Plugins | None = None,
    on_event: OnEvent = ignore_event,
) -> Verification:
    """Checks every recorded proof again. Nothing is taken from the results but which theorems to check.

    Args:
        path: the run folder.
        workers: processes at most; 0: as many as there are processors. Where all is done in moments, or with 1, this
            process checks alone.
        plugins: default: those that are installed.
        on_event: told what happens, in this thread.

    Raises:
        RunFolderError: not a run folder, or damaged.
        ProofsearchError: the environment can't be built.
    """
    plugins = plugins or Plugins.discover()
    folder = RunFolder.open(path)
    results = folder.results()
    claimed = [theorem for theorem in folder.theorems if theorem.name in results and results[theorem.name].proved]
    config = _config(folder.config, workers or processors())
    found: dict[str, Verdict] = {}
    with Components(plugins, resolve(plugins, config, shared=True), on_event) as components:
        environment = components.environment()
        recorded, now = folder.fingerprint, dict(environment.fingerprint())
        jobs = [Job(theorem.name, theorem) for theorem in claimed]
        recipe = _Recipe(config, path.absolute(), plugins.extra)
        for result in _spread(_Checker(folder, environment), components, recipe, jobs):
            name = result.job.theorem.name
            found[name] = _verdict(result)
            on_event(Preparing("verifying", len(found), len(jobs)))
    changed = tuple(differing(recorded, now))
    ordered = {theorem.name: found[theorem.name] for theorem in claimed}
    return Verification(len(folder.theorems), len(results), ordered, changed)


def _config(config: RunConfig, workers: int) -> RunConfig:
    """The run's configuration with this machine's processes to execute it.

    How long a search might take, in how much memory and under whose eyes, says nothing of a check: that is left out.
    """
    options = config.options | {_EXECUTOR: config.options.get(_EXECUTOR, {}) | {"mode": "processes"}}
    execution = ExecutionConfig(executor=_EXECUTOR, workers=workers)
    return config.model_copy(update={"execution": execution, "options": options, "observers": ()})


def _spread(checker: _Checker, components: Components, recipe: _Recipe, jobs: Sequence[Job]) -> Iterator[JobResult]:
    """Checks what can be checked in moments here, and the rest in processes."""
    workers, began = recipe.config.execution.workers, time.monotonic()
    for done, job in enumerate(jobs):
        spent = time.monotonic() - began
        if workers > 1 and spent > _PATIENCE and spent * (len(jobs) - done) > _PATIENCE * done:
            yield from components.executor().run(recipe, jobs[done:])
            return
        message = attempt(checker, job)
        yield (
            JobResult(job, None, message.failure, message.message)
            if isinstance(message, Failed)
            else JobResult(job, message.payload if isinstance(message, Done) else None)
        )


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How a process makes its checker; a :data:`proofsearch.protocols.WorkerFactory` that can be pickled."""

    config: RunConfig
    path: Path
    extra: tuple[str, ...]

    def __call__(self) -> _Checker:
        plugins = Plugins.discover(self.extra)
        components = Components(plugins, resolve(plugins, self.config, shared=True))
        try:
            return _Checker(RunFolder.open(self.path), components.environment(), components.close)
        except BaseException:
            components.close()
            raise


class _Checker:
    """Checks recorded proofs; a :class:`proofsearch.protocols.Worker`.

    Args:
        folder: the run.
        environment: what checks.
        close: frees it.
    """

    def __init__(self, folder: RunFolder, environment: Environment, close: Callable[[], None] = lambda: None) -> None:
        self._folder = folder
        self._environment = environment
        self.close = close

    def run(self, job: Job) -> Verdict:
        """The verdict on the recorded proof of the job's theorem."""
        recorded = job.theorem
        try:
            theorem = self._environment.theorem(recorded.name)
            proof = self._folder.proof(recorded.name)
        except (RunFolderError, UsageError) as error:
            return _refused(str(error))
        if theorem.statement != recorded.statement:
            return _refused(f"the theorem now says {theorem.statement!r}; the run searched {recorded.statement!r}")
        return require_tier(self._environment.verify(theorem, proof), self._folder.config.min_tier)


def _verdict(result: JobResult) -> Verdict:
    if isinstance(result.payload, Verdict):
        return result.payload
    return _refused(f"the check gave no verdict: {result.failure or 'error'}: {result.message}")


def _refused(message: str) -> Verdict:
    return Verdict(proved=False, checker="proofsearch", message=message)
