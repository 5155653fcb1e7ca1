"""Options that several commands have, each said once."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from proofsearch.cli.options import Panels
from proofsearch.config.bounds import LARGEST, LARGEST_SEED, MOST_RESAMPLES
from proofsearch.runs.names import safe_name
from proofsearch.storage.outputs import OVERWRITE

Overwrite = Annotated[bool, typer.Option(OVERWRITE, help="Replace an existing output, unless it is one of the inputs.")]
"""The option of every command that writes files of a person's choice."""

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
ResultAsJson = Annotated[bool, typer.Option("--json", help="Print the end result as JSON.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A TOML file with the same settings; options given here win.")
]
Runs = Annotated[
    list[Path],
    typer.Argument(metavar="RUN...", help="Run folders; the first is what the others are compared with."),
]
Split = Annotated[
    Literal["train", "validation", "test"] | None,
    typer.Option("--split", help="Only theorems of this split.", show_default="all"),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=1, max=LARGEST, help="At most this many theorems, drawn with the seed.", show_default="all"
    ),
]
DrawSeed = Annotated[int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of everything random.")]
Resamples = Annotated[
    int, typer.Option("--resamples", min=100, max=MOST_RESAMPLES, help="Draws of the theorems for the intervals.")
]

SEARCH: Panels = {
    "Search": [
        ("--strategy", "search.strategy"),
        ("--max-expansions", "search.limit.expansions"),
        ("--max-steps", "search.limit.steps"),
        ("--max-seconds", "search.limit.seconds"),
        ("--max-model-calls", "search.limit.model_calls"),
        ("--candidates", "search.candidates"),
        ("--proposals", "search.proposals"),
        ("--scripts", "search.scripts"),
        ("--script-states", "search.script_states"),
        ("--batch", "search.batch"),
        ("--max-depth", "search.max_depth"),
        ("--defer", "search.defer"),
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
}
"""How theorems are searched."""

WORKERS = [
    ("--workers", "execution.workers"),
    ("--timeout", "execution.timeout"),
    ("--attempts", "execution.attempts"),
    ("--memory", "execution.memory"),
    ("--max-prover-memory", "execution.max_prover_memory"),
    ("--max-batch", "execution.max_batch"),
    ("--max-wait", "execution.max_wait"),
]
"""How searches are spread over workers."""


def free_folder(parent: Path, what: str) -> Path:
    """A folder that isn't there yet, named by the time and by what it is for."""
    base = parent / f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{safe_name(what)}"
    number, path = 1, base
    while path.exists():
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    return path


def number_between(low: float, high: float) -> Callable[[str], float]:
    """A parser for an option; typer's own range takes ``nan``, which no comparison refuses."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise typer.BadParameter(f"expected a number from {low:g} to {high:g}, found {text!r}")
        return number

    return read
