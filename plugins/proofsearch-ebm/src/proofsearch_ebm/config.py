"""The options of the energy-based model: those of training it and those of searching with it.

Both components are registered as ``ebm``, so that ``--ebm-<field>`` is one family of options. No torch here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from proofsearch.config import ComponentConfig
from proofsearch.config.bounds import MOST_RESAMPLES, MOST_WORKERS, WIDEST
from proofsearch.config.explain import require
from proofsearch.models.devices import DEVICE

PartsKind = Literal["state", "goals"]
"""What is encoded of a state. ``"state"``: it is one part, itself. ``"goals"``: each open goal is one."""
GroupsKind = Literal["tiers", "siblings", "frontier"]
"""The ways of making a group of states to compare."""
SplitKind = Literal["theorem", "position"]
"""How validation theorems are chosen: drawn at random, or the last in the library's order."""
RowType = Literal["float32", "float16"]
"""How rows are kept. float16 halves it; a row's entries are then rounded to 11 bits."""
ValueKind = Literal["energy", "cost"]
"""What a value is: minus the energy, or minus the predicted remaining steps."""

MAY_CHANGE = frozenset(
    {
        "steps",
        "max_minutes",
        "validate_every",
        "patience",
        "validation_decisions",
        "checkpoint_every",
        "bootstrap",
        "mixing",
        "max_skipped",
        "tensorboard",
        "cache_embeddings",
        "cache_megabytes",
        "threads",
        "warm_restart",
        "device",
        "memory_megabytes",
        "beside",
    }
)
"""What may differ when a training is resumed: how long and how closely, not what is trained on what."""

RUNTIME_ONLY = frozenset(
    {"max_minutes", "validate_every", "validation_decisions", "checkpoint_every", "tensorboard", "threads"}
    | {"max_skipped", "cache_embeddings", "cache_megabytes", "warm_restart", "device", "memory_megabytes"}
)
"""What of it makes a finished training no less finished."""


class EbmConfig(ComponentConfig):
    """Options of the scorer ``ebm``."""

    path: Path | None = Field(
        default=None,
        description="The checkpoint folder; default: the one for the shipped database and the search's policy.",
    )
    encoder: str | None = Field(
        default=None, description="The encoder; default: the one that the checkpoint was trained with."
    )
    value: ValueKind = Field(
        default="energy", description="energy: minus the energy; cost: minus the predicted remaining steps."
    )
    force: bool = Field(
        default=False, description="Give the value its fitted weight even if validation showed no gain."
    )
    keep: int = Field(default=200_000, ge=1, description="Encoded states or goals whose energies are kept in memory.")


