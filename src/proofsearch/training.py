"""A training: from recorded searches to a checkpoint, with the trainer of a plugin.

    from proofsearch.config import TrainConfig
    from proofsearch.training import train

    summary = train(TrainConfig(plugin="ebm", trajectories=("runs/train",)), Path("checkpoint"))
    print(summary.metrics)

Where no trajectories are named, every run under ``runs`` is learnt from; where there is none, one is recorded first:
the library's own proofs of a sample of training theorems, with what the policy would have tried instead
(:mod:`proofsearch.builtins.demonstration`). A trainer whose options have an attribute ``needs_trajectories`` that is
false learns from something else, such as the library's proofs: for it nothing is looked for and nothing recorded.

A launcher such as torchrun may start the same training in several processes, told apart by the variable ``RANK``: the
first of them alone looks after the checkpoint folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofsearch import storage
from proofsearch.checkpoint import MANIFEST, read_manifest
from proofsearch.components import (
    CHOOSERS,
    Components,
    TrainingParts,
    refuse_strays,
    resolve,
    resolve_training,
)
from proofsearch.config import LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig, TrainConfig
from proofsearch.errors import InputError, PluginError, StorageError, UsageError
from proofsearch.outputs import check_folder
from proofsearch.plugins import Plugins
from proofsearch.protocols import TrainingReport, TrainingRequest
from proofsearch.run import OnEvent, Preparing, RunEvent, resume_search, run_search
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import is_run_folder
from proofsearch.runs.settings import from_whole_toml, to_toml
from proofsearch.validation import Place, dotted

RUNS = Path("runs")
"""Where runs are looked for that nobody named."""

RECORDING = RUNS / "train"
"""The run that is recorded where there is none."""

TRAINING_CHOOSERS = {kind: CHOOSERS[kind] for kind in ("environment", "trainer", "executor")}
"""The kinds that a training chooses, and the option that does."""

SETTINGS = "train.toml"
"""The resolved configuration in the checkpoint folder: what ``resume`` goes on with."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that a person should know; a sentence or two."""

    message: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """The trainer reported how far it is."""

    report: TrainingReport


TrainingEvent = RunEvent | Noted | Progressed
OnTrainingEvent = Callable[[TrainingEvent], None]


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """What a training came to.

    Attributes:
        checkpoint: the folder.
        kind, name: what component reads it: ``"scorer"``, ``"ebm"``.
        trajectories: what was learnt from.
        metrics: what the checkpoint says was measured on it.
        seconds: wall-clock time of this session, a first recording included.
    """

    checkpoint: Path
    kind: str
    name: str
    trajectories: tuple[str, ...]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def train(
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    plugins: Plugins | None = None,
    cache: Path | None = None,
    on_event: OnTrainingEvent | None = None,
    argv: Sequence[str] = (),
) -> TrainingSummary:
    """Trains a component and keeps the checkpoint in a folder.

    Args:
        config: what to do.
        out: the checkpoint folder; must not exist or be empty unless ``resume``.
        resume: go on from what ``out`` holds. The configuration counts as it is given here: read the one that the
            training was begun with by :func:`begun_with`. It is kept in ``out`` once something is trained with it.
        plugins: default: those that are installed.
        cache: a folder for what can be computed again; default: the user's.
        on_event: told what happens, in this thread.
        argv: the command line, for the record of a run that is recorded first.

    Raises:
        KeyboardInterrupt: after the trainer has saved what it has; call again with ``resume``.
        UsageError: a wrong option, or nothing to learn from and nothing to be recorded.
        InputError: ``out`` is taken, or trajectories that can't be learnt from.
        ProofsearchError: an unusable plugin, a full disk. What was written is whole.
    """
    began = time.monotonic()
    tell = on_event or _ignore
    plugins = plugins or Plugins.discover()
    parts = check(plugins, config)
    if resume:
        _refuse_nothing(out)
    elif leads():
        _refuse_taken(out)
    trajectories = tuple(str(Path(path).expanduser().absolute()) for path in config.trajectories)
    if not trajectories and _needs_trajectories(parts):
        trajectories = _found_or_recorded(plugins, config, cache, tell, argv)
    for path in trajectories:
        _refuse_empty(Path(path))
        _refuse_foreign(Path(path), config.env)
    resolved = parts.config.model_copy(update={"trajectories": trajectories})
    before = begun_with(out)
    kept = _KeptOnce(resolved, out)
    if not resume:
        kept.keep()

    def report(told: TrainingReport) -> None:
        if told.step:
            kept.keep()
        tell(Progressed(told))

    manifest_before = _manifest_content(out)
    with Components(plugins, parts, lambda *what: tell(Preparing(*what)), cache) as components:
        request = TrainingRequest(
            trajectories=[Path(path) for path in trajectories],
            out=out,
            seed=config.seed,
            resume=resume,
            report=report,
        )
        checkpoint = components.trainer().train(request)
    if not (checkpoint / MANIFEST).is_file():
        raise PluginError(
            f"the trainer {config.plugin!r} ended and left no checkpoint at {checkpoint} (no {MANIFEST}); "
            f"that is a fault of its plugin"
        )
    if _manifest_content(out) != manifest_before:
        kept.keep()
    elif before is not None and not kept.done:
        trajectories = before.trajectories  # nothing was left to train
    manifest = read_manifest(checkpoint)
    seconds = time.monotonic() - began
    return TrainingSummary(checkpoint, manifest.kind, manifest.name, trajectories, manifest.metrics, seconds)


