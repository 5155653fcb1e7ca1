"""What this package registers with proofsearch. Nothing heavy is imported before a factory is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register, RegisterCommand, RegisterDiagnosis
    from proofsearch.protocols import Builder, Environment
    from proofsearch_lean.config import LeanConfig


@hookimpl
def register_environments(register: Register) -> None:
    """Registers the environment ``lean``."""
    from proofsearch_lean.config import LeanConfig

    register("lean", make_environment, config=LeanConfig, help="Lean 4: a project, .lean files, or a data set.")


@hookimpl
def register_commands(register: RegisterCommand) -> None:
    """Registers ``proofsearch lean``."""
    register("lean", "proofsearch_lean.commands:app", help="Look at a Lean: version, project, a trial, a check.")


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about Lean."""
    from proofsearch_lean.diagnosis import examine

    register("lean", examine)


def make_environment(config: LeanConfig, builder: Builder) -> Environment:
    """Builds the environment ``lean``; Lean is looked for when it is first needed."""
    from proofsearch_lean.environment import LeanEnvironment

    return LeanEnvironment(config, builder.cache, builder.status)
