"""Resolves a configuration to the components that it chooses, with their options.

:func:`resolve` only checks: it imports configuration models, builds nothing, and is quick to refuse. A component's
options count only where the component is chosen. Chosen are the environment, the generator, the scorer, the strategy,
the priority, the observers and the executor by the configuration, and an encoder or a further generator by the field
``encoder`` or ``generator`` of a chosen component's options. A training (:func:`resolve_training`) chooses the
environment, the trainer and, since trainers look losses up by name as they go, every loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from proofsearch.config import AUTO, ComponentConfig, RunConfig, TrainConfig
from proofsearch.config.explain import Place, dotted, explain
from proofsearch.errors import InputError, PluginError, UsageError, near, one_line
from proofsearch.guards import Owner, attributed, interrupts
from proofsearch.hub import Address, fetch, is_address
from proofsearch.plugins.discovery import CORE, Plugins
from proofsearch.plugins.packages import absent
from proofsearch.plugins.registry import Registration

CHOOSERS = {
    "environment": "--env",
    "generator": "--generator",
    "scorer": "--scorer",
    "executor": "--executor",
    "strategy": "--strategy",
    "priority": "--priority",
    "observer": "--observe",
    "trainer": "--plugin",
}
"""The kinds that a run or a training chooses, and the option that does."""


@dataclass(frozen=True, slots=True)
class ChosenComponent:
    """A chosen component with its checked options.

    Attributes:
        registration: what was registered.
        config: its options; a path in them is on this machine.
        addresses: by name, what options are on the hub, at the commit that was fetched.
    """

    registration: Registration
    config: ComponentConfig | None
    addresses: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name."""
        return self.registration.kind, self.registration.name

    def ability(self, name: str, default: Any) -> Any:
        """What the options say of themselves under a name, which may be a property of the plugin's own making.

        Raises:
            ComponentError: that raised.
        """
        return attributed(
            owner_of(self.registration), f"{name} of its options", partial(getattr, self.config, name, default)
        )()

    def options(self) -> dict[str, Any]:
        """The options as JSON, to be written down and read again, here or on another machine."""
        return {} if self.config is None else self.config.model_dump(mode="json") | dict(self.addresses)


Chosen = Mapping[tuple[str, str], ChosenComponent]
"""The chosen components by kind and name."""


AnyConfig = TypeVar("AnyConfig", RunConfig, TrainConfig)


@dataclass(frozen=True, slots=True)
class Resolved(Generic[AnyConfig]):
    """What a configuration of a run or of a training chooses.

    Attributes:
        config: the configuration, with every option of every chosen component filled in.
        chosen: by kind and name.
    """

    config: AnyConfig
    chosen: Chosen


ResolvedRun = Resolved[RunConfig]
ResolvedTraining = Resolved[TrainConfig]


def resolve(
    plugins: Plugins, config: RunConfig, name: Callable[[Place], str] = dotted, *, shared: bool = False
) -> ResolvedRun:
    """Looks up what a configuration chooses and checks its options.

    Args:
        plugins: where to look.
        config: the configuration.
        name: how to call a place of the configuration in errors.
        shared: its options are meant for other configurations as well: those for components that this one doesn't
            choose are left out, not refused.

    Raises:
        PluginError: an unknown component; the message names those that are known.
        UsageError: an option that the component doesn't have, a value that doesn't fit, or options for a component
            that is not chosen.
        InputError: an option is an address on the hub (:mod:`proofsearch.hub`), and what it names can't be had.
    """
    config = _with_generator(plugins, config, name)
    registrations = [plugins.registry(kind)[component] for kind, component in named_components(config).items()]
    registrations += [plugins.registry("observer")[observer] for observer in config.observers]
    chosen = _choose(plugins, registrations, config.options, name)
    if not shared:
        refuse_unused(plugins, config.options, chosen, name)
    return Resolved(config.model_copy(update={"options": _filled_in(chosen)}), chosen)


