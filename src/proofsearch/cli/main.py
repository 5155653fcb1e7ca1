"""The command ``proofsearch``: what all of its commands share.

``proofsearch --help`` has to be quick, and a command's options can depend on the plugins. So only the command that is
named on the command line is imported; the others are there by name and help alone.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from proofsearch.errors import InputError, PluginError, ProofsearchError, one_line
from proofsearch.guards import interrupts
from proofsearch.interruption import ending_signals, exit_code
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.packages import absent, absent_option
from proofsearch.plugins.registry import CommandRegistration
from proofsearch.process import streams
from proofsearch.process.version import __version__

TRACEBACK_VARIABLE = "PROOFSEARCH_TRACEBACK"
"""Environment variable: with any value, errors show where they were raised."""

_CTRL_C = 130

_SHOWS_PLACES = ContextVar("shows_places", default=False)

COMMANDS = {
    "search": "Search for proofs of many theorems and record everything in a run folder.",
    "train": "Learn from recorded searches and write a checkpoint.",
    "iterate": "Search, learn from what was found, and search again, for some rounds.",
    "theorems": "List the theorems of an environment.",
    "evaluate": "Measure what runs solved and compare them; judge a value along known proofs.",
    "report": "Write one HTML file about runs: figures as curves, and search trees to walk through.",
    "minimise": "Search for shorter proofs of what a run proved.",
    "verify": "Check a run's proofs again, from its files alone.",
    "runs": "Join run folders.",
    "trajectories": "Look at, merge and check recorded searches.",
    "push": "Publish a checkpoint or a run's searches on the Hugging Face hub.",
    "plugins": "Show what is installed, check it, and begin a new one.",
    "doctor": "Say what is installed, what is found, what is missing and how to get it.",
    "cache": "Show and clear what can be computed again.",
}
"""The core's own commands; each is the module of its name in :mod:`proofsearch.cli.commands`."""


def run(argv: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits.

    Args:
        argv: the arguments without the program's name; default: those of this process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    with streams.attached() as attached:
        code = _run(arguments)
        if attached is not None:
            code = attached.exit_code(code)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    wanted = next((argument for argument in arguments if not argument.startswith("-")), None)
    _SHOWS_PLACES.set(bool(os.environ.get(TRACEBACK_VARIABLE) or "--traceback" in arguments))
    plugins = None
    try:
        with ending_signals():
            with streams.set_apart():
                plugins = Plugins.discover()
                app = make_app(plugins, wanted)
            warn_of_failures(plugins)
            app(arguments, prog_name="proofsearch")
    except ProofsearchError as error:
        if plugins is not None:
            warn_of_failures(plugins)
        _fail(error)
        return error.exit_code
    except OSError as error:
        # Whatever a command does with a path, what the system says of it is no bug of ours.
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror or error}")
        return InputError.exit_code
    except KeyboardInterrupt:
        return exit_code()
    except SystemExit as ended:
        # Commands, and Typer for those that don't see to it, end with the code of Ctrl-C, whichever signal it was.
        if ended.code == _CTRL_C:
            return exit_code()
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _fail(error: object) -> None:
    if shows_places():
        if trace := getattr(error, "trace", ""):
            streams.message(trace)
        streams.message(traceback.format_exc().rstrip())
    streams.error(error)


