"""``proofsearch plugins``: shows what is installed, checks it, and begins a new one."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from proofsearch.cli.commands.plugin_check import check_command
from proofsearch.cli.commands.plugin_new import new_command
from proofsearch.cli.output.console import console, escape
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command group."""
    group = typer.Typer(no_args_is_help=True, help="Show what is installed, check it, and begin a new one.")

    @group.callback()
    def root() -> None:
        pass

    @group.command("list")
    def list_(
        as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
    ) -> None:
        """List every component with the plugin that it comes from; broken plugins are named."""
        rows = [
            {
                "kind": entry.kind,
                "name": entry.name,
                "plugin": entry.plugin,
                "distribution": str(plugins.info(entry.plugin)),
                "help": entry.help,
            }
            for entry in plugins.components()
        ]
        rows += [
            {
                "kind": "command",
                "name": command.name,
                "plugin": command.plugin,
                "distribution": str(plugins.info(command.plugin)),
                "help": command.help,
            }
            for command in plugins.commands()
        ]
        if as_json:
            streams.output(json.dumps(rows, indent=2))
        else:
            table = Table("kind", "name", "plugin", "from", "what it is", box=None, header_style="bold")
            for row in rows:
                table.add_row(*(escape(value) for value in row.values()))
            console().print(table)
        # Those that broke on loading were named before; these broke in their hooks just now.
        for failure in plugins.take_failures():
            streams.warning(failure)

    group.command("check")(check_command(plugins))
    group.command("new")(new_command(plugins))
    app.add_typer(group, name="plugins")
