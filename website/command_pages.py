"""Pages of the command line: one a command, with every option of the packages that this repository ships.

They are made from the commands themselves, so that a page can't say what ``--help`` doesn't.
"""

from __future__ import annotations

import html
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.markup import render

from proofsearch.cli.main import COMMANDS, make_app
from proofsearch.errors import PluginError
from proofsearch.plugins.discovery import BUILTINS, DISABLE_VARIABLE, Plugins
from proofsearch.plugins.registry import Registration

FOLDER = "commands"
"""Where the pages stand in the site."""

ROOT_PAGE = "proofsearch"
"""The name of the page of what all commands share."""

_PANEL = re.compile(r"Options of the (\w+) ([a-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """An option or an argument.

    Attributes:
        flags: how it is written: ``-q, --quiet``.
        takes: what is written behind it: ``INTEGER|none``; ``""`` where nothing is.
        help: what it means.
        default: what counts where it isn't given; ``""`` where nothing does.
        notes: bounds of a number, or that it is required.
    """

    flags: str
    takes: str
    help: str
    default: str = ""
    notes: tuple[str, ...] = ()


def shipped_plugins(root: Path) -> Plugins:
    """The core's plugin and those of this repository, whatever else is installed.

    Args:
        root: of the repository.

    Raises:
        PluginError: one of them is not installed or broken: its options would be missing from the pages.
    """
    folders = sorted((root / "plugins").glob("*/pyproject.toml"))
    projects = [tomllib.loads(file.read_text(encoding="utf-8"))["project"] for file in folders]
    wanted = {name: project["name"] for project in projects for name in project["entry-points"]["proofsearch"]}
    before = os.environ.get(DISABLE_VARIABLE)
    try:
        others = {info.name for info in Plugins.discover().loaded} - {BUILTINS, *wanted}
        os.environ[DISABLE_VARIABLE] = ",".join(sorted(others))
        plugins = Plugins.discover()
    finally:
        if before is None:
            os.environ.pop(DISABLE_VARIABLE, None)
        else:
            os.environ[DISABLE_VARIABLE] = before
    list(plugins.components()), plugins.commands()
    if plugins.failures:
        raise PluginError("; ".join(map(str, plugins.failures)))
    missing = {wanted[name] for name in wanted.keys() - {info.name for info in plugins.loaded}}
    if missing:
        raise PluginError(
            f"not installed: {', '.join(sorted(missing))}; the pages have the options of every package of this "
            f"repository: pip install -r requirements.txt"
        )
    return plugins


def command_pages(plugins: Plugins) -> Mapping[str, str]:
    """The page of each command as Markdown, by the command's name, in the order of ``proofsearch --help``.

    The first, :data:`ROOT_PAGE`, is that of ``proofsearch`` itself.
    """
    registered = {(entry.kind, entry.name): entry for entry in plugins.components()}
    pages = {ROOT_PAGE: "\n".join(_root_page(plugins))}
    for name in (*COMMANDS, *(command.name for command in plugins.commands())):
        app = typer.main.get_command(make_app(plugins, name))
        root = typer.Context(app, info_name="proofsearch")
        lines = [f"# proofsearch {name}", ""]
        command = app.commands[name]  # type: ignore[attr-defined]
        context = typer.Context(command, info_name=name, parent=root)
        if hasattr(command, "commands"):
            lines += [_paragraphs(command.help), ""]
            for inner in command.commands.values():
                lines += [f"## {name} {inner.name}", ""]
                lines += _command(inner, typer.Context(inner, info_name=inner.name, parent=context), {}, plugins, "###")
        else:
            lines += _command(command, context, registered, plugins, "##")
        pages[name] = "\n".join(lines)
    return pages


def entries(command: Any, context: typer.Context) -> Iterator[tuple[str, Entry]]:
    """The arguments and options of a command, in order, each with the heading that it stands under in its help."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        panel = "Arguments" if parameter.param_type_name == "argument" else "Options"
        yield getattr(parameter, "rich_help_panel", None) or panel, _entry(*record)


def _root_page(plugins: Plugins) -> Iterator[str]:
    app = typer.main.get_command(make_app(plugins))
    yield "# proofsearch\n"
    yield from _command(app, typer.Context(app, info_name="proofsearch"), {}, plugins, "##")
    yield "## Commands\n"
    yield "| command | what it does |"
    yield "|---|---|"
    for name, command in app.commands.items():  # type: ignore[attr-defined]
        yield f"| [`proofsearch {name}`]({name}.md) | {_escaped(' '.join(command.help.split()))} |"


def _command(
    command: Any,
    context: typer.Context,
    registered: Mapping[tuple[str, str], Registration],
    plugins: Plugins,
    heading: str,
) -> list[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [_paragraphs(command.help), "", "```text", usage, "```", ""]
    panels: dict[str, list[Entry]] = {}
    for panel, entry in entries(command, context):
        panels.setdefault(panel, []).append(entry)
    for panel, rows in panels.items():
        found = _PANEL.match(panel)
        component = registered.get((found[1], found[2])) if found is not None else None
        if component is None:
            lines += [f"{heading} {panel}", ""]
        else:
            lines += [f"{heading} {component.kind.capitalize()} {component.name}", "", _escaped(component.help)]
            lines += [f"From the package `{plugins.info(component.plugin).distribution}`.", ""]
        lines += [f"| {'argument' if panel == 'Arguments' else 'option'} | meaning | default |", "|---|---|---|"]
        lines += [_row(entry) for entry in rows]
        lines.append("")
    return lines


def _entry(flags: str, text: str) -> Entry:
    """An entry from what ``--help`` says of it: the text ends with default and bounds in brackets."""
    found = re.search(r"\s*\[((?:default: |required|env var: |[-\d.]*<?=?x[<>]).*)\]$", text, re.DOTALL)
    help_text = render(text[: found.start()] if found else text).plain
    default, notes = "", []
    for part in (found[1] if found else "").split("; "):
        if part.startswith("default: "):
            # A default that is given as words stands in brackets of its own.
            default = re.sub(r"^\((.*)\)$", r"\1", part.removeprefix("default: "))
        elif part:
            notes.append(part)
    written = re.match(r"(?:-[\w-]+(?:, | / )?)+|.*?(?= <)", flags)
    names = written[0] if written else flags
    return Entry(names, flags[len(names) :].strip().strip("<>"), " ".join(help_text.split()), default, tuple(notes))


def _row(entry: Entry) -> str:
    notes = f" ({'; '.join(map(_escaped, entry.notes))})" if entry.notes else ""
    # A cell's bars are entities, and a long list of choices may break behind each.
    choices = html.escape(entry.takes, quote=False).replace("|", "&#124;<wbr>")
    takes = f"<br><code>{choices}</code>" if entry.takes else ""
    return f"| `{entry.flags}`{takes} | {_escaped(entry.help)}{notes} | {_escaped(entry.default)} |"


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(_escaped(" ".join(part.split())) for part in (text or "").split("\n\n"))


def _escaped(text: str) -> str:
    """Plain text as Markdown, for a cell of a table as well."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\*_{}\[\]|])", r"\\\1", text)
