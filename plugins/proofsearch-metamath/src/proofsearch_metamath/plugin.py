"""What this package registers with proofsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register, RegisterCommand, RegisterDiagnosis
    from proofsearch.protocols import Builder, Environment, TacticGenerator, Trainer
    from proofsearch_metamath.config import MetamathConfig
    from proofsearch_metamath.ranker.config import RankerConfig, RankerTrainerConfig


@hookimpl
def register_environments(register: Register) -> None:
    """Registers the environment ``metamath``."""
    from proofsearch_metamath.config import MetamathConfig

    register(
        "metamath",
        make_environment,
        config=MetamathConfig,
        help="Metamath databases: the prefix of set.mm that comes along, or any other.",
    )


@hookimpl
def register_generators(register: Register) -> None:
    """Registers ``metamath-ranker``."""
    from proofsearch_metamath.config import NAME
    from proofsearch_metamath.ranker.config import RankerConfig

    register(NAME, make_generator, config=RankerConfig, help="Metamath assertions, ranked by a trained model.")


@hookimpl
def register_trainers(register: Register) -> None:
    """Registers ``metamath-ranker``."""
    from proofsearch_metamath.config import NAME
    from proofsearch_metamath.ranker.config import RankerTrainerConfig

    register(NAME, make_trainer, config=RankerTrainerConfig, help="The ranker, from a Metamath database's own proofs.")


@hookimpl
def register_commands(register: RegisterCommand) -> None:
    """Registers ``proofsearch metamath``."""
    register("metamath", "proofsearch_metamath.commands.main:app", help="Check, prepare and show Metamath databases.")


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about the database and the reference program."""
    from proofsearch_metamath.diagnosis import examine

    register("database", examine)


def make_environment(config: MetamathConfig, builder: Builder) -> Environment:
    """Builds the environment ``metamath``; its database is read when it is first needed."""
    from proofsearch_metamath.environment import MetamathEnvironment

    return MetamathEnvironment(config, builder.cache, builder.status)


def make_generator(config: RankerConfig, builder: Builder) -> TacticGenerator:
    """Builds the generator ``metamath-ranker``; its weights are read when it is first asked."""
    from proofsearch_metamath.ranker.generator import make_ranker

    return make_ranker(config, builder)


def make_trainer(config: RankerTrainerConfig, builder: Builder) -> Trainer:
    """Builds the trainer ``metamath-ranker``, which needs torch."""
    from proofsearch_metamath.ranker.trainer import RankerTrainer

    return RankerTrainer(config, builder)
