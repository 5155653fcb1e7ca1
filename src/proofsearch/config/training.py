"""What a training is, and an expert iteration."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from proofsearch.config.base import FrozenModel, Seed
from proofsearch.config.run import ExecutionConfig
from proofsearch.config.search import SearchConfig


class RecordConfig(FrozenModel):
    """The run that ``train`` records first where there is none to learn from: library proofs, and what competes."""

    theorems: int = Field(
        default=4000,
        ge=1,
        description="Theorems to record, drawn at random if there are more; a few hundred teach too little.",
    )
    split: Literal["train", "all"] = Field(
        default="train", description="Their split; all: if the environment doesn't split its theorems."
    )
    expansions: int = Field(default=64, ge=1, description="Nodes to expand per recorded theorem, at most.")


class TrainConfig(FrozenModel):
    """Everything that decides what a training does; the checkpoint folder keeps the resolved one as TOML.

    ``options`` holds, by component name, what goes to that component's own model: the trainer, the encoder that it
    names, the losses, and the components of the first recording.
    """

    plugin: str = Field(default="ebm", description="The trainer.")
    env: str = Field(default="metamath", description="The environment of the runs to learn from.")
    seed: Seed = Field(default=0, description="Seed of everything random.")
    trajectories: tuple[str, ...] = Field(
        default=(), description="A run folder or trajectory file to learn from; repeatable. Default: all under runs."
    )
    record: RecordConfig = RecordConfig()
    observers: tuple[str, ...] = Field(default=(), description="An observer, which watches the training; repeatable.")
    execution: ExecutionConfig = ExecutionConfig()
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)


class IterateConfig(FrozenModel):
    """Everything that decides what an expert iteration does; its folder keeps the resolved one as TOML."""

    plugin: str = Field(default="ebm", description="The trainer, and the scorer or generator of its checkpoints.")
    env: str = Field(default="metamath", description="The environment: the prover.")
    generator: str = Field(default="knn", description="The tactic generator, which suggests tactics.")
    seed: Seed = Field(default=0, description="Seed of everything random.")
    rounds: int = Field(default=3, ge=1, description="How often to search and learn.")
    theorems: int = Field(default=400, ge=1, description="Training theorems searched a round.")
    validation: int = Field(default=200, ge=1, description="Validation theorems that measure what a round gained.")
    fresh: bool = Field(default=False, description="Draw other training theorems in every round.")
    train_policy: bool = Field(
        default=False,
        description="Have the generator learn from the proofs found so far (its option trajectories) instead of from "
        "the library.",
    )
    trajectories: tuple[str, ...] = Field(
        default=(),
        description="A run folder or trajectory file to learn from as well in every round, such as recorded "
        "demonstrations; repeatable.",
    )
    search: SearchConfig = SearchConfig()
    execution: ExecutionConfig = ExecutionConfig()
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
