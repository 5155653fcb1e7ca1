"""What this package registers with proofsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register
    from proofsearch.protocols import Builder
    from proofsearch_ridge.config import RidgeConfig, RidgeTrainerConfig
    from proofsearch_ridge.scorer import RidgeScorer
    from proofsearch_ridge.trainer import RidgeTrainer


@hookimpl
def register_scorers(register: Register) -> None:
    """Registers the scorer ``ridge``, which reads the trainer's checkpoints."""
    from proofsearch_ridge.config import RidgeConfig

    register("ridge", make_scorer, config=RidgeConfig, help="Minus the steps that a regression expects.")


@hookimpl
def register_trainers(register: Register) -> None:
    """Registers the trainer ``ridge``."""
    from proofsearch_ridge.config import RidgeTrainerConfig

    register("ridge", make_trainer, config=RidgeTrainerConfig, help="Steps to a proof, by ridge regression.")


def make_scorer(config: RidgeConfig, builder: Builder) -> RidgeScorer:
    """Builds the scorer. What is heavy is imported here, not above.

    Raises:
        InputError: no checkpoint of this trainer, or a damaged one.
    """
    from proofsearch_ridge.scorer import RidgeScorer

    return RidgeScorer(config)


def make_trainer(config: RidgeTrainerConfig, builder: Builder) -> RidgeTrainer:
    """Builds the trainer."""
    from proofsearch_ridge.trainer import RidgeTrainer

    return RidgeTrainer(config)
