"""``proofsearch train``: learns from recorded searches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.options import Given, Panels, component_options, config_options, read_file, with_options
from proofsearch.cli.output.run import duration
from proofsearch.cli.output.training import TrainingDisplay
from proofsearch.cli.shared_options import WORKERS, ConfigFile, Quiet, ResultAsJson, free_folder
from proofsearch.config import TrainConfig
from proofsearch.errors import UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.training import (
    OWN_FILES,
    RECORDING,
    SETTINGS,
    TRAINING_CHOOSERS,
    TrainingSummary,
    check,
    is_main_process,
    train,
    training_settings,
)

_PANELS: Panels = {
    "Trainer and data": [
        ("--plugin", "plugin"),
        ("--trajectories", "trajectories"),
        ("--env", "env"),
        ("--observe", "observers"),
        ("--seed", "seed"),
    ],
    "Recording a run first, if there is none": [
        ("--record-theorems", "record.theorems"),
        ("--record-split", "record.split"),
        ("--record-expansions", "record.expansions"),
        ("--executor", "execution.executor"),
        *WORKERS,
    ],
}
_KINDS = ("trainer", "encoder", "loss", "environment", "generator", "observer", "executor")


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command, with the options of every installed trainer, encoder and loss."""
    options = [*config_options(TrainConfig, _PANELS), *component_options(plugins, _KINDS, TRAINING_CHOOSERS)]
    app.command("train")(with_options(_command(plugins), options))


def _command(plugins: Plugins) -> Callable[..., None]:
    def train_(
        out: Annotated[
            Path | None,
            typer.Option("--out", help="The checkpoint folder to make.", show_default="checkpoints/<time>-<plugin>"),
        ] = None,
        resume: Annotated[
            bool,
            typer.Option(
                "--resume", help="Resume the training in --out with its own settings; options given here win."
            ),
        ] = False,
        config: ConfigFile = None,
        quiet: Quiet = False,
        as_json: ResultAsJson = False,
        *,
        given: Given,
    ) -> None:
        """Learn from recorded searches and write a checkpoint.

        Without --trajectories every run under runs is learnt from; where there is none, one is recorded first. A
        trainer that learns from the library itself needs neither.
        """
        if resume and out is None:
            raise UsageError("--resume continues the training in a folder; name it with --out CHECKPOINT")
        settings = _settings(plugins, given, config, out if resume else None)
        path = out or free_folder(Path("checkpoints"), settings.plugin)
        with TrainingDisplay(quiet or not is_main_process()) as shown:
            try:
                summary = train(settings, path, resume=resume, plugins=plugins, on_event=shown.show)
            except KeyboardInterrupt:
                summary = None
        if summary is None:
            _print_resume_hint(path, learnt=shown.learnt, resumed=resume)
            raise typer.Exit(130)
        if not is_main_process():
            return
        streams.output(_as_json(summary) if as_json else _as_text(summary))

    return train_


def _settings(plugins: Plugins, given: Given, file: Path | None, begun: Path | None) -> TrainConfig:
    """The file's settings, or those that a training was begun with, with the command line's over them, checked."""
    earlier = training_settings(begun) if begun is not None else None
    if earlier is not None and given.places.get(("plugin",), earlier.plugin) != earlier.plugin:
        raise UsageError(
            f"--plugin: the training in {begun} is of the trainer {earlier.plugin!r}, which --resume continues; "
            f"leave this option out, or choose another --out"
        )
    source = file
    if file is not None or earlier is None:
        earlier = read_file(file, TrainConfig)
    elif begun is not None:
        source = begun / SETTINGS
    name = given.name_in(source)
    config = given.put_over(earlier.model_dump(), TrainConfig, name)
    check(plugins, config, name)
    return config


def _print_resume_hint(path: Path, *, learnt: bool, resumed: bool) -> None:
    if (path / SETTINGS).is_file():
        # A second Ctrl-C ends a training at once, perhaps before the first save.
        saved = any(entry.name not in OWN_FILES for entry in path.iterdir())
        if learnt and saved:
            what = "what was saved of the training is kept"
        elif resumed:
            what = "nothing was learnt since, and the training is as it was"
        else:
            what = "nothing is learnt yet"
        message = f"stopped; {what}. Resume with: proofsearch train --resume --out {path}"
    elif (RECORDING / "run.json").is_file():
        message = f"stopped; what was recorded is kept in {RECORDING}. Resume with the same command"
    else:
        message = "stopped before anything was recorded or learnt"
    streams.message(message)


def _as_text(summary: TrainingSummary) -> str:
    figures = {name: value for name, value in summary.metrics.items() if isinstance(value, int | float)}
    source = f"{len(summary.trajectories)} runs or files" if summary.trajectories else "the library"
    lines = [f"learnt from {source} in {duration(summary.seconds)}"]
    lines += [f"{name:<24} {value:.4g}" for name, value in figures.items()]
    lines.append(f"the checkpoint of the {summary.kind} {summary.name!r} is in {summary.checkpoint}")
    if summary.kind == "scorer":
        lines.append(
            f"search with it: proofsearch search --scorer {summary.name} --{summary.name}-path {summary.checkpoint}"
        )
    return "\n".join(lines)


def _as_json(summary: TrainingSummary) -> str:
    values = {
        "checkpoint": str(summary.checkpoint),
        "kind": summary.kind,
        "name": summary.name,
        "trajectories": list(summary.trajectories),
        "metrics": dict(summary.metrics),
        "seconds": summary.seconds,
    }
    return json.dumps(values, indent=2)
