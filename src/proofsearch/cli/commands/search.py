"""``proofsearch search``: runs searches over many theorems."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.options import Given, Panels, component_options, config_options, read_file, with_options
from proofsearch.cli.output.run import display, summary_json, summary_text
from proofsearch.cli.shared_options import SEARCH, WORKERS, ConfigFile, Quiet, ResultAsJson, free_folder
from proofsearch.config import RunConfig
from proofsearch.errors import UsageError
from proofsearch.plugins.components import check_search
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.process import streams
from proofsearch.runs.run import RunSummary, resume_search, run_search

_PANELS: Panels = {
    "Theorems": [
        ("--file", "select.file"),
        ("--split", "select.split"),
        ("--limit", "select.limit"),
        ("--shuffle", "select.shuffle"),
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
    "Search": [*SEARCH["Search"], ("--seed", "seed")],
    "Order of expansion": SEARCH["Order of expansion"],
    "Execution": [*WORKERS, ("--trajectories", "trajectories")],
}

_KINDS = ("environment", "generator", "scorer", "encoder", "strategy", "priority", "observer", "executor")
_WORKERS = ("execution", "workers")
_SELECTORS = ("theorems", "file", "split")


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command, with the options of every installed component."""
    options = [*config_options(RunConfig, _PANELS), *component_options(plugins, _KINDS)]
    app.command("search")(with_options(_command(plugins), options))


def _command(plugins: Plugins) -> Callable[..., None]:
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
        config: ConfigFile = None,
        quiet: Quiet = False,
        as_json: ResultAsJson = False,
        *,
        given: Given,
    ) -> None:
        """Search for proofs of many theorems and record everything in a run folder.

        Without any theorem named, 50 held-out theorems of the environment are searched.
        """
        if theorems:
            given.add(("select", "theorems"), tuple(theorems), "theorems by name")
        if resume is not None:
            path = resume
            given.refuse_with_resume("a run", {_WORKERS}, config=config, out=out)
        else:
            if retry_failures:
                raise UsageError("--retry-failures needs a run to resume; give it with --resume RUN")
            settings = _settings(plugins, given, config)
            path = out or free_folder(Path("runs"), f"{settings.env}-{settings.scorer}")
        with display(quiet) as shown:
            if resume is not None:
                workers = given.places.get(_WORKERS)
                run = partial(resume_search, path, workers=workers, retry_failures=retry_failures)
            else:
                run = partial(run_search, settings, path)
            try:
                summary = run(plugins=plugins, on_event=shown.show, live=shown.live)
            except KeyboardInterrupt:
                summary = None
        if summary is None:
            _print_resume_hint(path)
            raise typer.Exit(130)
        _report(summary, as_json)

    return search


def _report(summary: RunSummary, as_json: bool) -> None:
    streams.output(summary_json(summary) if as_json else summary_text(summary))
    if len(summary.failures) == summary.theorems:
        streams.error("no theorem could be searched; see the failures above")
        raise typer.Exit(1)


def _print_resume_hint(path: Path) -> None:
    if (path / "run.json").is_file():
        message = f"stopped; what was found is kept. Resume with: proofsearch search --resume {path}"
    else:
        message = "stopped before the first search; nothing was recorded"
    streams.message(message)


def _settings(plugins: Plugins, given: Given, file: Path | None) -> RunConfig:
    """The file's settings with the command line's over them, checked."""
    name = given.name_in(file)
    values = read_file(file, RunConfig).model_dump()
    if any(("select", key) in given.places for key in _SELECTORS):
        # Whoever selects anew means instead, not as well.
        for key in _SELECTORS:
            values["select"].pop(key)
    config = given.put_over(values, RunConfig, name)
    check_search(plugins, resolve(plugins, config, name), name)
    return config
