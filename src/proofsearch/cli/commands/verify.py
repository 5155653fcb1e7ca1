"""``proofsearch verify``: checks a run's proofs again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.output.run import display
from proofsearch.cli.shared_options import Quiet
from proofsearch.config.bounds import MOST_WORKERS
from proofsearch.errors import VerificationError
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.runs.tiers import count_tiers, tiers_in_words
from proofsearch.runs.verification import verify_run


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command."""

    @app.command("verify")
    def verify(
        run: Annotated[Path, typer.Argument(help="A run folder.")],
        workers: Annotated[
            int,
            typer.Option("--workers", min=0, max=MOST_WORKERS, help="Processes; 0: as many as there are processors."),
        ] = 0,
        quiet: Quiet = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
    ) -> None:
        """Check a run's proofs again, from its files alone."""
        with display(quiet) as shown:
            found = verify_run(run, workers=workers, plugins=plugins, on_event=shown.show)
        refused = found.refused
        if found.changed:
            streams.warning(
                f"the environment is not as it was when the run began ({', '.join(found.changed)} changed); "
                f"the verdicts are those of the present one"
            )
        if as_json:
            verdicts = {
                name: {
                    "proved": verdict.proved,
                    "checker": verdict.checker,
                    "tier": verdict.tier,
                    "message": verdict.message,
                }
                for name, verdict in found.verdicts.items()
            }
            streams.output(json.dumps({"run": str(run), "changed": found.changed, "verdicts": verdicts}, indent=2))
        else:
            accepted = len(found.verdicts) - len(refused)
            tiers = tiers_in_words(count_tiers(found.verdicts.values()))
            checkers = ", ".join(sorted({verdict.checker for verdict in found.verdicts.values()}))
            streams.output(
                f"{accepted} of {len(found.verdicts)} proofs accepted"
                f"{f' by {checkers}' if checkers else ''}{f' ({tiers})' if tiers else ''}; "
                f"{found.searched} of {found.theorems} theorems were searched"
            )
        for name, verdict in refused.items():
            streams.message(f"refused: {streams.one_line(name)}: {verdict.message}", "red")
        if refused:
            raise VerificationError(f"{run}: {len(refused)} of {len(found.verdicts)} recorded proofs are refused")
