"""A prover with its check, opened by name: for whoever steps it themselves, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError

from proofsearch.config import RunConfig
from proofsearch.config.explain import explain
from proofsearch.errors import UsageError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve_some
from proofsearch.protocols import Environment
from proofsearch.runs.checking import Checking


class Prover:
    """An environment as a run has it, behind its guard, with the check that decides what is proved.

    Attributes:
        name: what the environment is registered as.
        min_tier: the weakest check that makes a theorem proved; ``None``: any.
        environment: opens sessions.
        check: says whether a finished path is a proof.
    """

    def __init__(self, components: Components, name: str, min_tier: str | None) -> None:
        """Not for callers: use :func:`open_prover`."""
        self._components = components
        self.name = name
        self.min_tier = min_tier
        self.environment: Environment = components.environment()
        self.check = Checking(self.environment, name, min_tier)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the environment; sessions have to be closed before. Idempotent."""
        self._components.close()


def open_prover(
    env: str = "metamath",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    min_tier: str | None = None,
    plugins: Plugins | None = None,
) -> Prover:
    """Opens an environment by name, without policy, value or search.

    Args:
        env: the environment, as ``--env`` takes it.
        options: its options and those of what they name, by component name and field.
        min_tier: the weakest check that makes a theorem proved, one of :data:`proofsearch.types.TIERS`; ``None``: any.
        plugins: where to look; by default all that are installed.

    Raises:
        PluginError: no such environment, or it can't be built.
        UsageError: an option that it doesn't have, or a value that doesn't fit.
    """
    plugins = plugins or Plugins.discover()
    # Checked as those of a run: the same models, the same words.
    given = {"env": env, "options": {name: dict(own) for name, own in (options or {}).items()}, "min_tier": min_tier}
    try:
        config = RunConfig.model_validate(given)
    except ValidationError as error:
        raise UsageError(explain(error, RunConfig)) from None
    parts = resolve_some(plugins, [plugins.registry("environment")[env]], config)
    components = Components(plugins, parts)
    try:
        return Prover(components, env, config.min_tier)
    except BaseException:
        components.close()
        raise
