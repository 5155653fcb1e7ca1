"""A run: many theorems searched, each result made durable before the next is reported.

:func:`run_search` begins one and :func:`resume_search` goes on with one that was stopped or killed. Both need no
command line::

    from proofsearch.config import RunConfig
    from proofsearch.runs.run import run_search

    summary = run_search(RunConfig(scorer="length"), Path("runs/length"))
    print(summary.proved, "of", summary.theorems)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from proofsearch.config import RunConfig
from proofsearch.engine.glimpses import Glimpse
from proofsearch.engine.watching import Watcher
from proofsearch.errors import ComponentError, RunFolderError, trace_of
from proofsearch.guards import described
from proofsearch.plugins.components import Components, check_search
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import Parts, resolve
from proofsearch.protocols import Environment, HearsProgress, Job, JobResult, Prepares, RunInfo, TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.runs.faults import Fault, faults, source_of
from proofsearch.runs.layout import refuse_taken
from proofsearch.runs.provenance import collect, differing
from proofsearch.runs.selection import Selection, select
from proofsearch.runs.worker import Searched, WorkerRecipe
from proofsearch.types import Theorem


@dataclass(frozen=True, slots=True)
class Preparing:
    """Something takes long before the searches begin; ``done`` of ``total``, where that is known."""

    message: str
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Began:
    """The searches begin.

    Attributes:
        path: the run folder.
        theorems: how many the run is about.
        done: how many of them have a result from before.
        proved: how many of these are proved.
        selection: what was selected; ``None`` where a run is gone on with.
    """

    path: Path
    theorems: int
    done: int
    proved: int
    selection: Selection | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A theorem's result is in the run folder."""

    result: TheoremResult


@dataclass(frozen=True, slots=True)
class Searching:
    """A search is under way; told now and then where that was asked for."""

    glimpse: Glimpse


@dataclass(frozen=True, slots=True)
class Warned:
    """A component did something against its contract for the first time in this session of the run, and it goes on.

    Attributes:
        theorem: in whose search; ``""`` where an observer of the run itself failed.
        message: what it did, a line that names component and method.
        traceback: where that was raised, as text; ``""`` where it wasn't.
    """

    theorem: str
    message: str
    traceback: str = ""


RunEvent = Preparing | Began | Searching | Recorded | Warned
OnEvent = Callable[[RunEvent], None]

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
    cache: Path | None = None,
    on_event: OnEvent | None = None,
    live: bool = False,
    argv: Sequence[str] = (),
) -> RunSummary:
    """Searches theorems and keeps everything in a run folder.

    Args:
        config: what to do.
        out: the run folder to make; must not exist or be empty.
        plugins: default: those that are installed.
        cache: a folder for what can be computed again; default: the user's.
        on_event: told what happens, in this thread.
        live: tell :class:`Searching` events as well, where the executor can pass them on.
        argv: the command line, for the record.

    Raises:
        ProofsearchError: bad input, an unusable plugin, a full disk, a worker that can't start. What was recorded is
            kept and :func:`resume_search` goes on with it.
    """
    began = time.monotonic()
    tell = on_event or _ignore
    plugins = plugins or Plugins.discover()
    folder, parts, selection = _begin(plugins, config, out, cache, tell, argv)
    with folder:
        tell(Began(out, len(folder.theorems), 0, 0, selection))
        _search(folder, plugins, parts, folder.remaining(), cache, tell, live)
        return RunSummary(out, len(folder.theorems), RunFolder.open(out).results(), time.monotonic() - began)


def resume_search(
    path: Path,
    *,
    workers: int | None = None,
    retry_failures: bool = False,
    plugins: Plugins | None = None,
    cache: Path | None = None,
    on_event: OnEvent | None = None,
    live: bool = False,
) -> RunSummary:
    """Goes on with a run: searches the theorems that have no result yet.

    Args:
        path: the run folder.
        workers: instead of the run's own number.
        retry_failures: search those again whose worker gave no result.
        plugins: default: those that are installed.
        cache: a folder for what can be computed again; default: the user's.
        on_event: told what happens, in this thread.
        live: tell :class:`Searching` events as well, where the executor can pass them on.

    Raises:
        RunFolderError: not a run folder, damaged, in use, of a newer version, or its environment has changed since.
        ProofsearchError: as :func:`run_search`.
    """
    began = time.monotonic()
    tell = on_event or _ignore
    plugins = plugins or Plugins.discover()
    from proofsearch.runs.recorded import refuse_missing  # brings pyarrow, which the command's help has no need of

    with RunFolder.open(path, write=True) as folder:
        config = folder.config
        if workers is not None:
            config = config.model_copy(update={"execution": config.execution.model_copy(update={"workers": workers})})
        parts = resolve(plugins, config)
        refuse_missing(folder)
        remaining = folder.remaining(retry_failures=retry_failures)
        if remaining:
            with Components(plugins, parts, lambda *what: tell(Preparing(*what)), cache) as components:
                _refuse_changed(folder, components.environment())
                _prepare(components)
        earlier = folder.results()
        proved = sum(result.proved for result in earlier.values())
        tell(Began(path, len(folder.theorems), len(folder.theorems) - len(remaining), proved, None))
        _search(folder, plugins, parts, remaining, cache, tell, live)
        return RunSummary(path, len(folder.theorems), RunFolder.open(path).results(), time.monotonic() - began)