def resolve_training(
    plugins: Plugins, config: TrainConfig, name: Callable[[Place], str] = dotted, *, shared: bool = False
) -> ResolvedTraining:
    """Looks up what a training's configuration chooses and checks its options; as :func:`resolve`."""
    registrations = [plugins.registry(kind)[component] for kind, component in named_components(config).items()]
    registrations += [plugins.registry("observer")[observer] for observer in config.observers]
    chosen = _choose(plugins, [*registrations, *plugins.registry("loss")], config.options, name)
    if not shared:
        refuse_unused(plugins, config.options, chosen, name)
    return Resolved(config.model_copy(update={"options": _filled_in(chosen)}), chosen)


def resolve_some(
    plugins: Plugins,
    registrations: Sequence[Registration],
    config: RunConfig,
    name: Callable[[Place], str] = dotted,
    choosers: Mapping[str, str] = CHOOSERS,
) -> ResolvedRun:
    """Checks the options of some components alone, whatever else the configuration names; as :func:`resolve`.

    Args:
        plugins: where to look up what they ask for.
        registrations: the components, those that their options name come along.
        config: holds the options.
        name: how to call a place of the configuration in errors.
        choosers: as for :func:`refuse_unused`.
    """
    chosen = _choose(plugins, list(registrations), config.options, name)
    refuse_unused(plugins, config.options, chosen, name, choosers)
    return Resolved(config, chosen)


def used_packages(plugins: Plugins, parts: ResolvedRun) -> list[str]:
    """The distributions, beside the core, that chosen components come from: results depend on no other.

    Those of observers are left out.
    """
    chosen = (part.registration for (kind, _), part in parts.chosen.items() if kind != "observer")
    return sorted({plugins.info(one.plugin).distribution for one in chosen} - {"", CORE})


def _with_generator(plugins: Plugins, config: RunConfig, name: Callable[[Place], str]) -> RunConfig:
    """The configuration with a generator: the one that is named, the environment's own, or else the k-NN."""
    if config.generator != AUTO:
        return config
    environment = check_options(plugins.registry("environment")[config.env], config.options, name)
    return config.model_copy(update={"generator": default_generator(environment)})


def default_generator(environment: ChosenComponent) -> str:
    """The policy of an environment for which none is named: its own choice, or else the k-NN."""
    return str(environment.ability("default_generator", "knn"))


def named_components(config: RunConfig | TrainConfig) -> dict[str, str]:
    """The components that a configuration itself names, by kind."""
    if isinstance(config, TrainConfig):
        return {"environment": config.env, "trainer": config.plugin, "executor": config.execution.executor}
    return {
        "environment": config.env,
        "generator": config.generator,
        "scorer": config.scorer,
        "strategy": config.search.strategy,
        "priority": config.search.priority.kind,
        "executor": config.execution.executor,
    }


def _choose(
    plugins: Plugins,
    registrations: list[Registration],
    options: Mapping[str, Mapping[str, Any]],
    name: Callable[[Place], str],
) -> dict[tuple[str, str], ChosenComponent]:
    """Checks the options of components, and of those that they name."""
    chosen: dict[tuple[str, str], ChosenComponent] = {}
    waiting = list(registrations)
    for registration in waiting:
        component = check_options(registration, options, name)
        chosen[component.key] = component
        for kind in ("encoder", "generator"):
            named = [component.ability(kind, None), *component.ability(f"{kind}s", ())]
            for name_of_part in named:
                if isinstance(name_of_part, str) and (kind, name_of_part) not in chosen:
                    waiting.append(plugins.registry(kind)[name_of_part])
    return chosen


def _filled_in(chosen: Chosen) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = {}
    for component in chosen.values():
        if component.config is not None:
            options.setdefault(component.registration.name, {}).update(component.options())
    return options


