"""Builds the chosen components, each once, and closes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, cast

from proofsearch.config import AUTO, ExecutionConfig, RunConfig, SearchConfig, TrainConfig
from proofsearch.config.explain import Place, dotted
from proofsearch.engine.combination import check_combination, flag_of
from proofsearch.engine.watching import Watcher
from proofsearch.errors import ComponentError, InputError, PluginError, UsageError
from proofsearch.guards import attributed, guarded
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.registry import Registration
from proofsearch.plugins.resolution import (
    ChosenComponent,
    ResolvedRun,
    ResolvedTraining,
    check_options,
    default_generator,
    named_components,
    owner_of,
    refuse_unused,
)
from proofsearch.plugins.sharing import SharedComponents, stand_in
from proofsearch.process import streams
from proofsearch.protocols import (
    Encoder,
    Environment,
    Executor,
    Loss,
    Observer,
    Priority,
    Strategy,
    TacticGenerator,
    Trainer,
    ValueScorer,
)
from proofsearch.protocols.events import OnEvent, Preparing, ignore_event
from proofsearch.storage.cache import cache_folder

_CALLED = ("loss", "trainer", "strategy", "priority")
"""The kinds that are only called: they hold nothing, and have no ``close``."""

_GUARDED = ("observer",)
"""The kinds that something else closes, which keeps what they raise."""


def check_search(plugins: Plugins, parts: ResolvedRun, name: Callable[[Place], str] = flag_of) -> None:
    """Checks that the strategy, the priority and what they are combined with fit together, before anything is searched.

    Args:
        plugins: where to look.
        parts: what was chosen.
        name: how to call a place of the configuration in errors.

    Raises:
        UsageError: they don't; the message says which option to leave out.
        PluginError: one of them can't be built.
    """
    with Components(plugins, parts) as components:
        check_combination(components.strategy(), components.priority(), parts.config.search, name)


def _inner(place: Place) -> str:
    """Names a place as the table of a component's options calls it."""
    return dotted(place[2:])


