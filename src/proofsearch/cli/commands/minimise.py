"""``proofsearch minimise``: makes the proofs of a run shorter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.output.run import display
from proofsearch.cli.shared_options import Quiet
from proofsearch.config.bounds import LARGEST, MOST_WORKERS
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.runs.minimising.run import Minimised, minimise_run
from proofsearch.runs.minimising.worker import Bounds

Run = Annotated[Path, typer.Argument(help="A run folder; it stays as it is.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="The run folder to make; one that was begun is continued.", show_default="RUN-minimised"
    ),
]
MaxExpansions = Annotated[
    int,
    typer.Option(
        "--max-expansions",
        min=0,
        max=LARGEST,
        help="Expansions of the search for each part of a proof; 0: what is recorded and single steps only.",
    ),
]
Lemmas = Annotated[
    bool,
    typer.Option(
        "--lemmas/--no-lemmas", help="Try at each part every tactic that the environment lists, where it can."
    ),
]
Proofs = Annotated[
    int,
    typer.Option(
        "--proofs", min=1, max=LARGEST, help="Keep so many different proofs a theorem, the shortest ones met."
    ),
]
Workers = Annotated[
    int, typer.Option("--workers", min=0, max=MOST_WORKERS, help="Processes; 0: as many as there are processors.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the lengths as JSON.")]


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command."""

    @app.command("minimise")
    def minimise(
        run: Run,
        out: Out = None,
        max_expansions: MaxExpansions = 32,
        lemmas: Lemmas = True,
        proofs: Proofs = 1,
        workers: Workers = 0,
        quiet: Quiet = False,
        as_json: AsJson = False,
    ) -> None:
        """Search for shorter proofs of what a run proved, part by part; none gets longer or rests on more axioms.

        The new run folder has the shortest proof of each theorem, checked as the run's own were, and a search along it
        that trainers read.
        """
        folder = out or run.with_name(f"{run.name}-minimised")
        with display(quiet) as shown:
            try:
                found = minimise_run(
                    run,
                    folder,
                    Bounds(max_expansions, lemmas, proofs),
                    workers=workers,
                    plugins=plugins,
                    on_event=shown.show,
                )
            except KeyboardInterrupt:
                streams.message("stopped; what was done is kept. Give the same command again to go on")
                raise typer.Exit(130) from None
        streams.output(_json(found) if as_json else _text(found))
        if any(result.failure for result in found.after.values()):
            raise typer.Exit(1)


def _text(found: Minimised) -> str:
    lengths = found.lengths
    before, after = (sum(column) for column in zip(*lengths, strict=True)) if lengths else (0, 0)
    lines = [
        f"{found.shorter} of {len(lengths)} proofs got shorter: {before:,} tactics before, {after:,} now, in "
        f"{found.seconds:.0f} s"
    ]
    if found.shorter:
        lines.append("those had {:g} tactics in the median and have {:g}".format(*found.median))
    if failed := sum(bool(result.failure) for result in found.after.values()):
        lines.append(f"{failed} were not minimised: their worker failed; see message in {found.path}/results.jsonl")
    lines += [f"the proofs are in {found.path}/proofs", f"check them again with: proofsearch verify {found.path}"]
    return "\n".join(lines)


def _json(found: Minimised) -> str:
    theorems = {
        name: {
            "before": len(found.before[name].tactics),
            "after": len(result.tactics) if result.proved else None,
            "failure": result.failure or None,
        }
        for name, result in found.after.items()
    }
    return json.dumps(
        {"run": str(found.path), "shorter": found.shorter, "seconds": found.seconds, "theorems": theorems}, indent=2
    )
