"""``proofsearch iterate``: expert iteration."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from proofsearch.cli.commands.search import PANELS
from proofsearch.cli.options import (
    ConfigOption,
    component_options,
    free_folder,
    naming,
    option,
    overridden,
    overrides,
    read_file,
    with_options,
)
from proofsearch.cli.output.run import duration
from proofsearch.cli.output.training import TrainingDisplay
from proofsearch.config import IterateConfig
from proofsearch.errors import UsageError
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

_OWN: dict[str, list[tuple[str, str]]] = {
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
}
_SEARCH = ("Search", "Order of expansion", "Execution")
_TAKEN = {"seed", "trajectories"}
"""Places of a run's options that the rounds have their own of."""

_KINDS = ("trainer", "scorer", "encoder", "loss", "environment", "generator", "strategy", "priority", "executor")
_ALSO_ON_RESUME = {("rounds",), ("execution", "workers")}


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command, with the options of every installed component."""
    panels = _OWN | {
        heading: [(flag, place) for flag, place in PANELS[heading] if place not in _TAKEN] for heading in _SEARCH
    }
    options = [
        option(IterateConfig, tuple(place.split(".")), flag, panel)
        for panel, entries in panels.items()
        for flag, place in entries
    ]
    options += component_options(plugins, _KINDS, ITERATION_CHOOSERS)
    app.command("iterate")(with_options(_command(plugins, options), options))


def _command(plugins: Plugins, options: list[ConfigOption]) -> Callable[..., None]:
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
        config: Annotated[
            Path | None,
            typer.Option("--config", help="A TOML file with the same settings; options given here win."),
        ] = None,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the end result as JSON.")] = False,
        **given: Any,
    ) -> None:
        """Search, learn from what was found, and search again, for some rounds.

        What a round gained is measured on validation theorems. Those of the split test are never searched.
        """
        said = overrides(options, given)
        if resume is not None:
            path = resume
            _check_resume(said, options, config, out)
        else:
            settings = _settings(plugins, options, said, config)
            path = out or free_folder(Path("iterations"), settings.plugin)
        with TrainingDisplay(quiet) as shown:
            try:
                if resume is not None:
                    summary = resume_iteration(
                        path,
                        rounds=said.get(("rounds",)),
                        workers=said.get(("execution", "workers")),
                        plugins=plugins,
                        on_event=shown.show,
                        argv=sys.argv,
                    )
                else:
                    summary = iterate(settings, path, plugins=plugins, on_event=shown.show, argv=sys.argv)
            except KeyboardInterrupt:
                interrupted = True
            else:
                interrupted = False
        if interrupted:
            begun = (path / SETTINGS).is_file()
            go_on = f"what was done is kept. Resume with: proofsearch iterate --resume {path}"
            streams.message(f"stopped; {go_on}" if begun else "stopped before the first round")
            raise typer.Exit(130)
        streams.output(_as_json(summary) if as_json else _as_text(summary))

    return iterate_


def _check_resume(
    said: Mapping[tuple[str, ...], Any], options: list[ConfigOption], config: Path | None, out: Path | None
) -> None:
    flags = {entry.place: entry.flag for entry in options}
    refused = [flags[place] for place in said if place not in _ALSO_ON_RESUME]
    refused += ["--config"] if config is not None else []
    refused += ["--out"] if out is not None else []
    if refused:
        raise UsageError(
            f"--resume continues an iteration with its own settings and can't be combined with {', '.join(refused)}; "
            f"leave that out, or start a new one"
        )


def _settings(
    plugins: Plugins, options: list[ConfigOption], said: Mapping[tuple[str, ...], Any], file: Path | None
) -> IterateConfig:
    """The file's settings with the command line's over them, checked."""
    name = naming(options, said, file)
    earlier = IterateConfig() if file is None else read_file(file, IterateConfig)
    config = overridden(earlier.model_dump(), said, IterateConfig, name)
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
        f"base: without what the round learnt, value: with it, on validation theorems; exp.: nodes expanded for those "
        f"that both proved\n"
        f"{len(summary.rounds)} rounds in {duration(summary.seconds)}; everything is in {summary.path}"
    )


def _as_json(summary: IterationSummary) -> str:
    rounds = [dataclasses.asdict(row) for row in summary.rounds]
    return json.dumps({"iteration": str(summary.path), "rounds": rounds, "seconds": summary.seconds}, indent=2)
