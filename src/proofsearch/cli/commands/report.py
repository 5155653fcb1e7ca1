"""``proofsearch report``: one HTML file about runs, to look at in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.output.run import display
from proofsearch.cli.shared_options import DrawSeed, Limit, Overwrite, Quiet, Resamples, Runs, Split
from proofsearch.config.bounds import LARGEST
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command."""
    app.command("report")(_report)


def _report(
    runs: Runs,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="The HTML file.", show_default="report.html in the first run folder"
        ),
    ] = None,
    trees: Annotated[
        int,
        typer.Option(
            "--trees", min=0, max=LARGEST, help="Show the search trees of this many theorems; half of them proved."
        ),
    ] = 40,
    theorem: Annotated[
        list[str] | None,
        typer.Option("--theorem", metavar="NAME", help="Show this theorem's trees too; can be repeated."),
    ] = None,
    split: Split = None,
    limit: Limit = None,
    seed: DrawSeed = 0,
    resamples: Resamples = 2000,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML file about runs, which needs nothing but a browser, also offline.

    What was solved at each budget, time to proof, where the time went, how searches ended, what the values are worth,
    and for many theorems the search tree to walk through. The figures are those of "proofsearch evaluate".
    """
    # What reads trajectories takes long to import; --help need not wait for it.
    from proofsearch.evaluation import EvaluationSettings
    from proofsearch.evaluation.report import ReportSettings, write_report

    settings = ReportSettings(
        EvaluationSettings(split=split, limit=limit, seed=seed, resamples=resamples), trees, tuple(theorem or ())
    )
    out = runs[0] / "report.html" if out is None else out
    with display(quiet) as shown:
        written = write_report(runs, out, settings, overwrite=overwrite, on_event=shown.show)
    streams.output(f"wrote {written.path} ({written.bytes / 1e6:.1f} MB); open it in a browser")
    if written.left_out:
        streams.output(
            f"search trees of {written.theorems} theorems are in it, those of {written.left_out} are not; "
            f"--trees N takes more, --theorem NAME a certain one"
        )
