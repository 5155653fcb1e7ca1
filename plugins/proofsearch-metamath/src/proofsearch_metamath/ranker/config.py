"""The options of the ranker: those of training it and those of searching with it.

Both components are registered as ``metamath-ranker``, so that ``--metamath-ranker-<field>`` is one family of options.
No torch here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from proofsearch.config import ComponentConfig

NAME = "metamath-ranker"
"""What the generator and the trainer are registered as."""


class RankerConfig(ComponentConfig):
    """Options of the generator ``metamath-ranker``."""

    path: Path | None = Field(default=None, description="The weights' folder; default: those for the shipped database.")
    temperature: float = Field(
        default=1.0, gt=0, description="Divides the logits: above 1 the probabilities are more even."
    )


class RankerTrainerConfig(ComponentConfig):
    """Options of the trainer ``metamath-ranker``."""

    # What is learned from.
    before: str | None = Field(
        default=None, description="Learn only from theorems that stand before this one; default: from all."
    )
    max_examples: int | None = Field(
        default=None, ge=1, description="Steps to learn from at most, of theorems drawn at random; default: all."
    )
    max_proof: int | None = Field(
        default=None, ge=1, description="Library proofs with more steps are not learnt from; default: all are."
    )
    steps_per_proof: int | None = Field(
        default=None, ge=1, description="Steps of one proof to learn from at most, drawn at random; default: all."
    )
    negatives: int = Field(
        default=256, ge=1, description="Assertions that unify with a goal and that its step is compared with, at most."
    )
    validation_examples: int = Field(default=2000, ge=1, description="Steps at most that a validation looks at.")

    processes: int | None = Field(
        default=None, ge=1, description="Processes that read the proofs; default: one for each usable processor."
    )

    # The towers.
    width: int = Field(default=64, ge=4, le=1024, description="Width of the vectors that are compared.")
    rows: int = Field(default=1 << 15, ge=16, le=1 << 22, description="Rows of the features' table, a power of two.")
    surroundings: bool = Field(default=True, description="Read what surrounds a goal, not the goal alone.")
    dropout: float = Field(default=0.3, ge=0, lt=1, description="Of the towers' hidden layers and id vectors.")
    feature_dropout: float = Field(default=0.3, ge=0, lt=1, description="Of features.")

    # The optimiser.
    epochs: float = Field(default=6.0, gt=0, description="Passes over the steps.")
    batch: int = Field(default=128, ge=1, description="Steps of proofs in a step of the optimiser.")
    learning_rate: float = Field(default=2e-3, gt=0, description="At its height; then it falls to 0 along a cosine.")
    weight_decay: float = Field(default=0.01, ge=0, description="On all weights but biases.")
    max_skipped: int = Field(
        default=10, ge=1, description="Steps in a row with a loss that is no number before giving up."
    )

    # Watching and stopping.
    max_minutes: float | None = Field(default=None, gt=0, description="Training time after which it is finished.")
    validate_every: int = Field(default=100, ge=1, description="Steps between validations.")
    patience: int = Field(
        default=5, ge=0, description="Validations without a better one that end the training; 0: never."
    )
    threads: int = Field(default=1, ge=1, description="Threads of the training.")

    @property
    def needs_trajectories(self) -> bool:
        """False: it learns from the library's proofs; ``proofsearch.training`` asks."""
        return False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.rows & (self.rows - 1):
            raise ValueError(f"rows: {self.rows} is no power of two")
        return self