def check_options(
    registration: Registration, all_options: Mapping[str, Mapping[str, Any]], name: Callable[[Place], str]
) -> ChosenComponent:
    """A component with its checked options; of components of several kinds with one name each takes those it knows."""
    given = all_options.get(registration.name, {})
    model = registration.config
    if model is None:
        return ChosenComponent(registration, None)
    known = {key: value for key, value in given.items() if key in model.model_fields}
    here, addresses = _fetched(known, lambda key: name(("options", registration.name, key)))
    try:
        options = model.model_validate(here)
    except ValidationError as error:
        raise UsageError(explain(error, model, name, inside=("options", registration.name))) from None
    # Foreign code: a model's own validators may raise what pydantic doesn't take for a complaint.
    except BaseException as error:
        if interrupts(error):
            raise
        raise owner_of(registration).error("its options", f"raised {one_line(error)}") from error
    paths = {key: value.expanduser().absolute() for key, value in options if isinstance(value, Path)}
    # A run must mean the same file when it is resumed from another folder.
    return ChosenComponent(registration, options.model_copy(update=paths), addresses)


def _fetched(given: Mapping[str, Any], name: Callable[[str], str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Has what options name on the hub fetched, whichever component they are of.

    Returns:
        The options with what is on this machine in place of addresses, and by option the addresses with their commits.

    Raises:
        InputError, PluginError: one can't be had; the message begins with its option.
    """
    here = dict(given)
    addresses: dict[str, Any] = {}
    for key, value in given.items():
        entries = value if isinstance(value, list | tuple) else [value]
        if not any(map(is_address, entries)):
            continue
        try:
            found = [fetch(Address.parse(entry)) if is_address(entry) else (entry, entry) for entry in entries]
        except (InputError, PluginError) as error:
            raise type(error)(f"{name(key)}: {error}") from error
        pinned, places = [str(address) for address, _ in found], [str(place) for _, place in found]
        here[key], addresses[key] = (places, pinned) if entries is value else (places[0], pinned[0])
    return here, addresses


def owner_of(registration: Registration) -> Owner:
    """Whose fault it is what a component does."""
    return Owner(registration.kind, registration.name, registration.plugin)


def refuse_unused(
    plugins: Plugins,
    options: Mapping[str, Mapping[str, Any]],
    chosen: Chosen,
    name: Callable[[Place], str] = dotted,
    choosers: Mapping[str, str] = CHOOSERS,
) -> None:
    """Refuses options that no chosen component takes.

    Args:
        plugins: where to look what else there is.
        options: by component name.
        chosen: what takes them.
        name: how to call a place of the configuration in errors.
        choosers: the kinds that can be chosen here, and the option that does.

    Raises:
        UsageError: there is one; the message says what it would take.
    """
    for component, given in options.items():
        models = [taker.registration.config for taker in chosen.values() if taker.registration.name == component]
        known = [field for model in models if model is not None for field in model.model_fields]
        for key in given:
            if key not in known:
                place = name(("options", component, key))
                raise UsageError(f"{place}: {_why_unused(plugins, chosen, component, key, known, choosers)}")


def _why_unused(
    plugins: Plugins, chosen: Chosen, component: str, key: str, known: list[str], choosers: Mapping[str, str]
) -> str:
    if any(name == component for _, name in chosen):
        return f"{component!r} has no option {key!r}; it has: {', '.join(known) or 'none'}{near(key, known)}"
    others = [registration for registration in plugins.components() if registration.name == component]
    now = dict(reversed(list(chosen)))  # of several of a kind the first: the others are only asked for by it
    for registration in others:
        kind = registration.kind
        if kind == "encoder":
            return f"the encoder {component!r} is not chosen: no chosen component uses it; leave this option out"
        if kind in choosers and (kind in now or kind == "observer"):
            instead = f", {now[kind]!r} is" if kind in now else ""
            return (
                f"the {kind} {component!r} is not chosen{instead}; "
                f"choose it with {choosers[kind]} {component}, or leave this option out"
            )
    if others:
        return f"no {others[0].kind} takes part here; leave this option out"
    names = sorted({registration.name for registration in plugins.components()})
    hint = absent(component) or near(component, names)
    return f"no component is named {component!r}; known: {', '.join(names)}{hint}"
