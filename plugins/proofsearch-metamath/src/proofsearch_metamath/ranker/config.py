"""The options of the ranker: those of training it and those of searching with it.

Both components are registered as ``metamath-ranker``, so that ``--metamath-ranker-<field>`` is one family of options.
No torch here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from proofsearch.config import ComponentConfig
from proofsearch.config.bounds import MOST_WORKERS

RUNTIME_ONLY = frozenset({"max_minutes", "threads", "processes", "max_skipped", "validate_every", "warm_restart"})
"""What makes a finished training no less finished."""

MAY_CHANGE = RUNTIME_ONLY | {"epochs", "cut_epochs", "patience"}
"""What may differ when a training is resumed: how long and how closely, not what is trained on what."""


class RankerConfig(ComponentConfig):
    """Options of the generator ``metamath-ranker``."""

    path: Path | None = Field(
        default=None,
        description="The folder of weights, of one policy, folds or cuts; default: those for the shipped database.",
    )
    temperature: float = Field(
        default=1.0, gt=0, description="Divides the logits: above 1 the probabilities are more even."
    )


class RankerTrainerConfig(ComponentConfig):
    """Options of the trainer ``metamath-ranker``; what is not given depends on how large the database is."""

    # What is learned from.
    before: str | None = Field(
        default=None, description="Learn only from theorems that come before this one; default: from all."
    )
    max_examples: int | None = Field(
        default=None,
        ge=1,
        description="Steps to learn from at most: of found proofs, then of theorems drawn at random; default: all.",
    )
    folds: int | None = Field(
        default=None,
        ge=2,
        description="Train so many policies, each without a share of the training theorems, and one with all; a search "
        "asks for each theorem one that has not learnt its proof. Default: one policy.",
    )
    cuts: int | None = Field(
        default=None,
        ge=1,
        description="Train so many policies, each on what comes before a cut of the database; a search asks for each "
        "theorem the last one that knows nothing from it on. Default: one policy.",
    )
    max_proof: int | None = Field(
        default=None, ge=1, description="Library proofs with more steps are not learnt from; default: all are."
    )
    steps_per_proof: int | None = Field(
        default=None, ge=1, description="Steps of one proof to learn from at most, drawn at random; default: all."
    )
    negatives: int | None = Field(
        default=None,
        ge=1,
        description="Assertions that unify with a goal, to compare its step with; default: 256, large: 64.",
    )
    validation_examples: int | None = Field(
        default=None, ge=1, description="Steps in a validation, at most; default: 2000, large: 6000."
    )
    processes: int | None = Field(
        default=None,
        ge=1,
        le=MOST_WORKERS,
        description="Processes that read the proofs; default: one for each usable processor.",
    )

    # The towers.
    start: Path | None = Field(
        default=None,
        description="Begin with the weights in this folder, whose proofs count as learnt; default: with none.",
    )
    width: int | None = Field(
        default=None, ge=4, le=1024, description="Width of the vectors that are compared; default: 64, large: 128."
    )
    rows: int | None = Field(
        default=None,
        ge=16,
        le=1 << 22,
        description="Rows of the features' table, a power of two; default: 32768, large: 65536.",
    )
    surroundings: bool = Field(default=True, description="Read the surroundings of a goal too.")
    dropout: float = Field(default=0.3, ge=0, lt=1, description="Dropout of the towers' hidden layers and id vectors.")
    feature_dropout: float | None = Field(
        default=None, ge=0, lt=1, description="Dropout of features; default: 0.3, large: 0.2."
    )

    # The optimiser.
    epochs: float | None = Field(
        default=None,
        gt=0,
        description="Passes over the steps; with cuts, of the first policy; default: 6, large: 3, with cuts 16 and 12.",
    )
    cut_epochs: float | None = Field(
        default=None,
        gt=0,
        description="With cuts: passes of each policy but the first, over what is new to it and as much of what "
        "the one before it, with whose weights it begins, has learnt; default: 4, large: 2.",
    )
    batch: int | None = Field(
        default=None, ge=1, description="Steps of proofs in a step of the optimiser; default: 128, large: 1024."
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        description="Highest learning rate; then it falls to 0 along a cosine; default: 0.002, large: 0.003.",
    )
    warm_restart: bool = Field(
        default=False,
        description="--resume with more epochs: let the learning rate rise again, to that of a training of this "
        "length.",
    )
    weight_decay: float = Field(default=0.01, ge=0, description="Weight decay on all weights but biases.")
    max_skipped: int = Field(
        default=10, ge=1, description="Give up after this many steps in a row with a loss that is not finite."
    )

    # Watching and stopping.
    max_minutes: float | None = Field(
        default=None, gt=0, description="Minutes after which the training ends, of each policy where there are several."
    )
    validate_every: int | None = Field(
        default=None, ge=1, description="Steps between validations; default: 100, large: 400, with cuts 100."
    )
    patience: int = Field(
        default=5, ge=0, description="End after this many validations without a better one; 0: never."
    )
    threads: int = Field(default=1, ge=1, le=MOST_WORKERS, description="Threads of the training.")

    @property
    def needs_trajectories(self) -> bool:
        """False: it learns from the library's proofs; ``proofsearch.training`` asks."""
        return False

    def sized(self, theorems: int) -> SizedConfig:
        """The options with none left open.

        Args:
            theorems: how many there are to learn from; from :data:`LARGE` on they are many.
        """
        chosen = _LARGE_DEFAULTS if theorems >= LARGE else _SMALL_DEFAULTS
        if self.cuts is not None:
            chosen = chosen | (_LARGE_CUT_DEFAULTS if theorems >= LARGE else _SMALL_CUT_DEFAULTS)
        return SizedConfig.model_validate(chosen | self.model_dump(exclude_none=True))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.rows is not None and self.rows & (self.rows - 1):
            raise ValueError(f"rows: {self.rows} is no power of two")
        if self.cuts is not None and self.folds is not None:
            raise ValueError("cuts and folds: a training makes the policies of one or the other; leave one out")
        if self.cuts is not None and self.before is not None:
            raise ValueError(
                "cuts and before: each cut has a policy that learns only from what comes before it; leave one out"
            )
        if self.cut_epochs is not None and self.cuts is None:
            raise ValueError("cut_epochs: says how long the policies of cuts learn, and there is no option cuts")
        return self


