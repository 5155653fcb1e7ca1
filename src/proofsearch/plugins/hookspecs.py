"""The hooks that a plugin may implement, and nothing else.

Every hook is a registration hook: it is called once for every plugin, before anything runs, with a ``register``
callback. What it returns is ignored. A plugin is a module (or object) named in the entry-point group
``proofsearch``; it implements any of these with :data:`hookimpl`. Import heavy libraries in the factories, not in
the module: hooks are called for ``proofsearch plugins list`` too.

    from proofsearch import hookimpl

    @hookimpl
    def register_scorers(register):
        register("mine", MyScorer, config=MyConfig, help="What it values.")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import pluggy

if TYPE_CHECKING:
    from proofsearch.config import ComponentConfig
    from proofsearch.protocols import Examine, Factory

hookspec = pluggy.HookspecMarker("proofsearch")
hookimpl = pluggy.HookimplMarker("proofsearch")


class Register(Protocol):
    """The callback of every hook for components."""

    def __call__(
        self,
        name: str,
        factory: Factory,
        config: type[ComponentConfig] | None = None,
        help: str = "",
        shared: bool = False,
    ) -> None:
        """Registers one component under a name that is free; see :class:`proofsearch.plugins.registry.Registration`."""


class RegisterCommand(Protocol):
    """The callback of :func:`register_commands`."""

    def __call__(self, name: str, target: str, help: str = "", kinds: Sequence[str] = ()) -> None:
        """Registers ``proofsearch NAME``; see :class:`proofsearch.plugins.registry.CommandRegistration`."""


class RegisterDiagnosis(Protocol):
    """The callback of :func:`register_diagnoses`."""

    def __call__(self, name: str, examine: Examine) -> None:
        """Registers what ``doctor`` calls; see :class:`proofsearch.plugins.registry.DiagnosisRegistration`."""


# Provers and policies.


@hookspec
def register_environments(register: Register) -> None:
    """Registers prover environments (:class:`proofsearch.protocols.Environment`), chosen with ``--env``."""


@hookspec
def register_generators(register: Register) -> None:
    """Registers tactic generators (:class:`proofsearch.protocols.TacticGenerator`), chosen with ``--generator``."""


# Values and encoders.


@hookspec
def register_scorers(register: Register) -> None:
    """Registers value scorers (:class:`proofsearch.protocols.ValueScorer`), chosen with ``--scorer``."""


@hookspec
def register_encoders(register: Register) -> None:
    """Registers encoders (:class:`proofsearch.protocols.Encoder`), asked for by name by scorers and generators."""


# Strategies, priorities, observers.


@hookspec
def register_strategies(register: Register) -> None:
    """Registers search algorithms (:class:`proofsearch.protocols.Strategy`), chosen with ``--strategy``."""


@hookspec
def register_priorities(register: Register) -> None:
    """Registers formulas to order nodes by (:class:`proofsearch.protocols.Priority`), chosen with ``--priority``."""


@hookspec
def register_observers(register: Register) -> None:
    """Registers what watches searches (:class:`proofsearch.protocols.Observer`), chosen with ``--observe``."""


# Losses and trainers.


@hookspec
def register_losses(register: Register) -> None:
    """Registers training losses (:class:`proofsearch.protocols.Loss`), asked for by name by trainers."""


@hookspec
def register_trainers(register: Register) -> None:
    """Registers trainers (:class:`proofsearch.protocols.Trainer`), chosen with ``proofsearch train --plugin``."""


# Executors and commands.


@hookspec
def register_executors(register: Register) -> None:
    """Registers executors (:class:`proofsearch.protocols.Executor`), chosen with ``--executor``."""


@hookspec
def register_commands(register: RegisterCommand) -> None:
    """Registers commands and groups of them: ``proofsearch NAME``. Called for ``--help``: import nothing heavy."""


# What a person asks about.


@hookspec
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what a plugin finds out about itself for ``proofsearch doctor``: provers, models, accelerators."""
