"""What a training learns from: runs that are named, those that are found, or one that is recorded first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from proofsearch.config import LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig, TrainConfig
from proofsearch.errors import InputError, UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols.events import Noted, OnEvent
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import is_run_folder
from proofsearch.runs.run import resume_search, run_search

RUNS = Path("runs")
"""Where runs are looked for that nobody named."""

RECORDING = RUNS / "train"
"""The run that is recorded where there is none."""


def recording_config(config: TrainConfig) -> RunConfig:
    """The run that is recorded first where there is none: known proofs, and what the policy would have tried.

    Its options are those of the training, of which it takes what it needs.
    """
    return RunConfig(
        env=config.env,
        generator="demonstrated",
        scorer="demonstration",
        seed=config.seed,
        select=SelectionConfig(split=config.record.split, limit=config.record.theorems),
        # Two queues: one follows the known proof to its end, the other the policy away from it.
        search=SearchConfig(
            limit=LimitConfig(expansions=config.record.expansions), priority=PriorityConfig(kind="split")
        ),
        execution=config.execution,
        options=config.options,
    )


def recorded_runs(folder: Path) -> Iterator[Path]:
    """The run folders at or below a folder that hold trajectories, in the order of their names."""
    if is_run_folder(folder):
        if any((folder / "trajectories").glob("*.parquet")):
            yield folder
    elif folder.is_dir():
        for inner in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
            yield from recorded_runs(inner)


def find_or_record(
    plugins: Plugins, config: TrainConfig, on_event: OnEvent, beforehand: Callable[[], None]
) -> tuple[str, ...]:
    """The runs under ``runs``, or one that is recorded now.

    Args:
        plugins: where to look.
        config: of the training.
        on_event: told what happens.
        beforehand: called before anything is recorded; what it raises ends this.
    """
    if _is_recording(RECORDING) and RunFolder.open(RECORDING).remaining():
        beforehand()
        on_event(Noted(f"{RECORDING} was recorded for this and is not finished: resuming it"))
        resume_search(RECORDING, plugins=plugins, on_event=on_event)
    found = list(_fitting(config, on_event))
    if not found:
        beforehand()
        on_event(
            Noted(
                f"there is no recorded run under {RUNS} to learn from: recording one first in {RECORDING}, along the "
                f"library's own proofs of up to {config.record.theorems} theorems (split {config.record.split}), up to "
                f"{config.record.expansions} expansions each. That takes minutes, how many is said below; it is kept "
                f"for the next training"
            )
        )
        _record(plugins, config, on_event)
        found = [RECORDING]
    return tuple(str(path.absolute()) for path in found)


def _fitting(config: TrainConfig, on_event: OnEvent) -> Iterator[Path]:
    """The runs under ``runs`` that may be learnt from; says which are not and why."""
    for path in recorded_runs(RUNS):
        run = RunFolder.open(path).config
        if run.select.split == "test":
            on_event(Noted(f"{path} is a search of test theorems: not learnt from"))
        elif run.env != config.env:
            on_event(Noted(f"{path} is of the environment {run.env!r}, not of {config.env!r}: not learnt from"))
        else:
            on_event(Noted(f"learning from {path}"))
            yield path


def _is_recording(path: Path) -> bool:
    return is_run_folder(path) and RunFolder.open(path).config.generator == "demonstrated"


def _record(plugins: Plugins, config: TrainConfig, on_event: OnEvent) -> None:
    run = resolve(plugins, recording_config(config), shared=True).config
    try:
        summary = run_search(run, RECORDING, plugins=plugins, on_event=on_event)
    except UsageError as error:
        raise UsageError(
            f"there is no recorded run under {RUNS} to learn from, and none can be recorded: {error}; "
            f"record searches with: proofsearch search --split train, or name some with --trajectories"
        ) from None
    if len(summary.failures) == summary.theorems:
        raise UsageError(f"no theorem could be searched in {RECORDING}: {summary.failures[0].message}")


def refuse_useless(path: Path, env: str) -> None:
    """Refuses a run that recorded no searches, and searches of another environment.

    Those that don't say theirs are the trainer's to judge.

    Raises:
        InputError: there are none, or some of another environment.
    """
    # Imported here since they bring pyarrow, which the command's help has no need of.
    from proofsearch.runs.recorded import refuse_missing
    from proofsearch.trajectory.files import trajectory_files
    from proofsearch.trajectory.reader import environments

    if not trajectory_files(path):
        raise InputError(
            f"{path}: the run has no trajectories; was it made with --no-trajectories? Record one that has them"
        )
    if is_run_folder(path):
        folder = RunFolder.open(path)
        refuse_missing(folder)
        found = frozenset({folder.config.env})
    else:
        found = environments(path)
    foreign = sorted(found - {env, ""})
    if foreign:
        raise InputError(
            f"{path}: holds searches in the environment {foreign[0]!r}, expected those of {env!r}, which is trained "
            f"for; name others with --trajectories, or choose --env {foreign[0]}"
        )
