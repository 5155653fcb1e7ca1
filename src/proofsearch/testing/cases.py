"""A component under check, made by its factory, and what holds for every kind: its configuration, and its end."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from proofsearch.config import ComponentConfig
from proofsearch.errors import PluginError, ProofsearchError, one_line
from proofsearch.guards import interrupts
from proofsearch.protocols import Builder, Factory
from proofsearch.testing.checks import Checks, NotApplicable, brief, expect

Component = TypeVar("Component")
AnyCase = TypeVar("AnyCase", bound="ComponentCase[Any]")

_STRAY = "no_such_option_of_any_component"


class ComponentCase(Generic[Component]):
    """A component that is checked. Most checks use one instance; those that need another make it.

    Args:
        factory: as it is registered.
        config: its options; ``None`` where it has none.
        builder: what the factory may ask.
    """

    def __init__(self, factory: Factory, config: ComponentConfig | None, builder: Builder) -> None:
        self.config = config
        self.builder = builder
        self._factory = factory
        self._component: Component | None = None

    def open(self) -> None:
        """Makes the instance that most checks use.

        Raises:
            ProofsearchError: it can't be made, or not be used here: something for a person to put right.
            PluginError: the factory raised something else.
        """
        try:
            self.begin(self.component)
        except ProofsearchError:
            raise
        except BaseException as error:
            if interrupts(error):
                raise
            raise PluginError(f"it can't be made: {one_line(error)}") from error

    def begin(self, component: Component) -> None:
        """Uses the instance once, where what it needs is only then found missing: models are loaded late."""

    @property
    def component(self) -> Component:
        """The instance that most checks use."""
        if self._component is None:
            self._component = self.make()
        return self._component

    def make(self, config: ComponentConfig | None = None, builder: Builder | None = None) -> Component:
        """Another instance, with the same or with another configuration or builder; whoever asks closes it."""
        options = self.config if config is None else config
        made: Component | None = self._factory(options, self.builder if builder is None else builder)
        if made is None:
            raise PluginError("the factory returned None; expected the component")
        return made

    @contextmanager
    def another(self, config: ComponentConfig | None = None) -> Iterator[Component]:
        """Another instance, closed at the end."""
        made = self.make(config)
        try:
            yield made
        finally:
            close(made)

    def close(self) -> None:
        """Closes the instance that most checks use. Idempotent."""
        component, self._component = self._component, None
        if component is not None:
            # What a check has found already must not be covered by what closing raises; a check of its own tries that.
            with suppress(Exception):
                close(component)


def close(component: Any) -> None:
    """Closes a component of a kind that is closed; trainers and losses aren't."""
    if hasattr(component, "close"):
        component.close()


CONFIG_CHECKS: Checks[ComponentCase[Any]] = Checks("component")
"""What holds for the options of a component of any kind."""


def _config(case: ComponentCase[Any]) -> ComponentConfig:
    if case.config is None:
        raise NotApplicable("it has no options")
    return case.config


@CONFIG_CHECKS.add
def options_are_a_model(case: ComponentCase[Any]) -> None:
    """The options are a frozen ``ComponentConfig``, and a key that it doesn't know is refused."""
    config = _config(case)
    model = type(config)
    expect(isinstance(config, ComponentConfig), f"{model.__qualname__} is no ComponentConfig")
    expect(model.model_config.get("frozen"), f"{model.__qualname__} is not frozen: its fields can be set")
    try:
        model.model_validate({**config.model_dump(mode="json"), _STRAY: 1})
    except ValidationError:
        return
    expect(False, f"{model.__qualname__} takes any key, so a mistyped option does nothing")


@CONFIG_CHECKS.add
def options_are_described(case: ComponentCase[Any]) -> None:
    """Every option has a description, which is its help on the command line."""
    fields = type(_config(case)).model_fields
    bare = [name for name, field in fields.items() if not (field.description or "").strip()]
    expect(not bare, f"no description has: {', '.join(bare)}; give it with Field(description=…)")


@CONFIG_CHECKS.add
def picklable_config(case: ComponentCase[Any]) -> None:
    """The options can be pickled and come back equal, so that they reach a worker in another process."""
    config = _config(case)
    # Our own bytes, made in this line.
    back = pickle.loads(pickle.dumps(config))  # noqa: S301
    expect(back == config, f"{brief(config)} came back as {brief(back)}")


@CONFIG_CHECKS.add
def options_can_be_written(case: ComponentCase[Any]) -> None:
    """The options written as JSON and read again are equal, so that a run folder keeps them and can be resumed."""
    config = _config(case)
    back = type(config).model_validate(config.model_dump(mode="json"))
    expect(back == config, f"{brief(config)} was read again as {brief(back)}")


def add_closing_check(checks: Checks[AnyCase]) -> None:
    """Adds what holds for every kind that is closed."""

    def idempotent_close(case: AnyCase) -> None:
        """Closing twice is closing once, also before the component was used."""
        made = case.make()
        made.close()
        made.close()

    checks.add(idempotent_close)
