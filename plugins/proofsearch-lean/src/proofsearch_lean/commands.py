"""``proofsearch lean``: looks at a Lean that options name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from proofsearch.errors import DiagnosisError
from proofsearch.process import streams
from proofsearch_lean.config import LeanConfig

app = typer.Typer(no_args_is_help=True, help="Look at a Lean.")

_MARKS = {"found": "✓", "absent": "–", "problem": "✗"}


@app.callback()
def lean() -> None:
    """Look at a Lean."""


@app.command()
def doctor(
    project: Annotated[Path | None, typer.Option("--lean-project", help="A Lake project's folder.")] = None,
    command: Annotated[str | None, typer.Option("--lean-command", help="The program lean.")] = None,
    checker: Annotated[
        Literal["none", "leanchecker", "safeverify", "comparator"],
        typer.Option("--lean-checker", help="A second checker that has to be there."),
    ] = "none",
    checker_command: Annotated[str | None, typer.Option("--lean-checker-command", help="How that is called.")] = None,
    seconds: Annotated[
        float, typer.Option("--lean-start-timeout", min=1.0, help="Seconds for each of its answers.")
    ] = 300.0,
) -> None:
    """Says of a Lean what ``proofsearch doctor`` says of the one on the path: version, project, a trial, a check.

    Exit 0 if searches can use it, exit 10 if something has to be put right.
    """
    from proofsearch_lean.diagnosis import examine_toolchain

    config = LeanConfig(
        project=project,
        command=command,
        checker=checker,
        checker_command=checker_command,
        start_timeout=seconds,
        check_timeout=seconds,
        timeout=seconds,
    )
    problems = 0
    for finding in examine_toolchain(config):
        problems += finding.state == "problem"
        remedy = f"\n    → {finding.remedy}" if finding.remedy and finding.state != "found" else ""
        streams.output(f"{_MARKS[finding.state]} {finding.what}: {finding.message}{remedy}")
    if problems:
        raise DiagnosisError(f"{problems} {'problem was' if problems == 1 else 'problems were'} found")
