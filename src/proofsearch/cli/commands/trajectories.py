"""``proofsearch trajectories``: looks at, merges and checks recorded searches."""

from __future__ import annotations

import dataclasses
import json
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.shared_options import Overwrite
from proofsearch.config.bounds import LARGEST
from proofsearch.errors import InputError, ProofsearchError
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import is_run_folder
from proofsearch.runs.recorded import disagreements
from proofsearch.trajectory import summary as trajectory_summary

_MOST = 100
"""Problems of a kind that are shown of a place; whoever sees so many knows enough."""

Places = Annotated[
    list[Path], typer.Argument(metavar="PATH...", help="Run folders, trajectory files, or folders of them.")
]


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command group."""
    group = typer.Typer(no_args_is_help=True, help="Look at, merge and check recorded searches.")
    group.command("summary")(_summary)
    group.command("head")(_head)
    group.command("merge")(_merge)
    group.command("check")(_check)
    app.add_typer(group, name="trajectories")


def _summary(paths: Places, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Count what trajectories hold: searches, states, steps, labels, decisions."""
    found = trajectory_summary.summarize(paths)
    values = dataclasses.asdict(found) | {
        "bytes_per_node": found.bytes_per_node,
        "components": {" ".join(names): count for names, count in found.components.items()},
    }
    if as_json:
        streams.output(json.dumps(values, indent=2))
        return
    for name, value in values.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key or 'none'} {count}" for key, count in value.items()) or "none"
        streams.output(
            f"{name.replace('_', ' '):<16} {value:.1f}"
            if isinstance(value, float)
            else f"{name.replace('_', ' '):<16} {value}"
        )


def _head(
    paths: Places,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, max=LARGEST, help="How many.")] = 10,
    columns: Annotated[str | None, typer.Option("--columns", help="Comma-separated; default: all.")] = None,
) -> None:
    """Print the first states as JSON, one a line."""
    wanted = None if columns is None else [name.strip() for name in columns.split(",")]
    for row in trajectory_summary.head(paths, rows, wanted):
        streams.output_json(row, indent=None)


def _merge(
    paths: Places,
    out: Annotated[Path, typer.Option("--out", help="The Parquet file to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Merge trajectories into one file; a search that is in several files is kept once."""
    count = trajectory_summary.merge(paths, out, overwrite=overwrite)
    streams.output(f"{count} searches are in {out}")


def _check(paths: Places) -> None:
    """Look for faults in trajectories."""
    problems = trajectory_summary.check(paths)
    for path in filter(is_run_folder, paths):
        try:
            found = islice(disagreements(RunFolder.open(path)), _MOST)
            problems += [trajectory_summary.Problem(path, "", what) for what in found]
        except ProofsearchError as error:
            problems.append(trajectory_summary.Problem(path, "", str(error)))
    for problem in problems:
        search = f" search {problem.search_id}:" if problem.search_id else ""
        # A problem of a whole file or folder mostly names it itself.
        where = "" if str(problem.path) in problem.message else f"{problem.path}:"
        streams.message(f"{where}{search} {problem.message}".strip(), "red")
    if problems:
        raise InputError(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found")
    streams.output("all is well")
