"""The commands that are installed, run in the test's own process, and what one gave back."""

from __future__ import annotations

import contextlib
import inspect
import io
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from typer.models import OptionInfo

from proofsearch.cli.main import COMMANDS, make_app, run
from proofsearch.plugins.discovery import Plugins


@dataclass
class Done:
    """A finished command: its exit code and what it printed."""

    code: object
    out: str
    err: str


Cli = Callable[..., Done]
"""Runs a command line, given as its arguments."""


def run_in(folder: Path, *arguments: str | Path, **variables: str) -> Done:
    """Runs a command line as from another folder, with more environment variables.

    A process of its own takes half a second to start, and two more where it learns: that is for tests of the process.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(folder)
        for name, value in variables.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as exit_:
            run([str(argument) for argument in arguments])
    return Done(exit_.value.code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
        flag: the first of its names.
        kind: the type of what it takes.
        info: what typer was told of it.
    """

    flag: str
    kind: Any
    info: Any


def installed_commands() -> Iterator[tuple[tuple[str, ...], list[Option]]]:
    """The options of every command, those of plugins too, by the command's words."""
    plugins = Plugins.discover()
    for name in [*COMMANDS, *(command.name for command in plugins.commands())]:
        app = make_app(plugins, name)
        for command in app.registered_commands:
            if command.name == name:
                yield (name,), list(_options(command.callback))
        for group in app.registered_groups:
            for command in group.typer_instance.registered_commands if group.typer_instance else ():
                yield (name, command.name or command.callback.__name__), list(_options(command.callback))


def _options(command: Any) -> Iterator[Option]:
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        kind, *found = (
            typing.get_args(parameter.annotation)
            if typing.get_origin(parameter.annotation) is Annotated
            else (parameter.annotation, parameter.default)
        )
        for info in found:
            if isinstance(info, OptionInfo):
                names = [text for text in (info.default, *(info.param_decls or ())) if str(text).startswith("--")]
                yield Option(names[0] if names else f"--{parameter.name.replace('_', '-')}", kind, info)