class SizedConfig(RankerTrainerConfig):
    """Options of a training under way: those that depend on the size of the database are decided."""

    negatives: int
    validation_examples: int
    width: int
    rows: int
    feature_dropout: float
    epochs: float
    batch: int
    learning_rate: float
    validate_every: int


LARGE = 10_000
"""Training theorems from which a database is large: it has hundreds of thousands of steps to learn from."""
_SMALL_DEFAULTS: dict[str, Any] = {
    "negatives": 256,
    "validation_examples": 2000,
    "width": 64,
    "rows": 1 << 15,
    "feature_dropout": 0.3,
    "epochs": 6.0,
    "batch": 128,
    "learning_rate": 2e-3,
    "validate_every": 100,
}
_LARGE_DEFAULTS: dict[str, Any] = {
    "negatives": 64,
    "validation_examples": 6000,
    "width": 128,
    "rows": 1 << 16,
    "feature_dropout": 0.2,
    "epochs": 3.0,
    "batch": 1024,
    "learning_rate": 3e-3,
    "validate_every": 400,
}
_SMALL_CUT_DEFAULTS: dict[str, Any] = {"epochs": 16.0, "cut_epochs": 4.0}
_LARGE_CUT_DEFAULTS: dict[str, Any] = {"epochs": 12.0, "cut_epochs": 2.0, "validate_every": 100}
"""Before the first cut there is little to learn from, so that few passes would be few steps of the optimiser."""
