"""Discovery of plugins: the only module that calls the hooks.

A plugin is what an entry point in the group ``proofsearch`` names; the core's own components come the same way, from
:mod:`proofsearch.builtins.plugin`. A plugin that can't be loaded, implements a hook that does not exist, or raises in
a hook is named and skipped: one broken plugin never stops the others. Two plugins that claim one name do, because
nobody should have to guess which of them runs.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pluggy

from proofsearch.errors import PluginError, ProofsearchError, one_line, trace_of
from proofsearch.guards import interrupts
from proofsearch.plugins import hookspecs
from proofsearch.plugins.registry import (
    CommandRegistration,
    DiagnosisRegistration,
    Registration,
    Registry,
    refuse_wrong_types,
)
from proofsearch.process.version import __version__
from proofsearch.protocols import KINDS, Examine, Factory

if TYPE_CHECKING:
    from proofsearch.config import ComponentConfig

GROUP = "proofsearch"
"""The entry-point group."""

CORE = "proofsearch"
"""The core's own distribution."""

BUILTINS = "builtins"
"""The name of the plugin that the core itself ships."""

DISABLE_VARIABLE = "PROOFSEARCH_DISABLE_PLUGINS"
"""Environment variable: comma-separated names of plugins, or of their distributions, that are not loaded."""

OTHER_HOOKS = ("register_commands", "register_diagnoses")
"""The hooks that register no component."""

_HOOKS = {
    "environment": "register_environments",
    "generator": "register_generators",
    "scorer": "register_scorers",
    "encoder": "register_encoders",
    "strategy": "register_strategies",
    "priority": "register_priorities",
    "observer": "register_observers",
    "loss": "register_losses",
    "trainer": "register_trainers",
    "executor": "register_executors",
}


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin that was loaded.

    Attributes:
        name: of its entry point, or of its module where it was named directly.
        distribution: the package that it came from; ``""`` where unknown.
        version: of that package; ``""`` where unknown.
    """

    name: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip() or self.name


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin, or one hook of it, that was skipped.

    Attributes:
        plugin: which.
        error: what went wrong, in a line.
        hook: the hook that raised; ``""`` where the whole plugin was skipped.
        trace: where that was, as text; ``""`` where nothing was raised.
    """

    plugin: PluginInfo
    error: str
    hook: str = ""
    trace: str = ""

    def __str__(self) -> str:
        what = f"its {self.hook} was skipped" if self.hook else "it was skipped"
        source = f" ({self.plugin})" if self.plugin.distribution else ""
        return f"plugin {self.plugin.name!r}{source} is broken and {what}: {self.error}"


