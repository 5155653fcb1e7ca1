"""A run of shorter proofs, made from a run that found some."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofsearch.config import RunConfig
from proofsearch.errors import RunFolderError, UsageError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import Resolved, ResolvedRun, resolve, used_packages
from proofsearch.protocols import Job, TheoremResult
from proofsearch.protocols.events import Began, OnEvent, Preparing, Recorded, ignore_event
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import refuse_taken
from proofsearch.runs.minimising.worker import Bounds, MinimiserRecipe
from proofsearch.runs.provenance import collect
from proofsearch.runs.run import refuse_changed, searched_by
from proofsearch.runs.worker import prepare
from proofsearch.types import Theorem

_EXECUTOR = "local"


@dataclass(frozen=True, slots=True)
class Minimised:
    """What a minimising run came to.

    Attributes:
        path: the new run folder.
        before: the results that it began with, by theorem.
        after: the new ones, by theorem; those that failed included.
        seconds: wall-clock time of this session.
    """

    path: Path
    before: Mapping[str, TheoremResult]
    after: Mapping[str, TheoremResult]
    seconds: float

    @property
    def lengths(self) -> list[tuple[int, int]]:
        """The numbers of tactics before and after, of each theorem that has both."""
        return [
            (len(self.before[name].tactics), len(result.tactics))
            for name, result in self.after.items()
            if result.proved and name in self.before
        ]

    @property
    def shorter(self) -> int:
        """How many proofs have fewer tactics now."""
        return sum(after < before for before, after in self.lengths)

    @property
    def median(self) -> tuple[float, float]:
        """The median number of tactics before and after, of those that got shorter; ``nan`` where none did."""
        changed = [pair for pair in self.lengths if pair[1] < pair[0]]
        if not changed:
            return float("nan"), float("nan")
        return statistics.median(one for one, _ in changed), statistics.median(one for _, one in changed)


def minimise_run(
    path: Path,
    out: Path,
    bounds: Bounds | None = None,
    *,
    workers: int = 0,
    plugins: Plugins | None = None,
    on_event: OnEvent = ignore_event,
) -> Minimised:
    """Makes a run's proofs shorter, and keeps them in a run folder of their own.

    Args:
        path: the run; it stays as it is.
        out: the folder to make. One that this began before, from the same run, is continued.
        bounds: what may be spent.
        workers: processes; 0: as many as there are processors.
        plugins: default: those that are installed.
        on_event: told what happens, in this thread.

    Raises:
        RunFolderError: not a run folder, damaged, or another one than ``out`` was begun from.
        UsageError: the run proved nothing.
        ProofsearchError: a component can't be built.
    """
    began = time.monotonic()
    plugins = plugins or Plugins.discover()
    source = RunFolder.open(path)
    known = {name: result for name, result in source.results().items() if result.proved}
    theorems = [theorem for theorem in source.theorems if theorem.name in known]
    if not theorems:
        raise UsageError(f"{path}: this run has proved nothing, so there is no proof to make shorter")
    config = _config(source.config, workers)
    parts = resolve(plugins, config)
    with _begun(source, out, theorems, parts, plugins, on_event) as folder:
        remaining = folder.remaining()
        on_event(Began(out, len(theorems), len(theorems) - len(remaining), len(theorems) - len(remaining)))
        recorded = _recorded(source, {theorem.name for theorem in remaining}, on_event)
        recipe = MinimiserRecipe(config, known, recorded, bounds or Bounds(), folder.run_id, plugins.extra)
        with Components(plugins, parts) as components:
            for done in components.executor().run(recipe, (Job(theorem.name, theorem) for theorem in remaining)):
                found = searched_by(done, config.seed)
                on_event(Recorded(folder.record(found.result, found.proof, found.trajectory, found.others)))
        folder.finish()
        return Minimised(out, known, RunFolder.open(out).results(), time.monotonic() - began)


def _config(config: RunConfig, workers: int) -> RunConfig:
    """The run's configuration with this machine's processes, trajectories for trainers, and nobody who watches."""
    execution = config.execution.model_copy(update={"executor": _EXECUTOR, "workers": workers, "timeout": None})
    return config.model_copy(update={"execution": execution, "observers": (), "trajectories": True})


def _begun(
    source: RunFolder,
    out: Path,
    theorems: Sequence[Theorem],
    parts: ResolvedRun,
    plugins: Plugins,
    on_event: OnEvent,
) -> RunFolder:
    """The folder to write to: new, or as it was left."""
    before = RunFolder.open(out, write=True) if (out / "run.json").is_file() else None
    if before is not None and before.environment.get("minimised") != source.run_id:
        before.close()
        raise RunFolderError(
            f"{out}: holds another run than one of the shorter proofs of {source.path}; choose another --out"
        )
    if before is None:
        refuse_taken(out)
    try:
        with Components(plugins, parts, on_event) as components:
            environment = components.environment()
            refuse_changed(source, environment)
            prepare(components)
            if before is not None:
                return before
            resolved = Resolved(parts.config, parts.chosen).config
            used = used_packages(plugins, parts)
            about = collect(parts.config.seed, environment.fingerprint(), used) | {"minimised": source.run_id}
            return RunFolder.create(out, resolved, about, theorems, proof_suffix=environment.proof_suffix)
    except BaseException:
        if before is not None:
            before.close()
        raise


def _recorded(source: RunFolder, names: set[str], on_event: OnEvent) -> dict[str, Mapping[str, str]]:
    """The shortest recorded proof of each theorem that has one."""
    from proofsearch.runs.minimising.recorded import shortest
    from proofsearch.trajectory.reader import read_searches

    found: dict[str, Mapping[str, str]] = {}
    if not names or not any(result.search_id for result in source.results().values()):
        return found
    total = len(source.theorems)
    for number, search in enumerate(read_searches([source.path]), start=1):
        if search.theorem.name in names:
            found[search.theorem.name] = shortest(search)
        on_event(Preparing(f"reading {source.path}", number, total))
    return found
