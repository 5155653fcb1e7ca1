"""A whole training, from its configuration to a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from proofsearch.checkpoint import MANIFEST, read_manifest
from proofsearch.config import TrainConfig
from proofsearch.config.explain import Place, dotted
from proofsearch.engine.watching import Watcher, Watching
from proofsearch.errors import PluginError, UsageError
from proofsearch.hub import lasting, local
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import CHOOSERS, ResolvedTraining, refuse_unused, resolve, resolve_training
from proofsearch.protocols import ChecksOptions, TrainingInfo, TrainingReport, TrainingRequest
from proofsearch.protocols.events import OnEvent, Progressed, ignore_event
from proofsearch.training.folder import (
    SettingsFile,
    alone,
    is_main_process,
    manifest_content,
    refuse_not_begun,
    refuse_taken,
    training_settings,
)
from proofsearch.training.sources import find_or_record, recording_config, refuse_useless

TRAINING_CHOOSERS = {kind: CHOOSERS[kind] for kind in ("environment", "trainer", "observer", "executor")}
"""The kinds that a training chooses, and the option that does."""


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


def _refuse_nothing_left(checkpoint: Path, trainer: str) -> None:
    """Refuses a training that ended without a checkpoint."""
    if not (checkpoint / MANIFEST).is_file():
        raise PluginError(
            f"the trainer {trainer!r} ended and left no checkpoint at {checkpoint} (no {MANIFEST}); "
            f"that is a fault of its plugin"
        )


def train(
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    plugins: Plugins | None = None,
    on_event: OnEvent = ignore_event,
) -> TrainingSummary:
    """Trains a component and keeps the checkpoint in a folder.

    Args:
        config: what to do.
        out: the checkpoint folder; must not exist or be empty unless ``resume``.
        resume: resume what ``out`` holds. The configuration counts as it is given here: :func:`training_settings`
            reads the one that the training was begun with. It is kept in ``out`` once something is trained with it.
        plugins: default: those that are installed.
        on_event: told what happens, in this thread.

    Raises:
        KeyboardInterrupt: after the trainer has saved what it has; call again with ``resume``.
        UsageError: a wrong option, or nothing to learn from and nothing to be recorded.
        InputError: ``out`` is taken, or trajectories that can't be learnt from.
        RunFolderError: another process trains into ``out``.
        ProofsearchError: an unusable plugin, a full disk. What was written is whole.
    """
    began = time.monotonic()
    plugins = plugins or Plugins.discover()
    parts = check(plugins, config)
    if resume:
        refuse_not_begun(out)
    elif is_main_process():
        refuse_taken(out)
    trajectories = tuple(map(lasting, config.trajectories))
    if not trajectories and _needs_trajectories(parts):
        request = TrainingRequest((), out, config.seed, resume)
        beforehand = partial(check_beforehand, plugins, parts, request, on_event)
        trajectories = find_or_record(plugins, config, on_event, beforehand)
    places = [local(path) for path in trajectories]
    for place in places:
        refuse_useless(place, config.env)
    with alone(out, resume=resume):
        before = training_settings(out)
        settings = SettingsFile(parts.config.model_copy(update={"trajectories": trajectories}), out)
        if not resume:
            settings.write()

        manifest_before = manifest_content(out)
        about = TrainingInfo(out, parts.config.model_copy(update={"trajectories": trajectories}), resume)
        with Components(plugins, parts, on_event) as components:
            checkpoint = _trained(components, about, places, settings, on_event)
        _refuse_nothing_left(checkpoint, config.plugin)
        if manifest_content(out) != manifest_before:
            settings.write()
        elif before is not None and not settings.written:
            trajectories = before.trajectories  # nothing was left to train
        manifest = read_manifest(checkpoint)
        seconds = time.monotonic() - began
        return TrainingSummary(checkpoint, manifest.kind, manifest.name, trajectories, manifest.metrics, seconds)


def _trained(
    components: Components, about: TrainingInfo, places: list[Path], settings: SettingsFile, on_event: OnEvent
) -> Path:
    """The checkpoint, once it is trained, observers watching; the settings are kept from the first step on."""
    with Watching(_watchers(components), on_event) as observers:

        def report(told: TrainingReport) -> None:
            if told.step:
                settings.write()
            on_event(Progressed(told))
            observers.notify(Watcher.reported, told)

        trainer = components.trainer()
        observers.notify(Watcher.training_started, about)
        request = TrainingRequest(places, about.path, about.config.seed, about.resumed, report)
        checkpoint = trainer.train(request)
        if observers and (checkpoint / MANIFEST).is_file():
            observers.notify(Watcher.training_finished, about, read_manifest(checkpoint).metrics)
    return checkpoint


def _watchers(components: Components) -> list[Watcher]:
    """What watches the training, in the process that leads it.

    Raises:
        UsageError: one of them watches no trainings.
    """
    if not is_main_process():
        return []
    watchers = components.observers()
    for watcher in watchers:
        if not watcher.sees_trainings:
            raise UsageError(f"--observe: the {watcher.name} doesn't watch trainings; leave it out")
    return watchers


def check(plugins: Plugins, config: TrainConfig, name: Callable[[Place], str] = dotted) -> ResolvedTraining:
    """Looks up what a training needs and checks its options; those of a first recording count too.

    Args:
        plugins: where to look.
        config: the configuration.
        name: how to call a place of it in errors.

    Raises:
        PluginError, UsageError: as :func:`proofsearch.plugins.resolution.resolve`.
    """
    parts = resolve_training(plugins, config, name, shared=True)
    recording = resolve(plugins, recording_config(config), name, shared=True)
    refuse_unused(plugins, config.options, {**recording.chosen, **parts.chosen}, name, TRAINING_CHOOSERS)
    return parts


def check_beforehand(
    plugins: Plugins, parts: ResolvedTraining, request: TrainingRequest, on_event: OnEvent = ignore_event
) -> None:
    """Builds what watches and what trains, and has the trainer look at its options, before long work is done for it.

    Args:
        plugins: where to look.
        parts: what was chosen.
        request: what the trainer will be asked for, as :meth:`proofsearch.protocols.ChecksOptions.check` wants it.
        on_event: told what takes long.

    Raises:
        UsageError: an observer that watches no trainings.
        ProofsearchError: the trainer refuses its options, or a component can't be built.
    """
    with Components(plugins, parts, on_event) as components:
        _watchers(components)
        trainer = components.trainer()
        if isinstance(trainer, ChecksOptions):
            trainer.check(request)


def _needs_trajectories(parts: ResolvedTraining) -> bool:
    return bool(parts.chosen["trainer", parts.config.plugin].ability("needs_trajectories", True))