def _begin(
    plugins: Plugins, config: RunConfig, out: Path, cache: Path | None, tell: OnEvent, argv: Sequence[str]
) -> tuple[RunFolder, Parts, Selection]:
    """Selects the theorems and makes the folder. The environment, which may be large, does not outlive this."""
    parts = resolve(plugins, config)
    check_search(plugins, parts)
    # Preparing can take minutes; a folder that is taken is refused before.
    refuse_taken(out)
    with Components(plugins, parts, lambda *what: tell(Preparing(*what)), cache) as components:
        environment = components.environment()
        selection = select(environment, config.select, config.seed)
        _prepare(components)
        resolved = parts.config.model_copy(update={"select": selection.config})
        folder = RunFolder.create(
            out,
            resolved,
            collect(argv, config.seed, environment.fingerprint()),
            selection.theorems,
            proof_suffix=environment.proof_suffix,
            whole=selection.whole,
        )
    return folder, Parts(resolved, parts.chosen), selection


def _search(
    folder: RunFolder,
    plugins: Plugins,
    parts: Parts,
    theorems: Sequence[Theorem],
    cache: Path | None,
    tell: OnEvent,
    live: bool,
) -> None:
    """Has the executor search the theorems and records each result before it is told."""
    about = RunInfo(folder.path, parts.config, len(folder.theorems), len(folder.theorems) - len(theorems))
    with Components(plugins, parts, cache=cache) as components, _Audience(components.observers(), tell) as audience:
        executor = components.executor()
        audience.hear(Watcher.run_started, about)
        glimpse = None
        if live and isinstance(executor, HearsProgress):
            glimpse = GLIMPSE_INTERVAL
            executor.hear_with(lambda job, told: tell(Searching(told)))
        recipe = WorkerRecipe(parts.config, folder.run_id, plugins.extra, cache, glimpse)
        jobs = (Job(theorem.name, theorem) for theorem in theorems)
        warned: set[str] = set()
        waiting = {theorem.name for theorem in theorems}
        named = f"{described(executor, 'executor')}: run()"
        for done in executor.run(recipe, jobs):
            if done.job.key not in waiting:
                raise ComponentError(f"{named} reported {done.job.key!r}, which was reported before or is no job of it")
            waiting.discard(done.job.key)
            searched = _searched(done, parts.config.seed)
            result = folder.record(searched.result, searched.proof, searched.trajectory)
            tell(Recorded(result))
            for warning in searched.result.warnings:
                if source_of(warning) not in warned:
                    warned.add(source_of(warning))
                    tell(Warned(searched.result.theorem, warning, searched.result.traceback))
            audience.hear(Watcher.searched, result)
        if waiting:
            raise ComponentError(
                f"{named} ended without a result for {len(waiting)} of {len(theorems)} jobs, such as "
                f"{min(waiting)!r}; what came is kept"
            )
        folder.finish()
        results = RunFolder.open(folder.path).results() if audience else {}
        audience.hear(Watcher.run_finished, about, results)


class _Audience:
    """The observers in the process that leads a run.

    Args:
        watchers: the observers.
        tell: gets a warning for each that fails.
    """

    def __init__(self, watchers: Sequence[Watcher], tell: OnEvent) -> None:
        self._watchers = watchers
        self._tell = tell

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hear(Watcher.close)

    def __bool__(self) -> bool:
        return bool(self._watchers)

    def hear(self, what: Callable[..., None], *told: object) -> None:
        """Calls a method of all of them."""
        for watcher in self._watchers:
            what(watcher, *told)
            if failure := watcher.take_failure():
                self._tell(Warned("", str(failure), trace_of(failure)))


def _searched(done: JobResult, seed: int) -> Searched:
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


def _prepare(components: Components) -> None:
    """Does once what every worker would otherwise do at the same time: indexes and other caches."""
    for component in (components.environment(), components.generator(), components.scorer()):
        if isinstance(component, Prepares):
            component.prepare()


def _refuse_changed(folder: RunFolder, environment: Environment) -> None:
    recorded = folder.fingerprint
    now = dict(environment.fingerprint())
    changed = differing(recorded, now)
    if changed:
        key = changed[0]
        raise RunFolderError(
            f"{folder.path}: the environment has changed since the run began: {key} was {recorded.get(key)!r} and is "
            f"{now.get(key)!r}; put back what it was, or start a new run"
        )


def _ignore(event: RunEvent) -> None:
    pass
