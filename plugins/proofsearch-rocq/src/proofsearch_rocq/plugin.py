"""What this package registers with proofsearch. Nothing heavy is imported before a factory is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register, RegisterDiagnosis
    from proofsearch.protocols import Builder, Environment, TacticGenerator
    from proofsearch_rocq.config import RocqConfig
    from proofsearch_rocq.policy import RocqTacticsConfig


@hookimpl
def register_environments(register: Register) -> None:
    """Registers the environment ``rocq``."""
    from proofsearch_rocq.config import RocqConfig

    register("rocq", make_environment, config=RocqConfig, help="Rocq (Coq): .v files, or its standard library.")


@hookimpl
def register_generators(register: Register) -> None:
    """Registers ``rocq-tactics``."""
    from proofsearch_rocq.policy import NAME, RocqTacticsConfig

    register(
        NAME,
        make_tactics,
        config=RocqTacticsConfig,
        help="Rocq's good first tactics, what hypotheses are good for, and lemmas that look like the goal.",
    )


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about the prover and its library."""
    from proofsearch_rocq.diagnosis import examine

    register("prover", examine)


def make_environment(config: RocqConfig, builder: Builder) -> Environment:
    """Builds the environment ``rocq``; the prover is looked for when it is first needed."""
    from proofsearch_rocq.environment import RocqEnvironment

    return RocqEnvironment(config, builder.cache, builder.status)


def make_tactics(config: RocqTacticsConfig, builder: Builder) -> TacticGenerator:
    """Builds the generator ``rocq-tactics``; lemmas are read when it is built."""
    from proofsearch_rocq.policy import make_tactics

    return make_tactics(config, builder)
