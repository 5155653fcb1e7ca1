"""``proofsearch plugins check``: whether a component does what its contract says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from proofsearch.cli.options import Given, component_options, with_options
from proofsearch.cli.output.console import console, escape
from proofsearch.cli.output.run import display
from proofsearch.cli.shared_options import Quiet
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.registry import Registration
from proofsearch.process import streams
from proofsearch.protocols import KINDS, Kind

if TYPE_CHECKING:
    from proofsearch.plugins.conformance import CheckSettings
    from proofsearch.testing import Report

_MARKS = {"passed": "[green]passed[/]", "failed": "[red]failed[/]", "skipped": "[dim]skipped[/]"}


def check_command(plugins: Plugins) -> Callable[..., None]:
    """The command, with the options of every component."""
    return with_options(_command(plugins), component_options(plugins, KINDS, choosers={}))


def _command(plugins: Plugins) -> Callable[..., None]:
    def check(
        component: Annotated[str, typer.Argument(metavar="NAME", help="The component, as plugins list calls it.")],
        kind: Annotated[
            Kind | None, typer.Option("--kind", help="Its kind, if several components have the name.")
        ] = None,
        env: Annotated[
            str | None,
            typer.Option("--env", help="The environment to try it on; default: the small prover of the checks."),
        ] = None,
        generator: Annotated[
            str | None,
            typer.Option(
                "--generator", help="environments: the policy that finds proofs, if the environment demonstrates none."
            ),
        ] = None,
        trainer: Annotated[
            str | None,
            typer.Option("--trainer", help="losses: the trainer that uses them; default: the first that tries losses."),
        ] = None,
        trajectories: Annotated[
            list[Path] | None,
            typer.Option("--trajectories", help="trainers: what to learn from; default: searches recorded now."),
        ] = None,
        only: Annotated[list[str] | None, typer.Option("--only", help="Make only the check of this name.")] = None,
        skip: Annotated[list[str] | None, typer.Option("--skip", help="Leave out the check of this name.")] = None,
        quiet: Quiet = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
        *,
        given: Given,
    ) -> None:
        """Check a component against its contract.

        A trainer trains several times, so give it options that make that short. The exit code is 9 if a check fails.
        """
        # What records searches takes long to import; --help need not wait for it.
        from proofsearch.plugins.conformance import CheckSettings, find
        from proofsearch.testing import ConformanceError

        entry = find(plugins, component, kind)
        settings = CheckSettings(
            options=given.component_options(),
            env=env,
            generator=generator,
            trainer=trainer,
            trajectories=tuple(path.absolute() for path in trajectories or ()),
            only=tuple(only or ()),
            skip=tuple(skip or ()),
        )
        report = _checked(plugins, entry, settings, given, quiet)
        if as_json:
            streams.output(json.dumps(_as_json(plugins, entry, report), indent=2))
        else:
            _show(plugins, entry, report)
        if not report.conforms:
            names = ", ".join(report.names("failed"))
            raise ConformanceError(f"the {entry.kind} {entry.name!r} breaks its contract: {names}", report)

    return check


def _checked(plugins: Plugins, entry: Registration, settings: CheckSettings, given: Given, quiet: bool) -> Report:
    """The report on a component, whether or not it conforms."""
    from proofsearch.plugins.conformance import check_component
    from proofsearch.testing import ConformanceError

    with display(quiet) as shown:
        try:
            return check_component(
                plugins,
                entry,
                settings,
                name=given.name_in(),
                on_event=shown.show,
            )
        except ConformanceError as error:
            return error.report


def _as_json(plugins: Plugins, entry: Registration, report: Report) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "name": entry.name,
        "plugin": entry.plugin,
        "distribution": str(plugins.info(entry.plugin)),
        "conforms": report.conforms,
        "checks": [
            {
                "name": result.name,
                "outcome": result.outcome,
                "message": result.message,
                "rule": result.rule,
                "seconds": round(result.seconds, 3),
            }
            for result in report.results
        ],
    }


def _show(plugins: Plugins, entry: Registration, report: Report) -> None:
    table = Table("check", "", "what was found", box=None, header_style="bold")
    for result in report.results:
        message = result.message if result.outcome != "failed" else f"{result.message}\nThe rule: {result.rule}"
        table.add_row(result.name, _MARKS[result.outcome], escape(message))
    console().print(table)
    counts = ", ".join(
        f"{len(report.names(outcome))} {outcome}" for outcome in _MARKS if outcome == "passed" or report.names(outcome)
    )
    streams.output(f"\nthe {entry.kind} {entry.name} of {plugins.info(entry.plugin)}: {counts}")