class Plugins:
    """The plugins of this process. :meth:`discover` gives one; registries are filled on first use.

    Attributes:
        loaded: in the order in which they were loaded.
        failures: what was skipped, and why; grows while hooks are called.
        extra: the modules that :meth:`discover` was given, for the recipe of a worker process.
    """

    def __init__(self, extra: Sequence[str] = ()) -> None:
        """Not for callers: use :meth:`discover`."""
        self.extra = tuple(extra)
        self.loaded: list[PluginInfo] = []
        self.failures: list[PluginFailure] = []
        self._taken = 0
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._registries: dict[str, Registry] = {}
        self._commands: list[CommandRegistration] | None = None
        self._diagnoses: list[DiagnosisRegistration] | None = None

    @classmethod
    def discover(cls, extra: Sequence[str] = ()) -> Plugins:
        """Loads the core's plugin, every installed one, and the modules named in ``extra``.

        Args:
            extra: importable modules that are plugins but have no entry point.

        Raises:
            PluginError: two plugins have one name.
        """
        plugins = cls(extra)
        disabled = {name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",")} - {""}
        for info, load in _sources(plugins.extra):
            if disabled.isdisjoint({info.name, info.distribution}):
                plugins._load(info, load)
        return plugins

    def registry(self, kind: str) -> Registry:
        """The components of a kind, one of :data:`proofsearch.protocols.KINDS`.

        Raises:
            PluginError: two plugins register the same name.
        """
        if kind not in self._registries:
            entries: list[Registration] = []

            def collect(plugin: str) -> hookspecs.Register:
                def register(
                    name: str,
                    factory: Factory,
                    config: type[ComponentConfig] | None = None,
                    help: str = "",
                    shared: bool = False,
                ) -> None:
                    entry = Registration(kind, name, factory, config, plugin, help, shared)
                    refuse_wrong_types(entry)
                    entries.append(entry)

                return register

            self._call(_HOOKS[kind], collect, entries)
            registry = Registry(kind)
            for entry in entries:
                registry.add(entry)
            self._registries[kind] = registry
        return self._registries[kind]

    def components(self) -> Iterator[Registration]:
        """Every component of every kind.

        Raises:
            PluginError: two plugins register the same name.
        """
        for kind in KINDS:
            yield from self.registry(kind)

    def commands(self) -> Sequence[CommandRegistration]:
        """The commands, and groups of commands, that plugins add.

        Raises:
            PluginError: two plugins add the same one.
        """
        if self._commands is None:
            entries: list[CommandRegistration] = []

            def collect(plugin: str) -> hookspecs.RegisterCommand:
                def register(name: str, target: str, help: str = "", kinds: Sequence[str] = ()) -> None:
                    for what, value in (("name", name), ("target", target), ("help", help)):
                        if not isinstance(value, str):
                            raise PluginError(f"it registers a command whose {what} is {value!r}; expected text")
                    if unknown := [kind for kind in kinds if kind not in KINDS]:
                        raise PluginError(
                            f"it registers the command {name!r} with options of {unknown}; "
                            f"known kinds: {', '.join(KINDS)}"
                        )
                    entries.append(CommandRegistration(name, target, plugin, help, tuple(kinds)))

                return register

            self._call("register_commands", collect, entries)
            owners: dict[str, str] = {}
            for entry in entries:
                owner = owners.setdefault(entry.name, entry.plugin)
                if owner != entry.plugin:
                    raise PluginError(
                        f"two plugins add the command {entry.name!r}: {owner!r} and {entry.plugin!r}; uninstall one of "
                        f"them or switch it off with {DISABLE_VARIABLE}={entry.plugin}"
                    )
            self._commands = entries
        return self._commands

    def diagnoses(self) -> Sequence[DiagnosisRegistration]:
        """What plugins find out about themselves."""
        if self._diagnoses is None:
            entries: list[DiagnosisRegistration] = []

            def collect(plugin: str) -> hookspecs.RegisterDiagnosis:
                def register(name: str, examine: Examine) -> None:
                    if not isinstance(name, str) or not callable(examine):
                        raise PluginError(f"it registers {examine!r} as the diagnosis {name!r}; expected a function")
                    entries.append(DiagnosisRegistration(name, examine, plugin))

                return register

            self._call("register_diagnoses", collect, entries)
            self._diagnoses = entries
        return self._diagnoses

    def take_failures(self) -> Sequence[PluginFailure]:
        """The failures since the last call, to be told to a person."""
        first, self._taken = self._taken, len(self.failures)
        return self.failures[first:]

    def info(self, name: str) -> PluginInfo:
        """Where a loaded plugin came from."""
        return next((info for info in self.loaded if info.name == name), PluginInfo(name))

    # ------------------------------------------------------------------------------------------------- internals

    def _load(self, info: PluginInfo, load: Callable[[], object]) -> None:
        taken = next((other for other in self.loaded if other.name == info.name), None)
        if taken is not None:
            raise PluginError(
                f"two plugins are named {info.name!r}: one from {taken} and one from {info}; uninstall one of them or "
                f"switch it off with {DISABLE_VARIABLE}={info.distribution or info.name}"
            )
        try:
            plugin = load()
            self._manager.register(plugin, info.name)
        # Foreign code: whatever it raises on import, SystemExit and its like too, must not take the others along.
        except BaseException as error:
            if interrupts(error):
                raise
            self._forget(info.name)
            self.failures.append(PluginFailure(info, one_line(error), trace=trace_of(error)))
            return
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError:
            unknown = _unknown_hooks(self._manager, info.name)
            self._forget(info.name)
            known = ", ".join([*_HOOKS.values(), *OTHER_HOOKS])
            self.failures.append(PluginFailure(info, f"no such hook: {', '.join(unknown)}; the hooks are {known}"))
            return
        self.loaded.append(info)

    def _forget(self, name: str) -> None:
        if self._manager.get_plugin(name) is not None:
            self._manager.unregister(name=name)

    def _call(self, hook: str, collect: Callable[[str], Any], entries: list[Any]) -> None:
        """Calls one hook plugin by plugin, so that the one that raises is known and registers nothing."""
        for info in self.loaded:
            plugin = self._manager.get_plugin(info.name)
            others = [other for other in self._manager.get_plugins() if other is not plugin]
            before = len(entries)
            try:
                self._manager.subset_hook_caller(hook, others)(register=collect(info.name))
            # Foreign code, as above.
            except BaseException as error:
                if interrupts(error):
                    raise
                del entries[before:]
                what = str(error) if isinstance(error, ProofsearchError) else one_line(error)
                self.failures.append(PluginFailure(info, what, hook, trace_of(error)))


def _sources(extra: Sequence[str]) -> Iterator[tuple[PluginInfo, Callable[[], object]]]:
    """Every plugin with how to load it: the core's first, then installed ones by name, then the extra modules."""
    own = PluginInfo(BUILTINS, CORE, _version())
    yield own, partial(importlib.import_module, "proofsearch.builtins.plugin")
    points = importlib.metadata.entry_points(group=GROUP)
    for point in sorted(points, key=lambda point: (point.name, point.dist.name if point.dist else "")):
        dist = point.dist
        yield PluginInfo(point.name, dist.name if dist else "", dist.version if dist else ""), point.load
    for module in extra:
        yield PluginInfo(module), partial(importlib.import_module, module)


def _version() -> str:
    return __version__


def _unknown_hooks(manager: pluggy.PluginManager, plugin: str) -> list[str]:
    known = {*_HOOKS.values(), *OTHER_HOOKS}
    callers = manager.get_hookcallers(manager.get_plugin(plugin)) or []
    return sorted(caller.name for caller in callers if caller.name not in known)
