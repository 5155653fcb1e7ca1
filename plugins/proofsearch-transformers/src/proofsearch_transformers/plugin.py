"""The plugin: what this package registers. Nothing heavy is imported before a factory is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.hookspecs import Register
    from proofsearch.protocols import Trainer
    from proofsearch.registry import Builder
    from proofsearch_transformers.lm_config import LmTrainerConfig


@hookimpl
def register_trainers(register: Register) -> None:
    """Registers ``lm``."""
    from proofsearch_transformers.lm_config import LmTrainerConfig

    register("lm", make_lm_trainer, config=LmTrainerConfig, help="A language model, from proofs' states and tactics.")


def make_lm_trainer(config: LmTrainerConfig, builder: Builder) -> Trainer:
    """Builds the trainer ``lm``."""
    from proofsearch_transformers.lm_trainer import LmTrainer

    return LmTrainer(config, builder)
