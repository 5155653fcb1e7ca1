"""The plugin: what this package registers. Nothing heavy is imported before a factory is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register, RegisterDiagnosis
    from proofsearch.protocols import Builder, Trainer, ValueScorer
    from proofsearch_ebm.config import EbmConfig, EbmTrainerConfig


@hookimpl
def register_scorers(register: Register) -> None:
    """Registers ``ebm``."""
    from proofsearch_ebm.config import EbmConfig

    register("ebm", make_scorer, config=EbmConfig, help="Minus the energy that was learned from recorded searches.")


@hookimpl
def register_losses(register: Register) -> None:
    """Registers the losses of this package."""
    from proofsearch_ebm.losses import (
        depth_regression,
        info_nce,
        listwise,
        margin_ranking,
        ordinal_regression,
        pairwise,
    )

    register("info_nce", info_nce.make_info_nce, info_nce.InfoNceConfig, "Find the positive among K negatives.")
    register(
        "depth_regression",
        depth_regression.make_depth_regression,
        depth_regression.DepthRegressionConfig,
        "Learn how many steps are missing.",
    )
    register(
        "ordinal_regression",
        ordinal_regression.make_ordinal_regression,
        ordinal_regression.OrdinalRegressionConfig,
        "Learn how likely more steps are missing than each of some bounds.",
    )
    register("listwise", listwise.make_listwise, listwise.ListwiseConfig, "Softmax over a whole sibling set.")
    register(
        "margin_ranking",
        margin_ranking.make_margin_ranking,
        margin_ranking.MarginRankingConfig,
        "Keep positives a margin below the others.",
    )
    register("pairwise", pairwise.make_pairwise, pairwise.PairwiseConfig, "Bradley-Terry over pairs.")


@hookimpl
def register_trainers(register: Register) -> None:
    """Registers ``ebm``."""
    from proofsearch_ebm.config import EbmTrainerConfig

    register("ebm", make_trainer, config=EbmTrainerConfig, help="An energy over states, from recorded searches.")


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about torch and the shipped checkpoints."""
    from proofsearch_ebm.diagnosis import examine

    register("model", examine)


def make_scorer(config: EbmConfig, builder: Builder) -> ValueScorer:
    """Builds the scorer ``ebm``."""
    from proofsearch_ebm.scoring.scorer import open_scorer

    return open_scorer(config, builder)


def make_trainer(config: EbmTrainerConfig, builder: Builder) -> Trainer:
    """Builds the trainer ``ebm``."""
    from proofsearch_ebm.training.trainer import EbmTrainer

    return EbmTrainer(config, builder)