class EbmTrainerConfig(ComponentConfig):
    """Options of the trainer ``ebm``."""

    # What is learned from.
    encoder: str = Field(default="context", description="The encoder of states; it is not trained.")
    append: tuple[str, ...] = Field(
        default=(), description="A further encoder, whose columns are appended, such as policy."
    )
    beside: str | None = Field(
        default=None,
        description="The fingerprint of the searches' policy, where the policy that is asked here stands in for it, as "
        "folds do; a search beside another policy says so, and names its own.",
    )
    parts: PartsKind = Field(
        default="state",
        description="state: a state is encoded as one; goals: each goal by itself, and their energies add up.",
    )
    context: Literal["none", "theorem"] = Field(
        default="theorem",
        description="theorem: the encoder reads every state or goal together with the theorem's statement.",
    )
    min_expansions: int = Field(
        default=4, ge=1, description="Expansions at or below a state, without a proof, that make it negative."
    )
    max_states: int = Field(default=500, ge=2, description="States kept of a theorem.")
    cache_embeddings: bool = Field(
        default=False,
        description="Keep encoded states on disk; worth it for encoders slower than hashed that don't do so.",
    )
    cache_megabytes: float = Field(
        default=4096, gt=0, description="Megabytes of encoded states kept on disk; the least recently used go first."
    )
    row_type: RowType = Field(
        default="float32", description="Number type of encoded states that are kept; float16 takes half the space."
    )
    memory_megabytes: float = Field(
        default=4096, ge=0, description="Megabytes of encoded states kept in memory; more are kept in a file in OUT."
    )
    split: SplitKind = Field(
        default="theorem", description="Validation theorems: drawn at random, or the last in the library's order."
    )
    validation_share: float = Field(
        default=0.2, gt=0, lt=1, description="Share of the theorems held out if no validation split is recorded."
    )

    # The head.
    start: Path | None = Field(
        default=None,
        description="A checkpoint folder whose head to begin with, its standardisation included; default: a new head.",
    )
    inputs: Literal["zscore", "l2", "raw"] = Field(
        default="zscore", description="Standardise the encoder's columns, scale its rows to unit length, or neither."
    )
    hidden: tuple[Annotated[int, Field(ge=1, le=WIDEST)], ...] = Field(
        default=(512, 256), min_length=1, description="Widths of the hidden layers."
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Dropout after every hidden layer.")
    spectral_norm: bool = Field(default=True, description="Hold every layer's largest singular value at 1.")
    layer_norm: bool = Field(default=False, description="Normalise the hidden layers.")
    learnable_scale: bool = Field(default=True, description="Learn the scale of the energy.")
    remaining_output: bool = Field(default=True, description="A second output predicts the remaining steps.")
    buckets: bool = Field(
        default=False, description="It predicts how likely they exceed each of some bounds (loss ordinal_regression)."
    )
    output_bias: bool | None = Field(
        default=None, description="Add a constant to the energy of each state or goal; default: only if parts is goals."
    )

    # The loss.
    loss: tuple[str, ...] = Field(
        default=("listwise:1", "depth_regression:0.3"), description="A loss by name and weight, name:weight."
    )
    policy_weight: float = Field(
        default=1.0,
        ge=0,
        description="Weight of the log-probability in the logits; above 0 the energy learns what it misses.",
    )
    groups: GroupsKind = Field(
        default="siblings",
        description="What a positive is compared with: tiers of negatives, its siblings, or the frontier.",
    )
    negatives: int = Field(default=4, ge=1, description="tiers: negatives for a positive.")
    hard: float = Field(default=0.7, ge=0, description="tiers: share of dead ends and siblings.")
    medium: float = Field(
        default=0.2, ge=0, description="tiers: share of states that competed with it on the frontier."
    )
    easy: float = Field(default=0.1, ge=0, description="tiers: share of states of other proved theorems.")
    max_members: int = Field(default=32, ge=2, description="siblings, frontier: members of a group at most.")
    dead_ends: int = Field(
        default=4,
        ge=0,
        description="siblings: dead ends added to a group, for the second output.",
    )
    solved: int = Field(
        default=0, ge=0, description="siblings: other solved states added to a group, for the second output."
    )
    mistakes: int = Field(
        default=0,
        ge=0,
        description="siblings: states that the search expanded in vain while a positive waited, compared with it.",
    )
    max_gap: float | None = Field(
        default=None,
        gt=0,
        description="frontier: leave out what the policy puts this far below its best rival (natural logarithm).",
    )

    # The optimiser.
    steps: int = Field(default=2000, ge=1, description="Training steps.")
    batch: int = Field(default=64, ge=1, description="Groups in a step.")
    learning_rate: float = Field(
        default=2e-3, gt=0, description="Learning rate after the warm-up; it falls to 0 along a cosine."
    )
    warmup: int = Field(default=100, ge=0, description="Steps over which the learning rate rises.")
    warm_restart: bool = Field(
        default=False,
        description="--resume with more steps: let the learning rate rise again, to that of a training of this length.",
    )
    weight_decay: float = Field(default=0.01, ge=0, description="Weight decay, never on biases or the scale.")
    clip: float = Field(default=1.0, gt=0, description="Norm to which gradients are clipped.")
    max_skipped: int = Field(
        default=10, ge=1, description="Give up after this many steps in a row with a loss that is not finite."
    )

    # Watching and stopping.
    max_minutes: float | None = Field(default=None, gt=0, description="Minutes after which the training ends.")
    validate_every: int = Field(default=100, ge=1, description="Steps between validations.")
    patience: int = Field(
        default=10, ge=0, description="End after this many validations without a better sibling rank; 0: never."
    )
    validation_decisions: int = Field(
        default=2000, ge=1, description="Decisions in a validation during training, at most."
    )
    checkpoint_every: int = Field(default=500, ge=1, description="Steps between checkpoints to resume from.")
    mixing: Literal["siblings", "frontier"] = Field(
        default="siblings",
        description="Fit the value's weight against log-probability on siblings, or on the frontier.",
    )
    bootstrap: int = Field(
        default=1000, ge=100, le=MOST_RESAMPLES, description="Resamples for the interval of the mixing's gain."
    )
    tensorboard: bool = Field(default=False, description="Also write logs for TensorBoard, into OUT/tensorboard.")
    threads: int = Field(default=1, ge=1, le=MOST_WORKERS, description="Threads of the training.")
    device: str = Field(
        default="cpu",
        pattern=rf"^({DEVICE})$",
        description="Where the head is trained: auto, an accelerator if there is one; or cpu, cuda, cuda:1, mps, xpu.",
    )

    @property
    def encoders(self) -> tuple[str, ...]:
        """The encoders in the order of their columns; the core looks here for what has to be built."""
        return (self.encoder, *self.append)

    @property
    def tier_shares(self) -> tuple[float, float, float]:
        """The shares of the tiers of negatives, hardest first, on any scale."""
        return self.hard, self.medium, self.easy

    @model_validator(mode="after")
    def _whole_states(self) -> EbmTrainerConfig:
        if self.buckets and self.parts != "state":
            raise ValueError("--ebm-buckets: what exceeds a bound doesn't add up over goals; use --ebm-parts state")
        return self

    @field_validator("append")
    @classmethod
    def _each_once(cls, append: tuple[str, ...]) -> tuple[str, ...]:
        for name in append:
            if append.count(name) > 1:
                raise ValueError(f"{name!r} is named twice")
        return append

    @field_validator("tensorboard")
    @classmethod
    def _can_write(cls, value: bool) -> bool:
        if value:
            require("tensorboard", "proofsearch-ebm[tensorboard]")
        return value

    @property
    def bias_per_part(self) -> bool:
        """Whether the energy of each part has a constant of its own."""
        return self.parts == "goals" if self.output_bias is None else self.output_bias
