"""Options made from configuration models: one flag a field, with the field's description, default and choices.

Every option's own default is "not given", so that a configuration file's value is only replaced by what was said. What
a value may be is left to the models, which know best; here it is only read as its type.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from rich.markup import escape

from proofsearch.config import FrozenModel
from proofsearch.config.explain import Place, dotted, explain
from proofsearch.config.toml import from_toml
from proofsearch.errors import PluginError, UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import CHOOSERS
from proofsearch.storage.texts import read_text

Model = TypeVar("Model", bound=FrozenModel)

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


Panels = Mapping[str, Sequence[tuple[str, str]]]
"""By the heading in the help, flags and the places of the configuration that they set, with dots."""


def config_options(model: type[BaseModel], panels: Panels) -> Iterator[ConfigOption]:
    """The options for places of a configuration."""
    for panel, entries in panels.items():
        for flag, dotted_place in entries:
            place = tuple(dotted_place.split("."))
            table = model
            for key in place[:-1]:
                inner = table.model_fields[key].annotation
                assert isinstance(inner, type)
                assert issubclass(inner, BaseModel)
                table = inner
            yield ConfigOption(flag, place, table.model_fields[place[-1]], panel)


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
    """Gives a command function a parameter for each option; it gets what they were set to as its argument ``given``.

    Raises:
        PluginError: two options have one flag.
    """
    entries = list(options)
    own = inspect.signature(command, eval_str=True)
    parameters = [parameter for parameter in own.parameters.values() if parameter.name != "given"]
    names = {parameter.name for parameter in parameters}
    owners = {flag: "proofsearch itself" for parameter in parameters for flag in _flags(parameter)}
    for entry in entries:
        owner = owners.setdefault(entry.flag, entry.panel)
        if owner is not entry.panel or entry.parameter in names:
            raise PluginError(
                f"{entry.flag} means two things: {owner}, and {entry.panel}; switch one of the plugins off with "
                f"PROOFSEARCH_DISABLE_PLUGINS, or have its component renamed"
            )
        names.add(entry.parameter)
        parameters.append(_parameter(entry))

    def run(**arguments: Any) -> None:
        values = {entry.place: arguments.pop(entry.parameter) for entry in entries}
        command(**arguments, given=Given(values, {entry.place: entry.flag for entry in entries}))

    run.__doc__ = command.__doc__
    run.__dict__["__signature__"] = own.replace(parameters=parameters)
    return run


class Given:
    """What a command line sets of a configuration.

    Args:
        values: by place, as the options gave them; ``None`` where an option was not given.
        flags: the options, by place.

    Attributes:
        places: what is set, by place.
    """

    def __init__(self, values: Mapping[tuple[str, ...], Any], flags: Mapping[tuple[str, ...], str]) -> None:
        self.places: dict[tuple[str, ...], Any] = {}
        self._flags = dict(flags)
        for place, value in values.items():
            if isinstance(value, list):
                value = tuple(value) or None  # an option that can be repeated is empty where it isn't given
            if value is not None:
                self.places[place] = None if value is NONE else value

    def add(self, place: tuple[str, ...], value: Any, name: str) -> None:
        """Takes what was not given by an option; errors call it by ``name``."""
        self.places[place] = value
        self._flags[place] = name

    def flags(self) -> list[str]:
        """The options that were given."""
        return [self._flags[place] for place in self.places]

    def component_options(self) -> dict[str, dict[str, Any]]:
        """The options of components that were given, by component and name."""
        options: dict[str, dict[str, Any]] = {}
        for place, value in self.places.items():
            if place[0] == "options":
                options.setdefault(place[1], {})[place[2]] = value
        return options

    def refuse_with_resume(self, what: str, allowed: Collection[tuple[str, ...]], **others: object) -> None:
        """Refuses options that would change what is resumed.

        Args:
            what: is resumed: ``"a run"``.
            allowed: the places that may be set.
            others: further options that may not be given, by name, with their values.

        Raises:
            UsageError: one was given.
        """
        refused = [self._flags[place] for place in self.places if place not in allowed]
        refused += [f"--{name}" for name, value in others.items() if value is not None]
        if refused:
            raise UsageError(
                f"--resume continues {what} with its own settings and can't be combined with {', '.join(refused)}; "
                f"leave that out, or start a new one"
            )

    def name_in(self, file: Path | None = None) -> Callable[[Place], str]:
        """How errors call a place of the configuration: by its option where that was given, else by its key.

        Args:
            file: the configuration file; ``None`` where there is none: then all that has an option is called by it.
        """

        def name(place: Place) -> str:
            keys = tuple(map(str, place))
            if keys in self.places or (file is None and keys in self._flags):
                return self._flags[keys]
            return f"{file}: {dotted(place)}" if file is not None else dotted(place)

        return name

    def put_over(self, values: dict[str, Any], model: type[Model], name: Callable[[Place], str]) -> Model:
        """The configuration with what the command line sets put over it.

        Args:
            values: the configuration as plain data; changed.
            model: what it is the configuration of.
            name: from :meth:`name_in`.

        Raises:
            UsageError: a value that doesn't fit.
        """
        for place, value in self.places.items():
            table = values
            for key in place[:-1]:
                table = table.setdefault(key, {})
            table[place[-1]] = value
        try:
            return model.model_validate(values)
        except ValidationError as error:
            raise UsageError(explain(error, model, name)) from None


def read_file(file: Path | None, model: type[Model]) -> Model:
    """Reads a configuration file; without one gives the defaults.

    Raises:
        InputError: it can't be read, is no TOML, or holds what the model doesn't take.
    """
    return model() if file is None else from_toml(read_text(file, "a TOML file"), str(file), model)


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
