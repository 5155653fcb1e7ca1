"""What this package registers with proofsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register
    from proofsearch.protocols import Builder
    from proofsearch_sat.config import JeroslowWangConfig, SatConfig
    from proofsearch_sat.environment import SatEnvironment
    from proofsearch_sat.generator import JeroslowWang


@hookimpl
def register_environments(register: Register) -> None:
    """Registers ``sat``."""
    from proofsearch_sat.config import SatConfig

    register("sat", make_environment, config=SatConfig, help="Propositional formulas, refuted by cases.")


@hookimpl
def register_generators(register: Register) -> None:
    """Registers ``jeroslow-wang``."""
    from proofsearch_sat.config import JeroslowWangConfig

    register("jeroslow-wang", make_generator, config=JeroslowWangConfig, help="Variables in short clauses first.")


def make_environment(config: SatConfig, builder: Builder) -> SatEnvironment:
    """Builds the environment. PySAT is imported here, not above."""
    from proofsearch_sat.dimacs import read_folder
    from proofsearch_sat.environment import SatEnvironment
    from proofsearch_sat.families import collection

    folder = config.folder
    return SatEnvironment(collection if folder is None else lambda: read_folder(folder))


def make_generator(config: JeroslowWangConfig, builder: Builder) -> JeroslowWang:
    """Builds the generator."""
    from proofsearch_sat.generator import JeroslowWang

    return JeroslowWang(config)
