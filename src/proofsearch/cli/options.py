"""Options made from configuration models: one flag a field, with the field's description, default and choices.

Every option's own default is "not given", so that a configuration file's value is only replaced by what was said. What
a value may be is left to the models, which know best; here it is only read as its type.
"""

from __future__ import annotations

import datetime
import inspect
import math
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from rich.markup import escape

from proofsearch.config import FrozenModel
from proofsearch.config.bounds import LARGEST, LARGEST_SEED, MOST_RESAMPLES
from proofsearch.config.explain import Place, dotted, explain
from proofsearch.config.toml import from_toml
from proofsearch.errors import PluginError, UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import CHOOSERS
from proofsearch.runs.names import safe_name
from proofsearch.storage.outputs import OVERWRITE
from proofsearch.storage.texts import read_text

Model = TypeVar("Model", bound=FrozenModel)


Overwrite = Annotated[bool, typer.Option(OVERWRITE, help="Replace an existing output, unless it is one of the inputs.")]
"""The option of every command that writes files of a person's choice."""

Runs = Annotated[
    list[Path],
    typer.Argument(metavar="RUN...", help="Run folders; the first is what the others are compared with."),
]
Split = Annotated[
    Literal["train", "validation", "test"] | None,
    typer.Option("--split", help="Only theorems of this split.", show_default="all"),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=1, max=LARGEST, help="At most this many theorems, drawn with the seed.", show_default="all"
    ),
]
DrawSeed = Annotated[int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of everything random.")]
Resamples = Annotated[
    int, typer.Option("--resamples", min=100, max=MOST_RESAMPLES, help="Draws of the theorems for the intervals.")
]

NONE = object()
"""What an option for a number gives where ``none`` was said."""


@dataclass(frozen=True, slots=True)
class ConfigOption:
    """An option that sets one place of the configuration.

    Attributes:
        flag: with its dashes.
        place: the keys to what it sets, from the outermost.
        field: of the model.
        panel: the heading under which the help shows it.
    """

    flag: str
    place: tuple[str, ...]
    field: FieldInfo
    panel: str

    @property
    def parameter(self) -> str:
        """The name of the function's parameter."""
        return self.flag.removeprefix("--").replace("-", "_")


def option(model: type[BaseModel], place: tuple[str, ...], flag: str, panel: str) -> ConfigOption:
    """The option for a place of a configuration."""
    for key in place[:-1]:
        inner = model.model_fields[key].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        model = inner
    return ConfigOption(flag, place, model.model_fields[place[-1]], panel)


def component_options(
    plugins: Plugins, kinds: Iterable[str], choosers: Mapping[str, str] = CHOOSERS
) -> Iterator[ConfigOption]:
    """The options ``--<component>-<field>`` of every component of some kinds.

    Fields of types that an option can't have are left out: a configuration file sets them.

    Args:
        plugins: where to look.
        kinds: of components.
        choosers: the kinds that the command chooses, and the option that does.
    """
    seen: set[str] = set()
    for kind in kinds:
        for registration in plugins.registry(kind):
            for name, field in (registration.config.model_fields if registration.config else {}).items():
                place = ("options", registration.name, name)
                flag = f"--{registration.name}-{name.replace('_', '-')}"
                if _plain(field)[0] is None or ".".join(place) in seen:
                    continue
                seen.add(".".join(place))
                chooser = f" ({choosers[kind]} {registration.name})" if kind in choosers else ""
                yield ConfigOption(flag, place, field, f"Options of the {kind} {registration.name}{chooser}")


def with_options(command: Callable[..., None], options: Iterable[ConfigOption]) -> Callable[..., None]:
    """Gives a command function a parameter for each option, in place of its ``**given``.

    Raises:
        PluginError: two options have one flag.
    """
    own = inspect.signature(command, eval_str=True)
    parameters = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    owners = {flag: "proofsearch itself" for one in parameters for flag in _flags(one)}
    names = {one.name for one in parameters}
    for entry in options:
        owner = owners.setdefault(entry.flag, entry.panel)
        if owner is not entry.panel or entry.parameter in names:
            raise PluginError(
                f"{entry.flag} means two things: {owner}, and {entry.panel}; switch one of the plugins off with "
                f"PROOFSEARCH_DISABLE_PLUGINS, or have its component renamed"
            )
        parameters.append(_parameter(entry))
        names.add(entry.parameter)

    def run(**given: Any) -> None:
        command(**given)

    run.__doc__ = command.__doc__
    run.__dict__["__signature__"] = own.replace(parameters=parameters)
    return run


def overrides(options: Iterable[ConfigOption], given: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    """What the command line sets, by place; takes what ``with_options`` passed on."""
    found = {}
    for entry in options:
        value = given[entry.parameter]
        if isinstance(value, list):
            value = tuple(value) or None  # an option that can be repeated is empty where it isn't given
        if value is not None:
            found[entry.place] = None if value is NONE else value
    return found


def read_file(file: Path, model: type[Model]) -> Model:
    """Reads a configuration file.

    Raises:
        InputError: it can't be read, is no TOML, or holds what the model doesn't take.
    """
    return from_toml(read_text(file, "a TOML file"), str(file), model)


def naming(
    options: Iterable[ConfigOption], said: Mapping[tuple[str, ...], Any], file: Path | None, otherwise: str = ""
) -> Callable[[Place], str]:
    """How errors call a place of the configuration: by its option where that was given, else by its key in the file.

    Args:
        options: the command's.
        said: what the command line sets.
        file: the configuration file, if there is one.
        otherwise: what is said without an option, such as arguments.
    """
    flags = {entry.place: entry.flag for entry in options}

    def name(place: Place) -> str:
        keys = tuple(map(str, place))
        if keys in said:
            return flags.get(keys, otherwise)
        return f"{file}: {dotted(place)}" if file is not None else dotted(place)

    return name


def overridden(
    values: dict[str, Any], said: Mapping[tuple[str, ...], Any], model: type[Model], name: Callable[[Place], str]
) -> Model:
    """The configuration with what the command line sets put over it.

    Args:
        values: the configuration as plain data; changed.
        said: from :func:`overrides`.
        model: what it is the configuration of.
        name: from :func:`naming`.

    Raises:
        UsageError: a value that doesn't fit.
    """
    for place, value in said.items():
        table = values
        for key in place[:-1]:
            table = table.setdefault(key, {})
        table[place[-1]] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UsageError(explain(error, model, name)) from None


def free_folder(parent: Path, what: str) -> Path:
    """A folder that isn't there yet, named by the time and by what it is for."""
    base = parent / f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{safe_name(what)}"
    number, path = 1, base
    while path.exists():
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    return path


def _flags(parameter: inspect.Parameter) -> list[str]:
    infos = [info for info in getattr(parameter.annotation, "__metadata__", ()) if hasattr(info, "param_decls")]
    return [flag for info in infos for flag in (info.default, *(info.param_decls or ())) if isinstance(flag, str)]


def _parameter(entry: ConfigOption) -> inspect.Parameter:
    kind, may_be_none = _plain(entry.field)
    default = entry.field.get_default(call_default_factory=True)
    settings: dict[str, Any] = {
        "help": escape(entry.field.description or ""),
        "rich_help_panel": entry.panel,
        "show_default": False if default is None or default == () else _shown(default),
    }
    flags = entry.flag
    if kind is bool:
        flags = f"{entry.flag}/--no-{entry.flag.removeprefix('--')}"
    elif kind in (int, float) and may_be_none:
        settings |= {"parser": _number_or_none(kind), "metavar": f"{'INTEGER' if kind is int else 'FLOAT'}|none"}
    return inspect.Parameter(
        entry.parameter,
        inspect.Parameter.KEYWORD_ONLY,
        default=typer.Option(None, flags, **settings),
        annotation=kind | None,
    )


def _plain(field: FieldInfo) -> tuple[Any, bool]:
    """The type that an option reads, or ``None`` where none can, and whether the field may be empty."""
    annotation, may_be_none = field.annotation, False
    if annotation == tuple[str, ...]:
        return list[str], False
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        may_be_none = len(members) < len(typing.get_args(annotation))
        annotation = members[0] if len(members) == 1 else None
    if typing.get_origin(annotation) is Literal:
        return (
            annotation if all(isinstance(value, str) for value in typing.get_args(annotation)) else None
        ), may_be_none
    return (annotation if annotation in (bool, int, float, str, Path) else None), may_be_none


def number_between(low: float, high: float) -> Callable[[str], float]:
    """A parser for an option; typer's own range takes ``nan``, which no comparison refuses."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise typer.BadParameter(f"expected a number from {low:g} to {high:g}, found {text!r}")
        return number

    return read


def _number_or_none(kind: type[int] | type[float]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if text == "none":
            return NONE
        try:
            return kind(text)
        except ValueError:
            expected = "a whole number" if kind is int else "a number"
            raise typer.BadParameter(f"expected {expected} or none, found {text!r}") from None

    return read


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
