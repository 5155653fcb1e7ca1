"""From a configuration to components: which are chosen, with which options, and how each is built once.

:func:`resolve` only checks: it imports configuration models, builds nothing, and is quick to refuse. A component's
options count only where the component is chosen. Chosen are the environment, the generator, the scorer and the
executor by the configuration, and an encoder or a further generator by the field ``encoder`` or ``generator`` of a
chosen component's options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from pydantic import ValidationError

from proofsearch.config import ComponentConfig, ExecutionConfig, RunConfig
from proofsearch.errors import PluginError, UsageError
from proofsearch.plugins import Plugins
from proofsearch.protocols import Encoder, Environment, Executor, Loss, TacticGenerator, ValueScorer
from proofsearch.registry import Registration, cache_folder
from proofsearch.validation import Place, dotted, explain, near

CHOOSERS = {"environment": "--env", "generator": "--generator", "scorer": "--scorer", "executor": "--executor"}
"""The kinds that a run chooses, and the option that does."""

OnStatus = Callable[[str, int | None, int | None], None]
"""Told what takes long, how far it is and of how much, where that is known."""


@dataclass(frozen=True, slots=True)
class Part:
    """A chosen component with its checked options."""

    registration: Registration
    config: ComponentConfig | None

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name."""
        return self.registration.kind, self.registration.name


@dataclass(frozen=True, slots=True)
class Parts:
    """What a configuration chooses.

    Attributes:
        config: the configuration, with every option of every chosen component filled in.
        chosen: by kind and name.
    """

    config: RunConfig
    chosen: Mapping[tuple[str, str], Part]


def resolve(plugins: Plugins, config: RunConfig, name: Callable[[Place], str] = dotted) -> Parts:
    """Looks up what a configuration chooses and checks its options.

    Args:
        plugins: where to look.
        config: the configuration.
        name: how to call a place of the configuration in errors.

    Raises:
        PluginError: an unknown component; the message names those that are known.
        UsageError: an option that the component doesn't have, a value that doesn't fit, or options for a component
            that is not chosen.
    """
    wanted = {
        "environment": config.env,
        "generator": config.generator,
        "scorer": config.scorer,
        "executor": config.execution.executor,
    }
    registrations = [plugins.registry(kind)[component] for kind, component in wanted.items()]
    chosen: dict[tuple[str, str], Part] = {}
    for registration in registrations:
        part = _checked(registration, config, name)
        chosen[part.key] = part
        for kind in ("encoder", "generator"):
            name_of_part = getattr(part.config, kind, None)
            if isinstance(name_of_part, str) and (kind, name_of_part) not in chosen:
                registrations.append(plugins.registry(kind)[name_of_part])
    _refuse_strays(plugins, config, chosen, name)
    options: dict[str, dict[str, Any]] = {}
    for part in chosen.values():
        if part.config is not None:
            options.setdefault(part.registration.name, {}).update(part.config.model_dump(mode="json"))
    return Parts(config.model_copy(update={"options": options}), chosen)


def _checked(registration: Registration, config: RunConfig, name: Callable[[Place], str]) -> Part:
    """Checks a component's options; where components of several kinds share a name, each takes those it knows."""
    given = config.options.get(registration.name, {})
    model = registration.config
    if model is None:
        return Part(registration, None)
    try:
        options = model.model_validate({key: value for key, value in given.items() if key in model.model_fields})
    except ValidationError as error:
        raise UsageError(explain(error, model, name, inside=("options", registration.name))) from None
    paths = {key: value.expanduser().absolute() for key, value in options if isinstance(value, Path)}
    # A run must mean the same file when it is resumed from another folder.
    return Part(registration, options.model_copy(update=paths))


def _refuse_strays(
    plugins: Plugins, config: RunConfig, chosen: Mapping[tuple[str, str], Part], name: Callable[[Place], str]
) -> None:
    """Refuses options that no chosen component takes."""
    for component, options in config.options.items():
        models = [part.registration.config for part in chosen.values() if part.registration.name == component]
        known = [field for model in models if model is not None for field in model.model_fields]
        for key in options:
            if key not in known:
                place = name(("options", component, key))
                raise UsageError(f"{place}: {_why_stray(plugins, chosen, component, key, known, bool(models))}")


