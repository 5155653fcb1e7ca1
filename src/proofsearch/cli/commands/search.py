"""``proofsearch search``: runs searches over many theorems."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofsearch.cli.options import Given, Panels, component_options, config_options, read_file, with_options
from proofsearch.cli.output.run import display, summary_json, summary_text
from proofsearch.cli.shared_options import SEARCH, WORKERS, ConfigFile, Quiet, ResultAsJson, free_folder, number_between
from proofsearch.config import RunConfig
from proofsearch.errors import UsageError
from proofsearch.plugins.components import check_search
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.process import streams
from proofsearch.runs.run import RunSummary, resume_search, run_search

if TYPE_CHECKING:
    from proofsearch.evaluation.stopping import DecidedAgainst

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

_UntilDecidedAgainst = Annotated[
    Path | None,
    typer.Option(
        "--until-decided-against",
        metavar="RUN",
        help="Stop as soon as the comparison with this finished run is decided, by a test that is valid at every look.",
        show_default="search every theorem",
    ),
]
_Futility = Annotated[
    float | None,
    typer.Option(
        "--futility",
        parser=number_between(0, 1),
        metavar="FLOAT",
        help="With --until-decided-against: also stop where the chance that the rest decides it is below this.",
        show_default="go on to the end",
    ),
]


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
        until_decided_against: _UntilDecidedAgainst = None,
        futility: _Futility = None,
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
        until = _stop_rule(until_decided_against, futility)
        with display(quiet) as shown:
            if resume is not None:
                workers = given.places.get(_WORKERS)
                run = partial(resume_search, path, workers=workers, retry_failures=retry_failures)
            else:
                run = partial(run_search, settings, path)
            try:
                summary = run(plugins=plugins, on_event=shown.show, live=shown.live, until=until)
            except KeyboardInterrupt:
                summary = None
        if summary is None:
            _print_resume_hint(path)
            raise typer.Exit(130)
        _report(summary, until, as_json)

    return search


def _stop_rule(against: Path | None, futility: float | None) -> DecidedAgainst | None:
    """What ends a run before every theorem has a result, where that was asked for."""
    if against is None:
        if futility is not None:
            raise UsageError(
                "--futility says when a comparison is given up; name the other run with --until-decided-against RUN"
            )
        return None
    from proofsearch.evaluation.stopping import DecidedAgainst  # brings pyarrow, which --help has no need of

    return DecidedAgainst(against, futility)


def _report(summary: RunSummary, until: DecidedAgainst | None, as_json: bool) -> None:
    streams.output(summary_json(summary, until) if as_json else summary_text(summary, until))
    if len(summary.failures) == len(summary.results):
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
