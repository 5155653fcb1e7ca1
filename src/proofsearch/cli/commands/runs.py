"""``proofsearch runs``: what concerns whole run folders."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.output.run import display
from proofsearch.cli.shared_options import Quiet, ResultAsJson
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.runs.merging import Merged, merge_runs

_MOST = 10
"""Theorems without a result that are named; the rest is counted, and in the JSON."""


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command group."""
    group = typer.Typer(no_args_is_help=True, help="Join run folders.")
    group.callback()(lambda: None)  # with a single command Typer would leave its name out
    group.command("merge")(_merge)
    app.add_typer(group, name="runs")


def _merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders of shards of one selection.")],
    out: Annotated[Path, typer.Option("--out", help="The run folder to make.")],
    quiet: Quiet = False,
    as_json: ResultAsJson = False,
) -> None:
    """Join the runs of a selection's shards into one, and say what is missing; they stay as they are."""
    with display(quiet) as shown:
        merged = merge_runs(runs, out, on_event=shown.show)
    streams.output(_json(merged) if as_json else _text(merged))


def _text(merged: Merged) -> str:
    runs = f"{merged.runs} run{'s' if merged.runs != 1 else ''}"
    lines = [f"{merged.path}: {merged.theorems} theorems of {runs}, {merged.proved} proved"]
    lines += [f"note: {note}" for note in merged.notes]
    if merged.repeated:
        lines.append(f"{merged.repeated} results stood in several of the runs, and were equal")
    if merged.missing is not None:
        plural = len(merged.missing.numbers) != 1
        lines.append(
            f"missing: the shard{'s' if plural else ''} {merged.missing}, with {merged.absent} theorems; search "
            f"{'each' if plural else 'it'} with --shard and the options of the others, and merge again"
        )
    if merged.unsearched:
        named = ", ".join(map(streams.one_line, merged.unsearched[:_MOST]))
        more = f" and {len(merged.unsearched) - _MOST} more" if len(merged.unsearched) > _MOST else ""
        lines.append(
            f"not searched yet: {named}{more}; complete the run with: proofsearch search --resume {merged.path}"
        )
    return "\n".join(lines)


def _json(merged: Merged) -> str:
    missing = None if merged.missing is None else str(merged.missing)
    return json.dumps(dataclasses.asdict(merged) | {"path": str(merged.path), "missing": missing}, indent=2)
