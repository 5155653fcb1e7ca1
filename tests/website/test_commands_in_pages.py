"""Every command that the documentation shows is one that the command line takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from proofsearch.cli.main import COMMANDS, make_app
from proofsearch.plugins.discovery import Plugins

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/src"))
DOCUMENTS = [
    ROOT / "README.md",
    # The commands of the tutorial have options of the package that it makes; they are run (test_walkthroughs.py).
    *sorted(set((ROOT / "docs").rglob("*.md")) - {ROOT / "docs" / "tutorial.md"}),
    *sorted(ROOT.glob("plugins/*/README.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
]
_BLOCK = re.compile(r"^```\w*.*\n((?:.*\n)*?)```$|((?:^ {4}.*\n)+)", re.M)


def commands(document: str) -> Iterator[list[str]]:
    """The arguments of each ``proofsearch`` in a document's blocks; what a shell does with the rest is left out."""
    for fenced, indented in _BLOCK.findall(document):
        for line in (fenced or indented).replace("\\\n", " ").splitlines():
            found = re.match(r"\s*(?:.*&& )?(?:\.venv/bin/)?proofsearch ((?:[^|>&;]|\\.)*)", line)
            if found is not None:
                yield shlex.split(found[1].removesuffix(" 2"), comments=True)


@pytest.fixture(scope="module")
def plugins() -> Iterator[Plugins]:
    """What is shipped, with the examples."""
    with pytest.MonkeyPatch.context() as patch:
        for source in EXAMPLES:
            patch.syspath_prepend(source)
        yield Plugins.discover([f"{next(source.iterdir()).name}.plugin" for source in EXAMPLES])


def refusal(plugins: Plugins, arguments: list[str]) -> str:
    """Why the command line does not take the arguments; ``""`` where it does. Files need not be there."""
    name = next((argument for argument in arguments if not argument.startswith("-")), "")
    app: Any = get_command(make_app(plugins, name))
    if name not in app.commands:
        return "" if arguments[0] in ("--help", "--version", "--traceback") else f"no command {name!r}"
    command, rest = app.commands[name], arguments[arguments.index(name) + 1 :]
    if hasattr(command, "commands"):
        if not rest or rest[0] not in command.commands:
            return f"no command {' '.join(arguments[:2])!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    try:
        command.make_context(name, rest, parent=typer.Context(app))
    except typer.Exit:
        pass
    except typer.TyperException as error:
        message = error.format_message()
        if "does not exist" not in message:
            return message
    return ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_are_taken(document: Path, plugins: Plugins) -> None:
    text = document.read_text(encoding="utf-8")
    refused = {shlex.join(one): why for one in commands(text) if (why := refusal(plugins, one))}
    assert refused == {}


def test_there_is_something_to_check(plugins: Plugins) -> None:
    found = [one for document in DOCUMENTS for one in commands(document.read_text(encoding="utf-8"))]
    assert {one[0] for one in found} >= set(COMMANDS)
    assert len(found) > 80


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("proofsearch search --scorer ebm --ebm-pth x", "--ebm-pth"),
        ("proofsearch search --limit many", "many"),
        ("proofsearch seek a", "no command 'seek'"),
        ("proofsearch cache show", "no command 'cache show'"),
        ("a && .venv/bin/proofsearch verify", "run"),
    ],
)
def test_a_wrong_command_is_found(line: str, why: str, plugins: Plugins) -> None:
    (arguments,) = commands(f"```sh\n{line} # now\n```\n")
    assert why in refusal(plugins, arguments)