def _why_stray(
    plugins: Plugins,
    chosen: Mapping[tuple[str, str], Part],
    component: str,
    key: str,
    known: list[str],
    is_chosen: bool,
) -> str:
    if is_chosen:
        return f"{component!r} has no option {key!r}; it has: {', '.join(known) or 'none'}{near(key, known)}"
    others = [registration for registration in plugins.components() if registration.name == component]
    for registration in others:
        if registration.kind in CHOOSERS:
            now = next(
                part.registration.name for part in chosen.values() if part.registration.kind == registration.kind
            )
            return (
                f"the {registration.kind} {component!r} is not chosen, {now!r} is; "
                f"choose it with {CHOOSERS[registration.kind]} {component}, or leave this option out"
            )
        if registration.kind == "encoder":
            return f"the encoder {component!r} is not chosen: no chosen component uses it; leave this option out"
    if others:
        return f"a search takes no {others[0].kind}; leave this option out"
    names = sorted({registration.name for registration in plugins.components()})
    return f"no component is named {component!r}; known: {', '.join(names)}{near(component, names)}"


class Components:
    """Builds what was chosen, each once, and closes it all in reverse order; a :class:`proofsearch.registry.Builder`.

    Args:
        plugins: where encoders are looked up that no option names.
        parts: what was chosen.
        on_status: told what takes long.
        cache: a folder for what can be computed again; default: :func:`proofsearch.registry.cache_folder`.
    """

    def __init__(
        self, plugins: Plugins, parts: Parts, on_status: OnStatus | None = None, cache: Path | None = None
    ) -> None:
        self._plugins = plugins
        self._parts = parts
        self._on_status = on_status
        self._cache = cache
        self._built: dict[tuple[str, str], Any] = {}
        self._building: list[tuple[str, str]] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes everything that was built, the last first. Idempotent."""
        self._built.clear()
        self._open.close()

    # ------------------------------------------------------------------------------------- for whoever uses them

    def generator(self, name: str | None = None) -> TacticGenerator:
        """The tactic generator of the run, or another by name, with the options that the run gives it.

        Raises:
            PluginError: no such generator.
        """
        return cast(TacticGenerator, self._get("generator", name or self._parts.config.generator))

    def scorer(self) -> ValueScorer:
        """The value scorer of the run."""
        return cast(ValueScorer, self._get("scorer", self._parts.config.scorer))

    def executor(self) -> Executor:
        """The executor of the run."""
        return cast(Executor, self._get("executor", self._parts.config.execution.executor))

    # --------------------------------------------------------------------------------------------- for factories

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._parts.config.seed

    @property
    def cache(self) -> Path:
        """A folder for what can be computed again; shared between runs and processes."""
        return self._cache or cache_folder()

    @property
    def execution(self) -> ExecutionConfig:
        """How the run is spread over workers."""
        return self._parts.config.execution

    def environment(self) -> Environment:
        """The environment of the run."""
        return cast(Environment, self._get("environment", self._parts.config.env))

    def encoder(self, name: str) -> Encoder:
        """An encoder by name, with the options that the run gives it.

        Raises:
            PluginError: no such encoder.
        """
        return cast(Encoder, self._get("encoder", name))

    def loss(self, name: str) -> Loss:
        """A training loss by name, with the options that the run gives it.

        Raises:
            PluginError: no such loss.
        """
        return cast(Loss, self._get("loss", name))

    def status(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Tells a person what takes long; with ``done`` and ``total``, how far it is."""
        if self._on_status is not None:
            self._on_status(message, done, total)

    # ------------------------------------------------------------------------------------------------- internals

    def _get(self, kind: str, name: str) -> Any:
        key = (kind, name)
        if key in self._built:
            return self._built[key]
        if key in self._building:
            circle = " → ".join(f"{kind} {name!r}" for kind, name in [*self._building, key])
            raise PluginError(f"these components ask for each other: {circle}; one of their plugins must be corrected")
        part = self._parts.chosen.get(key) or _checked(self._plugins.registry(kind)[name], self._parts.config, dotted)
        self._building.append(key)
        try:
            component = part.registration.factory(part.config, self)
        except ImportError as error:
            raise PluginError(
                f"{kind} {name!r} of plugin {part.registration.plugin!r} needs a package that can't be imported: "
                f"{error}; install it, for example with the plugin's own requirements"
            ) from error
        finally:
            self._building.pop()
        if kind != "loss":  # a loss is a function: it holds nothing
            self._open.callback(component.close)
        self._built[key] = component
        return component