class Components:
    """Builds what was chosen, each once, and closes it all in reverse order; a :class:`proofsearch.protocols.Builder`.

    Each has a guard around it (:mod:`proofsearch.guards`), for factories too: an encoder that fails inside a scorer is
    named itself.

    Args:
        plugins: where encoders are looked up that no option names.
        parts: what was chosen.
        on_event: told what takes long.
        shared: where components are that other threads share; ``None`` where there are no other threads.
        building: what is being built that asks for these components, the outermost first.
        run_id: of the run; empty outside of one.
    """

    def __init__(
        self,
        plugins: Plugins,
        parts: ResolvedRun | ResolvedTraining,
        on_event: OnEvent = ignore_event,
        shared: SharedComponents | None = None,
        building: Sequence[tuple[str, str]] = (),
        run_id: str = "",
    ) -> None:
        self._plugins = plugins
        self._parts = parts
        self._on_event = on_event
        self._shared = shared
        self._built: dict[tuple[str, str], Any] = {}
        self._building = list(building)
        self._run_id = run_id
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes everything that was built, the last first. Idempotent.

        What a component does wrong then is a warning on standard error: nothing that was done depends on it.
        """
        self._built.clear()
        self._open.close()

    # ------------------------------------------------------------------------------------- for whoever uses them

    def generator(self, name: str | None = None) -> TacticGenerator:
        """The tactic generator of the run, or another by name, with the options that the run gives it.

        A training has none of its own: there it is the environment's default.

        Raises:
            PluginError: no such generator.
        """
        config = self._parts.config
        if name is None and (isinstance(config, TrainConfig) or config.generator == AUTO):
            name = default_generator(self._part("environment", config.env))
        return cast(TacticGenerator, self._get("generator", name or self._own("generator")))

    def scorer(self) -> ValueScorer:
        """The value scorer of the run."""
        return cast(ValueScorer, self._get("scorer", self._own("scorer")))

    def strategy(self) -> Strategy:
        """The search algorithm of the run."""
        return cast(Strategy, self._get("strategy", self._own("strategy")))

    def priority(self) -> Priority:
        """The priority of the run."""
        return cast(Priority, self._get("priority", self._own("priority")))

    def observers(self) -> list[Watcher]:
        """What watches the run or the training, in the order in which it was chosen, each under guard."""
        watchers = []
        for name in dict.fromkeys(self._parts.config.observers):
            watchers.append(Watcher(cast(Observer, self._get("observer", name))))
            self._open.callback(_dismiss, watchers[-1])
        return watchers

    def executor(self) -> Executor:
        """The executor of the run."""
        return cast(Executor, self._get("executor", self._own("executor")))

    def trainer(self) -> Trainer:
        """The trainer of the training."""
        return cast(Trainer, self._get("trainer", self._own("trainer")))

    # --------------------------------------------------------------------------------------------- for factories

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._parts.config.seed

    @property
    def run_id(self) -> str:
        """The id of the run, the same in all of its processes; empty outside of one."""
        return self._run_id

    @property
    def cache(self) -> Path:
        """A folder for what can be computed again; shared between runs and processes."""
        return cache_folder()

    @property
    def execution(self) -> ExecutionConfig:
        """How the run is spread over workers."""
        return self._parts.config.execution

    @property
    def search(self) -> SearchConfig:
        """How the run searches; a training's own searches are not meant."""
        config = self._parts.config
        return config.search if isinstance(config, RunConfig) else SearchConfig()

    def environment(self) -> Environment:
        """The environment of the run."""
        return cast(Environment, self._get("environment", self._own("environment")))

    def encoder(self, name: str, options: Mapping[str, Any] | None = None) -> Encoder:
        """An encoder by name, with the options that the run gives it, or else with these, or else its defaults.

        Raises:
            PluginError: no such encoder.
            InputError: ``options`` count, and are none that it has.
        """
        return cast(Encoder, self._get("encoder", name, options))

    def encoder_options(self, name: str) -> Mapping[str, Any]:
        """The options that the run gives an encoder, defaults included, as JSON.

        Raises:
            PluginError: no such encoder.
        """
        return self._part("encoder", name).options()

    def loss(self, name: str) -> Loss:
        """A training loss by name, with the options that the run gives it.

        Raises:
            PluginError: no such loss.
        """
        return cast(Loss, self._get("loss", name))

    def loss_options(self, name: str) -> Mapping[str, Any]:
        """The options that the run gives a loss, defaults included, as JSON.

        Raises:
            PluginError: no such loss.
        """
        return self._part("loss", name).options()

    def status(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Tells a person what takes long; with ``done`` and ``total``, how far it is."""
        self._on_event(Preparing(message, done, total))

    # ------------------------------------------------------------------------------------------------- internals

    def _own(self, kind: str) -> str:
        """The component of a kind that the configuration itself names."""
        name = named_components(self._parts.config).get(kind)
        if name is None:
            what = "a training" if isinstance(self._parts.config, TrainConfig) else "a search"
            raise PluginError(f"{what} has no {kind} of its own; a component that needs one has to ask for it by name")
        return name

    def _part(self, kind: str, name: str, options: Mapping[str, Any] | None = None) -> ChosenComponent:
        """A component's registration and options; ``options`` count where the configuration has none for it."""
        part = self._parts.chosen.get((kind, name))
        if part is not None:
            return part
        given = self._parts.config.options
        if options is not None and name not in given:
            return self._kept(self._plugins.registry(kind)[name], options)
        return check_options(self._plugins.registry(kind)[name], given, dotted)

    def _kept(self, registration: Registration, options: Mapping[str, Any]) -> ChosenComponent:
        """A component with options that were kept somewhere, and are for this component alone."""
        kind, name = registration.kind, registration.name
        try:
            refuse_unused(self._plugins, {name: options}, {(kind, name): ChosenComponent(registration, None)}, _inner)
            return check_options(registration, {name: options}, _inner)
        except UsageError as error:
            raise InputError(
                f"options kept for the {kind} {name!r}: {error}; they were changed since, or are those of another "
                f"version of it"
            ) from None

    def _get(self, kind: str, name: str, options: Mapping[str, Any] | None = None) -> Any:
        key = (kind, name)
        if key in self._built:
            return self._built[key]
        if key in self._building:
            circle = " → ".join(f"{kind} {name!r}" for kind, name in [*self._building, key])
            raise PluginError(f"these components ask for each other: {circle}; one of their plugins must be corrected")
        part = self._part(kind, name, options)
        if part.registration.shared and self._shared is not None:
            shared = self._shared
            component = shared.take(key, lambda: self._build_shared(part, shared))
            self._open.callback(shared.release, key)
        else:
            component = self._build(part)
            if kind not in _CALLED + _GUARDED:
                self._open.callback(_close, component)
        self._built[key] = component
        return component

    def _build(self, part: ChosenComponent) -> Any:
        owner = owner_of(part.registration)
        self._building.append(part.key)
        try:
            return guarded(attributed(owner, "its factory", self._made)(part), owner)
        finally:
            self._building.pop()

    def _made(self, part: ChosenComponent) -> Any:
        try:
            return part.registration.factory(part.config, self)
        except ImportError as error:
            kind, name = part.key
            raise PluginError(
                f"{kind} {name!r} of plugin {part.registration.plugin!r} needs a package that can't be imported: "
                f"{error}; install it, for example with the plugin's own requirements"
            ) from error

    def _build_shared(self, part: ChosenComponent, shared: SharedComponents) -> tuple[Any, Callable[[], None]]:
        """A component for all threads, and what closes it.

        What it asks for and is not shared itself belongs to it alone: no worker uses that, so no call of it can overlap
        with one by this component, and it lives as long.
        """
        inner = Components(self._plugins, self._parts, shared=shared, building=self._building, run_id=self._run_id)
        with ExitStack() as undo:
            undo.callback(inner.close)
            component = stand_in(part.key, inner._build(part), shared.clients, self.execution)
            undo.callback(_close, component)
            return component, undo.pop_all().close


def _dismiss(watcher: Watcher) -> None:
    watcher.close()
    if failure := watcher.take_failure():
        streams.warning(failure)


def _close(component: Any) -> None:
    try:
        component.close()
    except ComponentError as error:
        streams.warning(error)