def leads() -> bool:
    """Whether this is the process that writes and speaks, where a launcher started several of one training."""
    return os.environ.get("RANK", "0") == "0"


def check(plugins: Plugins, config: TrainConfig, name: Callable[[Place], str] = dotted) -> TrainingParts:
    """Looks up what a training needs and checks its options; those of a first recording count too.

    Args:
        plugins: where to look.
        config: the configuration.
        name: how to call a place of it in errors.

    Raises:
        PluginError, UsageError: as :func:`proofsearch.components.resolve`.
    """
    parts = resolve_training(plugins, config, name, shared=True)
    recording = resolve(plugins, recording_config(config), name, shared=True)
    refuse_strays(plugins, config.options, {**recording.chosen, **parts.chosen}, name, TRAINING_CHOOSERS)
    return parts


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


def begun_with(out: Path) -> TrainConfig | None:
    """The configuration that a training was begun with; ``None`` where its folder doesn't say.

    Raises:
        InputError: the folder's ``train.toml`` is damaged.
    """
    file = out / SETTINGS
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: can't be read: {error}") from None
    return from_whole_toml(text, str(file), TrainConfig)


def recorded_runs(folder: Path) -> Iterator[Path]:
    """The run folders at or below a folder that hold trajectories, in the order of their names."""
    if is_run_folder(folder):
        if any((folder / "trajectories").glob("*.parquet")):
            yield folder
    elif folder.is_dir():
        for inner in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
            yield from recorded_runs(inner)


# ------------------------------------------------------------------------------------------------ what to learn from


def _found_or_recorded(
    plugins: Plugins, config: TrainConfig, cache: Path | None, tell: OnTrainingEvent, argv: Sequence[str]
) -> tuple[str, ...]:
    """The runs under ``runs``, or one that is recorded now."""
    if _is_recording(RECORDING) and RunFolder.open(RECORDING).remaining():
        tell(Noted(f"{RECORDING} was begun to be learnt from and is not finished: going on with it"))
        resume_search(RECORDING, plugins=plugins, cache=cache, on_event=tell)
    found = list(_fitting(config, tell))
    if not found:
        tell(
            Noted(
                f"there is no recorded run under {RUNS} to learn from: recording one first in {RECORDING}, of "
                f"{config.record.theorems} theorems at most (split {config.record.split}), along the library's proofs"
            )
        )
        _record(plugins, config, cache, tell, argv)
        found = [RECORDING]
    return tuple(str(path.absolute()) for path in found)