def make_app(plugins: Plugins, wanted: str | None = None) -> typer.Typer:
    """The command line.

    Args:
        plugins: whose options and commands it has.
        wanted: the one command to load; the others only stand in the help.

    Raises:
        PluginError: a plugin's command has the name of one of ours, or can't be imported; or the one that is wanted is
            in a package that isn't installed.
    """
    app = typer.Typer(
        help="Best-first proof search in which every component is a plugin.",
        no_args_is_help=True,
        add_completion=False,
        # Laying out the list of commands richly would take longer than everything else together.
        rich_markup_mode="rich" if wanted else None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name, help_text in COMMANDS.items():
        if name == wanted:
            importlib.import_module(f"proofsearch.cli.commands.{name}").add_to(app, plugins)
            _set_apart(app)
        else:
            _name_only(app, name, help_text)
    for command in plugins.commands():
        if command.name in COMMANDS:
            raise PluginError(
                f"plugin {command.plugin!r} adds the command {command.name!r}, which is one of proofsearch's own; "
                f"switch it off with PROOFSEARCH_DISABLE_PLUGINS={command.plugin}"
            )
        if command.name == wanted:
            _add(app, plugins, command)
        else:
            _name_only(app, command.name, command.help, panel="Commands of plugins")
    known = {*COMMANDS, *(command.name for command in plugins.commands())}
    if wanted is not None and wanted not in known and (hint := absent(wanted, "command")):
        raise PluginError(f"no command is named {wanted!r}{hint}")
    return app


def shows_places() -> bool:
    """Whether the command under way is to show where errors were raised."""
    return _SHOWS_PLACES.get()


def warn_of_failures(plugins: Plugins) -> None:
    """Names the broken plugins on standard error, each once."""
    for failure in plugins.take_failures():
        if shows_places() and failure.trace:
            streams.message(failure.trace)
        streams.warning(failure)


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help=f"Show where errors were raised; also with {TRACEBACK_VARIABLE}=1.")
    ] = False,
) -> None:
    """Has no work of its own: the first option acts at once, the second is for :func:`run`."""


def _show_version(wanted: bool) -> None:
    if wanted:
        streams.output(f"proofsearch {__version__}")
        raise typer.Exit


class _Command(TyperCommand):
    """A command whose standard output has its results alone, whatever components print."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            # What says that there is no such option, in the Click that Typer has inside.
            if hint := absent_option(getattr(error, "option_name", None) or ""):
                vars(error)["message"] += hint
            raise

    def invoke(self, ctx: Any) -> Any:
        with streams.set_apart():
            return super().invoke(ctx)


def _set_apart(app: typer.Typer) -> None:
    """Has the commands of an app, and of its groups, keep their standard output for their results."""
    for command in app.registered_commands:
        command.cls = _Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _set_apart(group.typer_instance)


def _name_only(app: typer.Typer, name: str, help_text: str, panel: str | None = None) -> None:
    def never_run() -> None:
        raise AssertionError(f"command {name!r} was not loaded")

    app.command(name, help=help_text, rich_help_panel=panel)(never_run)


def _add(app: typer.Typer, plugins: Plugins, command: CommandRegistration) -> None:
    """Adds a plugin's command: a group, or a function with the options of components."""
    loaded = _load(command)
    if isinstance(loaded, typer.Typer):
        app.add_typer(loaded, name=command.name, help=command.help)
        return
    # Brings pydantic, which groups of commands may do without.
    from proofsearch.cli.options import Given, component_options, with_options

    signature = inspect.signature(loaded, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "options"]

    def run(*, given: Given, **arguments: Any) -> None:
        options = {"options": given.component_options()} if command.kinds else {}
        loaded(**arguments, **options)

    run.__doc__ = loaded.__doc__
    run.__dict__["__signature__"] = signature.replace(parameters=own)
    app.command(command.name)(with_options(run, component_options(plugins, command.kinds)))


def _load(command: CommandRegistration) -> typer.Typer | Callable[..., None]:
    module, _, attribute = command.target.partition(":")
    try:
        loaded = getattr(importlib.import_module(module), attribute)
    # Foreign code, which may raise anything on import, SystemExit and its like too.
    except BaseException as error:
        if interrupts(error):
            raise
        raise PluginError(
            f"the command {command.name!r} of plugin {command.plugin!r} can't be loaded from {command.target!r}: "
            f"{one_line(error)}"
        ) from error
    if isinstance(loaded, typer.Typer) or inspect.isfunction(loaded):
        return loaded
    raise PluginError(
        f"the command {command.name!r} of plugin {command.plugin!r}: {command.target!r} is a "
        f"{type(loaded).__name__}, expected a typer.Typer or a function"
    )
