"""What the plugins registered, by kind and name.

The registry is plain data: who calls the hooks is :mod:`proofsearch.plugins.discovery`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proofsearch.errors import PluginError, near, one_line
from proofsearch.plugins.packages import absent

if TYPE_CHECKING:
    from proofsearch.config import ComponentConfig

from proofsearch.protocols.component import SHAREABLE, Examine, Factory


@dataclass(frozen=True, slots=True)
class Registration:
    """One component as a plugin registered it.

    Attributes:
        kind: one of :data:`~proofsearch.protocols.KINDS`.
        name: what ``--scorer NAME`` and its like take; its options are ``--NAME-<field>``.
        factory: builds it.
        config: its configuration model; ``None`` where it has no options.
        plugin: the name of the plugin that registered it.
        help: one line for ``proofsearch plugins list``.
        shared: one instance serves all worker threads of a process: calls of concurrent searches are merged into
            batches, and calls never overlap. For generators, scorers and encoders.
    """

    kind: str
    name: str
    factory: Factory
    config: type[ComponentConfig] | None
    plugin: str
    help: str = ""
    shared: bool = False


def refuse_wrong_types(entry: Registration) -> None:
    """Refuses a registration that would fail later, in somebody else's hands.

    Raises:
        PluginError: a field of the wrong type; options whose class is no :class:`~proofsearch.config.ComponentConfig`,
            or whose defaults can't be had.
    """
    what = f"it registers the {entry.kind} {entry.name!r}"
    for name, value in (("name", entry.name), ("help", entry.help)):
        if not isinstance(value, str):
            raise PluginError(f"{what} with {value!r} as its {name}; expected text")
    if not callable(entry.factory):
        raise PluginError(f"{what} with {entry.factory!r} as its factory; expected a function of config and builder")
    if entry.config is None:
        return
    # Imported here since it brings pydantic, which no component without options needs.
    from proofsearch.config import ComponentConfig

    if not (isinstance(entry.config, type) and issubclass(entry.config, ComponentConfig)):
        raise PluginError(
            f"{what} with config={entry.config!r}; expected a subclass of proofsearch.config.ComponentConfig"
        )
    for name, field in entry.config.model_fields.items():
        try:
            field.get_default(call_default_factory=True)
        except Exception as error:
            raise PluginError(f"{what}: the default of its option {name!r} raised {one_line(error)}") from error


@dataclass(frozen=True, slots=True)
class CommandRegistration:
    """A command, or a group of commands, that a plugin adds: ``proofsearch NAME …``.

    Attributes:
        name: of the command.
        target: ``"module:attribute"``, imported only when the command is used: a :class:`typer.Typer`, which is a
            group, or a function, which is one command.
        plugin: the name of the plugin that registered it.
        help: one line for ``proofsearch --help``.
        kinds: the kinds of components whose options ``--<component>-<field>`` a function's command has beside its own;
            the function gets those that were given as its keyword argument ``options``, by component name and field.
    """

    name: str
    target: str
    plugin: str
    help: str = ""
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiagnosisRegistration:
    """Something that a plugin finds out about itself.

    Attributes:
        name: in a word what it is about: ``"models"``.
        examine: finds it out.
        plugin: the name of the plugin that registered it.
    """

    name: str
    examine: Examine
    plugin: str


class Registry:
    """Components of one kind by name; a name is taken once."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Registration] = {}

    def add(self, entry: Registration) -> None:
        """Adds a component.

        Raises:
            PluginError: the name is taken, or isn't lower-case letters, digits, dashes and underscores; or the
                component is to be shared and is of a kind that can't be.
        """
        name = entry.name
        plain = name.replace("-", "").replace("_", "")
        if not (plain.isascii() and plain.isalnum() and name == name.lower()):
            raise PluginError(
                f"plugin {entry.plugin!r} registers a {self.kind} as {name!r}: "
                f"a name is lower-case letters, digits, dashes and underscores"
            )
        if entry.shared and self.kind not in SHAREABLE:
            raise PluginError(
                f"plugin {entry.plugin!r} registers the {self.kind} {name!r} as shared; "
                f"only a {', '.join(SHAREABLE[:-1])} or {SHAREABLE[-1]} can be, whose calls can be merged"
            )
        taken = self._entries.get(name)
        if taken is not None:
            raise PluginError(
                f"two plugins register a {self.kind} named {name!r}: {taken.plugin!r} and {entry.plugin!r}; "
                f"uninstall one of them or switch it off with PROOFSEARCH_DISABLE_PLUGINS={entry.plugin}"
            )
        self._entries[name] = entry

    def __getitem__(self, name: str) -> Registration:
        """Looks a component up.

        Raises:
            PluginError: unknown; the message names what is known, and a near miss or the package that has it.
        """
        try:
            return self._entries[name]
        except KeyError:
            known = sorted(self._entries)
            known_names = ", ".join(known) or "none"
            hint = absent(name, self.kind) or near(name, known)
            raise PluginError(f"no {self.kind} is named {name!r}; known: {known_names}{hint}") from None

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