def _fitting(config: TrainConfig, tell: OnTrainingEvent) -> Iterator[Path]:
    """The runs under ``runs`` that may be learnt from; says which are not and why."""
    for path in recorded_runs(RUNS):
        run = RunFolder.open(path).config
        if run.select.split == "test":
            tell(Noted(f"{path} is a search of test theorems: not learnt from"))
        elif run.env != config.env:
            tell(Noted(f"{path} is of the environment {run.env!r}, not of {config.env!r}: not learnt from"))
        else:
            tell(Noted(f"learning from {path}"))
            yield path


def _needs_trajectories(parts: TrainingParts) -> bool:
    return bool(getattr(parts.chosen["trainer", parts.config.plugin].config, "needs_trajectories", True))


def _is_recording(path: Path) -> bool:
    return is_run_folder(path) and RunFolder.open(path).config.generator == "demonstrated"


def _record(
    plugins: Plugins, config: TrainConfig, cache: Path | None, tell: OnTrainingEvent, argv: Sequence[str]
) -> None:
    run = resolve(plugins, recording_config(config), shared=True).config
    on_event: OnEvent = tell
    try:
        summary = run_search(run, RECORDING, plugins=plugins, cache=cache, on_event=on_event, argv=argv)
    except UsageError as error:
        raise UsageError(
            f"there is no recorded run under {RUNS} to learn from, and none can be recorded: {error}; "
            f"record searches with: proofsearch search --split train, or name some with --trajectories"
        ) from None
    if len(summary.failures) == summary.theorems:
        raise UsageError(f"no theorem could be searched in {RECORDING}: {summary.failures[0].message}")


def _refuse_empty(path: Path) -> None:
    # Imported here since it brings pyarrow, which the command's help has no need of.
    from proofsearch.trajectory.reader import trajectory_files

    if not trajectory_files(path):
        raise InputError(
            f"{path}: the run has no trajectories; was it made with --no-trajectories? Record one that has them"
        )


def _refuse_foreign(path: Path, env: str) -> None:
    """Refuses searches of another environment; those that don't say theirs are the trainer's to judge."""
    from proofsearch.runs.recorded import refuse_missing
    from proofsearch.trajectory.reader import environments

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


# ----------------------------------------------------------------------------------------------------- the checkpoint


class _KeptOnce:
    """The settings of a training, to be kept in its folder when something is trained with them and not before.

    A resumed training that is refused, or is done already, leaves the folder saying what it was trained with.
    """

    def __init__(self, config: TrainConfig, out: Path) -> None:
        self.done = False
        self._config = config
        self._out = out

    def keep(self) -> None:
        """Keeps them; a second time does nothing."""
        if not self.done:
            _keep_settings(self._config, self._out)
            self.done = True


def _manifest_content(folder: Path) -> bytes | None:
    try:
        return (folder / MANIFEST).read_bytes()
    except OSError:
        return None


def _refuse_taken(out: Path) -> None:
    # A training that was refused its data, or stopped before the first save, has nothing to lose.
    own = {SETTINGS, SETTINGS + storage.PART_SUFFIX}
    names = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if names - own and (SETTINGS in names or MANIFEST in names):
        raise InputError(
            f"{out}: already holds a checkpoint; go on with it with --resume, or choose another folder with --out"
        )
    check_folder(out, own=lambda names: names - own, kind="a checkpoint", error=InputError)


def _refuse_nothing(out: Path) -> None:
    if not out.is_dir():
        raise InputError(f"{out}: no such folder; --resume goes on with a training that was begun with --out {out}")


def _keep_settings(config: TrainConfig, out: Path) -> None:
    if not leads():
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        storage.write_whole(out / SETTINGS, to_toml(config).encode())
    except OSError as error:
        raise StorageError(f"{out}: the checkpoint folder can't be written: {error.strerror or error}") from error


def _ignore(event: TrainingEvent) -> None:
    pass
