"""``proofsearch iterate``: expert iteration."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.options import Given, Panels, component_options, config_options, read_file, with_options
from proofsearch.cli.output.run import duration
from proofsearch.cli.output.training import TrainingDisplay
from proofsearch.cli.shared_options import SEARCH, WORKERS, ConfigFile, Quiet, ResultAsJson, free_folder
from proofsearch.config import IterateConfig
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.training.expert_iteration import (
    ITERATION_CHOOSERS,
    SETTINGS,
    IterationSummary,
    Round,
    check,
    iterate,
    resume_iteration,
)

_PANELS: Panels = {
    "Rounds": [
        ("--rounds", "rounds"),
        ("--theorems", "theorems"),
        ("--validation", "validation"),
        ("--fresh", "fresh"),
        ("--train-policy", "train_policy"),
        ("--trajectories", "trajectories"),
        ("--seed", "seed"),
    ],
    "Components": [
        ("--plugin", "plugin"),
        ("--env", "env"),
        ("--generator", "generator"),
        ("--executor", "execution.executor"),
    ],
    **SEARCH,
    "Execution": WORKERS,
}
_KINDS = ("trainer", "scorer", "encoder", "loss", "environment", "generator", "strategy", "priority", "executor")
_ALSO_ON_RESUME = {("rounds",), ("execution", "workers")}


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command, with the options of every installed component."""
    options = [*config_options(IterateConfig, _PANELS), *component_options(plugins, _KINDS, ITERATION_CHOOSERS)]
    app.command("iterate")(with_options(_command(plugins), options))


def _command(plugins: Plugins) -> Callable[..., None]:
    def iterate_(
        out: Annotated[
            Path | None,
            typer.Option("--out", help="The folder to make.", show_default="iterations/<time>-<plugin>"),
        ] = None,
        resume: Annotated[
            Path | None,
            typer.Option(
                "--resume",
                help="Resume this iteration; of the options that shape it, only --rounds and --workers are accepted.",
            ),
        ] = None,
        config: ConfigFile = None,
        quiet: Quiet = False,
        as_json: ResultAsJson = False,
        *,
        given: Given,
    ) -> None:
        """Search, learn from what was found, and search again, for some rounds.

        What a round gained is measured on validation theorems. Those of the split test are never searched.
        """
        if resume is not None:
            path = resume
            given.refuse_with_resume("an iteration", _ALSO_ON_RESUME, config=config, out=out)
        else:
            settings = _settings(plugins, given, config)
            path = out or free_folder(Path("iterations"), settings.plugin)
        with TrainingDisplay(quiet) as shown:
            try:
                if resume is not None:
                    summary = resume_iteration(
                        path,
                        rounds=given.places.get(("rounds",)),
                        workers=given.places.get(("execution", "workers")),
                        plugins=plugins,
                        on_event=shown.show,
                    )
                else:
                    summary = iterate(settings, path, plugins=plugins, on_event=shown.show)
            except KeyboardInterrupt:
                summary = None
        if summary is None:
            hint = f"stopped; what was done is kept. Resume with: proofsearch iterate --resume {path}"
            streams.message(hint if (path / SETTINGS).is_file() else "stopped before the first round")
            raise typer.Exit(130)
        streams.output(_as_json(summary) if as_json else _as_text(summary))

    return iterate_


def _settings(plugins: Plugins, given: Given, file: Path | None) -> IterateConfig:
    """The file's settings with the command line's over them, checked."""
    name = given.name_in(file)
    config = given.put_over(read_file(file, IterateConfig).model_dump(), IterateConfig, name)
    check(plugins, config, name)
    return config


def table(rounds: tuple[Round, ...]) -> str:
    """What each round gained, for people."""
    heading = (
        "round",
        "train proved",
        "new",
        "base proved",
        "value proved",
        "only base",
        "only value",
        "p",
        "base exp.",
        "value exp.",
    )
    rows = [
        (
            str(row.round),
            f"{row.proved}/{row.searched}",
            str(row.found),
            f"{row.base_proved}/{row.validation}",
            f"{row.value_proved}/{row.validation}",
            str(row.only_base),
            str(row.only_value),
            f"{row.p_value:.3f}",
            str(row.both_base_expansions),
            str(row.both_value_expansions),
        )
        for row in rounds
    ]
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in (heading, *rows)
    )


def _as_text(summary: IterationSummary) -> str:
    return (
        f"{table(summary.rounds)}\n"
        f"base: without the value, value: with it, on validation theorems; exp.: nodes expanded for those that both "
        f"proved\n"
        f"{len(summary.rounds)} rounds in {duration(summary.seconds)}; everything is in {summary.path}"
    )


def _as_json(summary: IterationSummary) -> str:
    rounds = [dataclasses.asdict(row) for row in summary.rounds]
    return json.dumps({"iteration": str(summary.path), "rounds": rounds, "seconds": summary.seconds}, indent=2)
