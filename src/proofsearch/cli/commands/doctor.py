"""``proofsearch doctor``: what is installed, what is found, what is missing and how to get it."""

from __future__ import annotations

import dataclasses
import json
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from proofsearch.cli.output.console import console, escape
from proofsearch.errors import DiagnosisError
from proofsearch.plugins.discovery import DISABLE_VARIABLE, Plugins
from proofsearch.plugins.doctor import PluginHealth, diagnose, switched_off
from proofsearch.process import streams

_MARKS = {"found": "[green]✓[/]", "absent": "[dim]–[/]", "problem": "[red]✗[/]"}


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command."""

    @app.command("doctor")
    def doctor(
        names: Annotated[
            list[str] | None, typer.Argument(metavar="[PLUGIN]...", help="Only these plugins; default: all.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Say what is installed, which provers, models and accelerators are found, and what is missing."""
        on_terminal = console(stderr=True)
        # Learning libraries are asked in processes of their own, which takes seconds.
        with on_terminal.status("asking every plugin …", spinner="line") if on_terminal.is_terminal else nullcontext():
            found = diagnose(plugins, names or ())
        problems = sum(len(health.problems) for health in found)
        if as_json:
            streams.output(
                json.dumps({"healthy": not problems, "plugins": [_as_json(plugin) for plugin in found]}, indent=2)
            )
        else:
            _show(found)
        if problems:
            raise DiagnosisError(f"{problems} {'problem was' if problems == 1 else 'problems were'} found")


def _show(found: list[PluginHealth]) -> None:
    out = console()
    for health in found:
        plugin = health.plugin
        kinds: dict[str, list[str]] = {}
        for kind, name in health.components:
            kinds.setdefault(kind, []).append(name)
        registered = "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items()) or "registers nothing"
        out.print(f"[bold]{escape(plugin.name)}[/] ({escape(str(plugin))})", highlight=False)
        out.print(Padding.indent(escape(registered), 2), style="dim", highlight=False)
        table = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
        for finding in health.findings:
            remedy = f"\n→ {escape(finding.remedy)}" if finding.remedy and finding.state != "found" else ""
            table.add_row(_MARKS[finding.state], escape(finding.what), escape(finding.message) + remedy)
        out.print(table)
        out.print()
    off = switched_off()
    if off:
        out.print(f"switched off by {DISABLE_VARIABLE}: {escape(', '.join(off))}", highlight=False)


def _as_json(health: PluginHealth) -> dict[str, object]:
    return {
        "name": health.plugin.name,
        "distribution": health.plugin.distribution,
        "version": health.plugin.version,
        "components": [{"kind": kind, "name": name} for kind, name in health.components],
        "findings": [dataclasses.asdict(finding) for finding in health.findings],
    }
