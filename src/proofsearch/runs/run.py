"""A run: many theorems searched, each result made durable before the next is reported.

:func:`run_search` begins one and :func:`resume_search` resumes one that was stopped or killed. Both need no
command line::

    from proofsearch.config import RunConfig
    from proofsearch.runs.run import run_search

    summary = run_search(RunConfig(scorer="length"), Path("runs/length"))
    print(summary.proved, "of", summary.theorems)
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofsearch.config import RunConfig
from proofsearch.engine.watching import Watcher, Watching
from proofsearch.errors import ComponentError, RunFolderError
from proofsearch.guards import described
from proofsearch.plugins.components import Components, check_search
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import Resolved, ResolvedRun, resolve, used_packages
from proofsearch.protocols import (
    Environment,
    JobResult,
    RelaysProgress,
    RunInfo,
    TheoremResult,
)
from proofsearch.protocols.events import Began, OnEvent, ignore_event
from proofsearch.runs.faults import Fault, faults
from proofsearch.runs.folder import RunFolder
from proofsearch.runs.layout import refuse_taken
from proofsearch.runs.provenance import collect, differing
from proofsearch.runs.recorded import refuse_missing
from proofsearch.runs.recording import Recorder
from proofsearch.runs.selection import Selection, select
from proofsearch.runs.stopping import Jobs, StopRule
from proofsearch.runs.worker import Searched, WorkerRecipe, prepare
from proofsearch.types import Theorem

GLIMPSE_INTERVAL = 0.5
"""Seconds between two glimpses of a worker that a person watches."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run came to.

    Attributes:
        path: the run folder.
        theorems: how many the run is about.
        results: by theorem.
        seconds: wall-clock time of this session: a resumed run's earlier sessions are not in it.
    """

    path: Path
    theorems: int
    results: Mapping[str, TheoremResult]
    seconds: float

    @property
    def proved(self) -> int:
        """How many theorems have an accepted proof."""
        return sum(result.proved for result in self.results.values())

    @property
    def failures(self) -> list[TheoremResult]:
        """The theorems whose worker gave no result."""
        return [result for result in self.results.values() if result.failure]

    @property
    def faults(self) -> list[Fault]:
        """What components did against their contracts without ending a search."""
        return faults(self.results.values())


def run_search(
    config: RunConfig,
    out: Path,
    *,
    plugins: Plugins | None = None,
    on_event: OnEvent = ignore_event,
    live: bool = False,
    until: StopRule | None = None,
) -> RunSummary:
    """Searches theorems and keeps everything in a run folder.

    Args:
        config: what to do.
        out: the run folder to make; must not exist or be empty.
        plugins: default: those that are installed.
        on_event: told what happens, in this thread.
        live: tell of each :class:`~proofsearch.protocols.events.Glimpse` as well, where the executor can pass them on.
        until: says when the run has been searched far enough; default: when every theorem has a result.

    Raises:
        ProofsearchError: bad input, an unusable plugin, a full disk, a worker that can't start. What was recorded is
            kept and :func:`resume_search` resumes it.
    """
    began = time.monotonic()
    plugins = plugins or Plugins.discover()
    folder, parts, selection = _begin(plugins, config, out, on_event, until)
    with folder:
        on_event(Began(out, len(folder.theorems), 0, 0, selection.config, selection.is_default))
        _search(folder, plugins, parts, folder.remaining(), on_event, live, until)
        return RunSummary(out, len(folder.theorems), folder.results(), time.monotonic() - began)


def resume_search(
    path: Path,
    *,
    workers: int | None = None,
    retry_failures: bool = False,
    plugins: Plugins | None = None,
    on_event: OnEvent = ignore_event,
    live: bool = False,
    until: StopRule | None = None,
) -> RunSummary:
    """Resumes a run: searches the theorems that have no result yet.

    Args:
        path: the run folder.
        workers: instead of the run's own number.
        retry_failures: search those again whose worker gave no result.
        plugins: default: those that are installed.
        on_event: told what happens, in this thread.
        live: tell of each :class:`~proofsearch.protocols.events.Glimpse` as well, where the executor can pass them on.
        until: says when the run has been searched far enough; default: when every theorem has a result.

    Raises:
        RunFolderError: not a run folder, damaged, in use, of a newer version, or its environment has changed since.
        ProofsearchError: as :func:`run_search`.
    """
    began = time.monotonic()
    plugins = plugins or Plugins.discover()
    with RunFolder.open(path, write=True) as folder:
        if "minimised" in folder.environment:
            raise RunFolderError(
                f"{path}: holds shorter proofs of another run; go on with: proofsearch minimise RUN --out {path}"
            )
        config = folder.config
        if workers is not None:
            config = config.model_copy(update={"execution": config.execution.model_copy(update={"workers": workers})})
        parts = resolve(plugins, config)
        refuse_missing(folder)
        remaining = folder.remaining(retry_failures=retry_failures)
        if remaining:
            with Components(plugins, parts, on_event) as components:
                refuse_changed(folder, components.environment())
                prepare(components)
        earlier = folder.results()
        if until is not None:
            again = {theorem.name for theorem in remaining}
            kept = {name: result for name, result in earlier.items() if name not in again}
            until.begin(config, folder.fingerprint, folder.theorems, kept)
        proved = sum(result.proved for result in earlier.values())
        on_event(Began(path, len(folder.theorems), len(folder.theorems) - len(remaining), proved))
        _search(folder, plugins, parts, remaining, on_event, live, until)
        return RunSummary(path, len(folder.theorems), folder.results(), time.monotonic() - began)


def _begin(
    plugins: Plugins, config: RunConfig, out: Path, on_event: OnEvent, until: StopRule | None
) -> tuple[RunFolder, ResolvedRun, Selection]:
    """Selects the theorems and makes the folder. The environment, which may be large, does not outlive this."""
    parts = resolve(plugins, config)
    check_search(plugins, parts)
    # Preparing can take minutes; a folder that is taken is refused before.
    refuse_taken(out)
    with Components(plugins, parts, on_event) as components:
        environment = components.environment()
        selection = select(environment, config.select, config.seed)
        if until is not None:
            until.begin(config, dict(environment.fingerprint()), selection.theorems, {})
        prepare(components)
        resolved = parts.config.model_copy(update={"select": selection.config})
        folder = RunFolder.create(
            out,
            resolved,
            collect(config.seed, environment.fingerprint(), used_packages(plugins, parts)),
            selection.theorems,
            proof_suffix=environment.proof_suffix,
            whole=selection.whole,
        )
    return folder, Resolved(resolved, parts.chosen), selection


def _search(
    folder: RunFolder,
    plugins: Plugins,
    parts: ResolvedRun,
    theorems: Sequence[Theorem],
    on_event: OnEvent,
    live: bool,
    until: StopRule | None,
) -> None:
    """Has the executor search the theorems and records each result before it is told."""
    about = RunInfo(folder.path, parts.config, len(folder.theorems), len(folder.theorems) - len(theorems))
    with (
        Components(plugins, parts, run_id=folder.run_id) as components,
        Watching(components.observers(), on_event) as observers,
    ):
        executor = components.executor()
        observers.notify(Watcher.run_started, about)
        glimpse = None
        if live and isinstance(executor, RelaysProgress):
            glimpse = GLIMPSE_INTERVAL
            executor.relay_progress_to(lambda job, glimpse: on_event(glimpse))
        recipe = WorkerRecipe(parts.config, folder.run_id, plugins.extra, glimpse)
        jobs = Jobs(theorems, until)
        named = f"{described(executor, 'executor')}: run()"
        with Recorder(folder, executor, observers, on_event, until) as recorder:
            for done in executor.run(recipe, jobs):
                if done.job.key not in jobs.waiting:
                    raise ComponentError(
                        f"{named} reported {done.job.key!r}, which was reported before or is no job of it"
                    )
                jobs.waiting.discard(done.job.key)
                recorder.take(searched_by(done, parts.config.seed))
        missing = jobs.waiting | {theorem.name for theorem in jobs.left()}
        if missing:
            raise ComponentError(
                f"{named} ended without a result for {len(missing)} of {len(theorems)} jobs, such as "
                f"{min(missing)!r}; what came is kept"
            )
        folder.finish()
        if not folder.remaining():
            results = folder.results() if observers else {}
            observers.notify(Watcher.run_finished, about, results)


def searched_by(done: JobResult, seed: int) -> Searched:
    """What a worker returned, or the result of a theorem whose worker gave none."""
    if isinstance(done.payload, Searched):
        return done.payload
    failed = TheoremResult(
        theorem=done.job.theorem.name,
        status="failed",
        attempts=done.job.attempt,
        failure=done.failure or "error",
        message=done.message,
        traceback=done.traceback,
        seed=seed,
    )
    return Searched(failed)


def refuse_changed(folder: RunFolder, environment: Environment) -> None:
    """Refuses an environment that is another than a run's was.

    Raises:
        RunFolderError: it has changed since; the message says in what.
    """
    recorded = folder.fingerprint
    now = dict(environment.fingerprint())
    changed = differing(recorded, now)
    if changed:
        key = changed[0]
        raise RunFolderError(
            f"{folder.path}: the environment has changed since the run began: {key} was {recorded.get(key)!r} and is "
            f"{now.get(key)!r}; put back what it was, or start a new run"
        )
