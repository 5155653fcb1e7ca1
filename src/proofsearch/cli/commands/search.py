"""``proofsearch search``: runs searches over many theorems."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

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
from proofsearch.cli.output.run import display, summary_json, summary_text
from proofsearch.config import RunConfig
from proofsearch.errors import UsageError
from proofsearch.plugins.components import check_search
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.process import streams
from proofsearch.runs.run import RunSummary, resume_search, run_search

PANELS: dict[str, list[tuple[str, str]]] = {
    "Theorems": [
        ("--file", "select.file"),
        ("--split", "select.split"),
        ("--limit", "select.limit"),
        ("--shard", "select.shard"),
    ],
    "Components": [
        ("--env", "env"),
        ("--generator", "generator"),
        ("--scorer", "scorer"),
        ("--executor", "execution.executor"),
        ("--observe", "observers"),
        ("--min-tier", "min_tier"),
    ],
    "Search": [
        ("--strategy", "search.strategy"),
        ("--max-expansions", "search.limit.expansions"),
        ("--max-steps", "search.limit.steps"),
        ("--max-seconds", "search.limit.seconds"),
        ("--max-model-calls", "search.limit.model_calls"),
        ("--candidates", "search.candidates"),
        ("--batch", "search.batch"),
        ("--max-depth", "search.max_depth"),
        ("--defer", "search.defer"),
        ("--seed", "seed"),
    ],
    "Order of expansion": [
        ("--priority", "search.priority.kind"),
        ("--length-exponent", "search.priority.length_exponent"),
        ("--value-weight", "search.priority.value_weight"),
        ("--warmup", "search.priority.warmup"),
        ("--heuristic-weight", "search.priority.heuristic_weight"),
        ("--value-share", "search.priority.value_share"),
        ("--goal-weight", "search.priority.goal_weight"),
    ],
    "Execution": [
        ("--workers", "execution.workers"),
        ("--timeout", "execution.timeout"),
        ("--attempts", "execution.attempts"),
        ("--memory", "execution.memory"),
        ("--max-prover-memory", "execution.max_prover_memory"),
        ("--max-batch", "execution.max_batch"),
        ("--max-wait", "execution.max_wait"),
        ("--trajectories", "trajectories"),
    ],
}
"""The options of a run by heading, and what each sets."""

_KINDS = ("environment", "generator", "scorer", "encoder", "strategy", "priority", "observer", "executor")
_ALSO_ON_RESUME = ("execution", "workers")
_SELECTORS = ("theorems", "file", "split")


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command, with the options of every installed component."""
    options = [
        option(RunConfig, tuple(place.split(".")), flag, panel)
        for panel, entries in PANELS.items()
        for flag, place in entries
    ]
    options += component_options(plugins, _KINDS)
    app.command("search")(with_options(_command(plugins, options), options))


def _command(plugins: Plugins, options: list[ConfigOption]) -> Callable[..., None]:
    def search(
        theorems: Annotated[list[str] | None, typer.Argument(help="Theorems by name.")] = None,
        out: Annotated[
            Path | None,
            typer.Option("--out", help="The run folder to make.", show_default="runs/<time>-<env>-<scorer>"),
        ] = None,
        resume: Annotated[
            Path | None,
            typer.Option("--resume", help="Resume this run; of the options that shape it, only --workers is accepted."),
        ] = None,
        retry_failures: Annotated[
            bool,
            typer.Option(
                "--retry-failures", help="With --resume: also search theorems again whose worker gave no result."
            ),
        ] = False,
        config: Annotated[
            Path | None,
            typer.Option("--config", help="A TOML file with the same settings; options given here win."),
        ] = None,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the end result as JSON.")] = False,
        **given: Any,
    ) -> None:
        """Search for proofs of many theorems and record everything in a run folder.

        Without any theorem named, 50 held-out theorems of the environment are searched.
        """
        said = overrides(options, given)
        if theorems:
            said["select", "theorems"] = tuple(theorems)
        if resume is not None:
            path = resume
            _check_resume(said, options, config, out)
            workers = said.get(_ALSO_ON_RESUME)
        else:
            if retry_failures:
                raise UsageError("--retry-failures needs a run to resume; give it with --resume RUN")
            settings = _settings(plugins, options, said, config)
            path = out or free_folder(Path("runs"), f"{settings.env}-{settings.scorer}")
        with display(quiet) as shown:
            if resume is not None:
                run = partial(resume_search, path, workers=workers, retry_failures=retry_failures)
            else:
                run = partial(run_search, settings, path, argv=sys.argv)
            try:
                summary = run(plugins=plugins, on_event=shown.show, live=shown.live)
            except KeyboardInterrupt:
                summary = None
        if summary is None:
            _say_how_to_go_on(path)
            raise typer.Exit(130)
        _report(summary, as_json)

    return search


def _report(summary: RunSummary, as_json: bool) -> None:
    streams.output(summary_json(summary) if as_json else summary_text(summary))
    if len(summary.failures) == summary.theorems:
        streams.error("no theorem could be searched; see the failures above")
        raise typer.Exit(1)


def _say_how_to_go_on(path: Path) -> None:
    if (path / "run.json").is_file():
        message = f"stopped; what was found is kept. Resume with: proofsearch search --resume {path}"
    else:
        message = "stopped before the first search; nothing was recorded"
    streams.message(message)


def _check_resume(
    said: Mapping[tuple[str, ...], Any], options: list[ConfigOption], config: Path | None, out: Path | None
) -> None:
    flags = {entry.place: entry.flag for entry in options} | {("select", "theorems"): "theorems by name"}
    refused = [flags[place] for place in said if place != _ALSO_ON_RESUME]
    refused += ["--config"] if config is not None else []
    refused += ["--out"] if out is not None else []
    if refused:
        raise UsageError(
            f"--resume continues a run with its own settings and can't be combined with {', '.join(refused)}; "
            f"leave that out, or start a new run"
        )


def _settings(
    plugins: Plugins, options: list[ConfigOption], said: Mapping[tuple[str, ...], Any], file: Path | None
) -> RunConfig:
    """The file's settings with the command line's over them, checked."""
    name = naming(options, said, file, otherwise="theorems by name")
    values = (RunConfig() if file is None else read_file(file, RunConfig)).model_dump()
    if any(place in said for place in (("select", key) for key in _SELECTORS)):
        # Whoever selects anew means instead, not as well.
        for key in _SELECTORS:
            values["select"].pop(key)
    config = overridden(values, said, RunConfig, name)
    check_search(plugins, resolve(plugins, config, name), name)
    return config
