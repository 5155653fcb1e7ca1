"""What every component has in common: its kind, its factory, and what that may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

if TYPE_CHECKING:
    from proofsearch.config import ExecutionConfig, SearchConfig
    from proofsearch.protocols.environment import Environment
    from proofsearch.protocols.policy import TacticGenerator
    from proofsearch.protocols.training import Loss
    from proofsearch.protocols.value import Encoder
    from proofsearch.types import Finding


Kind = Literal[
    "environment",
    "generator",
    "scorer",
    "encoder",
    "strategy",
    "priority",
    "observer",
    "loss",
    "trainer",
    "executor",
]
"""A kind of component."""

KINDS: tuple[str, ...] = get_args(Kind)
"""Every kind of component, in the order in which people meet them."""

SHAREABLE = ("generator", "scorer", "encoder")
"""The kinds whose components can be shared by threads: those that are asked about states."""


class Builder(Protocol):
    """What a factory may ask for. Each component is built once a worker, a shared one once a process."""

    @property
    def seed(self) -> int:
        """The run's seed."""

    @property
    def run_id(self) -> str:
        """The id of the run, the same in all of its processes; empty outside of one. For observers."""

    @property
    def cache(self) -> Path:
        """A folder for what can be computed again; shared between runs and processes."""

    @property
    def execution(self) -> ExecutionConfig:
        """How the run is spread over workers; for executors."""

    @property
    def search(self) -> SearchConfig:
        """How the run searches, with ``--goal-weight`` and other weights; for strategies and priorities."""

    def environment(self) -> Environment:
        """The environment of the run."""

    def encoder(self, name: str, options: Mapping[str, Any] | None = None) -> Encoder:
        """An encoder by name, with the options that the run gives it, or else with ``options``, or else its defaults.

        A checkpoint keeps what :meth:`encoder_options` said when it was trained and hands it in here. Raises
        :class:`~proofsearch.errors.InputError` where these count and are none that the encoder has.
        """

    def encoder_options(self, name: str) -> Mapping[str, Any]:
        """The options that the run gives an encoder, defaults included, as JSON."""

    def generator(self, name: str | None = None) -> TacticGenerator:
        """A tactic generator by name, with the options that the run gives it; by default the run's own policy.

        A training has none of its own: there it is by default the environment's.
        """

    def loss(self, name: str) -> Loss:
        """A training loss by name, with the options that the run gives it."""

    def loss_options(self, name: str) -> Mapping[str, Any]:
        """The options that the run gives a loss, defaults included, as JSON; a trainer notes them to be resumed."""

    def status(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Tells a person what takes long; with ``done`` and ``total``, how far it is."""


Factory = Callable[[Any, Builder], Any]
"""``factory(config, builder)`` returns the component. It imports what is heavy, not its module."""


Examine = Callable[[], Iterable["Finding"]]
"""Looks whether what a plugin needs is there. May take seconds and be called in any thread; changes nothing."""


@runtime_checkable
class StandsIn(Protocol):
    """What is put in place of a component that threads share. Errors are to name the component itself."""

    original: object
