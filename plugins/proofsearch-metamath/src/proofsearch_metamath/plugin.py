"""What this package registers with proofsearch."""

from __future__ import annotations

from proofsearch import hookimpl
from proofsearch.hookspecs import Register, RegisterCommand, RegisterDiagnosis


@hookimpl
def register_environments(register: Register) -> None:
    """Registers the environment ``metamath``."""
    from proofsearch_metamath.environment import MetamathConfig, make_environment

    register(
        "metamath",
        make_environment,
        config=MetamathConfig,
        help="Metamath databases: the prefix of set.mm that comes along, or any other.",
    )


@hookimpl
def register_commands(register: RegisterCommand) -> None:
    """Registers ``proofsearch metamath``."""
    register("metamath", "proofsearch_metamath.commands:app", help="Check, prepare and show Metamath databases.")


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about the database and the reference program."""
    from proofsearch_metamath.diagnosis import examine

    register("database", examine)
