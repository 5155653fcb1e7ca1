"""The options of the trainer ``lm``. No torch here."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from proofsearch.config import ComponentConfig
from proofsearch.config.bounds import MOST_WORKERS, WIDEST
from proofsearch.config.explain import require

AnswersKind = Literal["steps", "scripts", "both"]
"""What a model answers a state with: the next tactic, the rest of the proof, or either, as it is asked."""

PairsKind = Literal["library", "trajectories", "both"]
"""Where (state, tactic) pairs come from: the library's proofs, proofs that searches found, or both."""

RUNTIME_ONLY = frozenset({"max_minutes", "threads", "warm_restart"})
"""What makes a finished training no less finished."""

MAY_CHANGE = RUNTIME_ONLY | {"steps", "epochs"}
"""What may differ when a training is resumed; more steps or epochs only with ``warm_restart``."""


class LmTrainerConfig(ComponentConfig):
    """Options of the trainer ``lm``."""

    # What is learned from.
    pairs: PairsKind = Field(
        default="library",
        description="library: the library's own proofs; trajectories: proofs that recorded searches found; both.",
    )
    answers: AnswersKind = Field(
        default="steps",
        description="What the model learns to answer: steps, the next tactic; scripts, the rest of the proof; both.",
    )
    template: str = Field(default="plain", description="Prompt template of steps: its name, or a .toml file.")
    script_template: str = Field(
        default="whole-proof", description="Prompt template of scripts: its name, or a .toml file."
    )
    max_tokens: int = Field(default=512, ge=8, description="Longer pairs, prompt and tactic together, are left out.")
    validation_pairs: int = Field(default=1000, ge=1, description="Pairs in a validation, at most, drawn at random.")
    validation_share: float = Field(
        default=0.1, gt=0, lt=1, description="Share of the theorems held out if none is of the split validation."
    )

    # The model.
    base: str | None = Field(
        default=None, description="Fine-tune this model (a folder or a hub's name); default: a small one from scratch."
    )
    revision: str | None = Field(default=None, description="base: the revision of a hub's model.")
    vocabulary: int = Field(
        default=2048, ge=260, le=WIDEST, description="From scratch: size of the tokenizer's vocabulary."
    )
    layers: int = Field(default=3, ge=1, le=1000, description="From scratch: layers.")
    width: int = Field(default=192, ge=8, le=WIDEST, description="From scratch: width of the residual stream.")
    heads: int = Field(
        default=4, ge=1, le=WIDEST, description="From scratch: attention heads; they divide the width evenly."
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="From scratch: dropout of attention weights.")
    lora_rank: int | None = Field(
        default=None, ge=1, description="base: train low-rank adapters of this rank, merged at the end; needs peft."
    )

    # The loss and the optimiser.
    prompt_loss: float | None = Field(
        default=None,
        ge=0,
        description="Weight of the loss on the prompt; default: 1 from scratch, 0 with a base, so that only tactics "
        "count.",
    )
    epochs: float = Field(default=4.0, gt=0, description="Passes over the pairs.")
    steps: int | None = Field(default=None, ge=1, description="Optimisation steps, instead of epochs.")
    batch: int = Field(default=16, ge=1, description="Pairs a device and step.")
    accumulation: int = Field(default=1, ge=1, description="Batches whose gradients add up to a step.")
    learning_rate: float | None = Field(
        default=None, gt=0, description="Highest learning rate; default: 1e-3 from scratch, 2e-4 with LoRA, else 2e-5."
    )
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps over which the rate rises.")
    warm_restart: bool = Field(
        default=False,
        description="--resume with more steps: let the learning rate rise again, to that of a training of this length.",
    )
    weight_decay: float = Field(default=0.05, ge=0, description="Weight decay, never on biases or norms.")
    clip: float = Field(default=1.0, gt=0, description="Norm to which gradients are clipped.")
    precision: Literal["float32", "bf16", "fp16"] = Field(
        default="float32", description="Precision of the arithmetic; with bf16 and fp16 the weights stay in float32."
    )
    gradient_checkpointing: bool = Field(default=False, description="Compute activations twice to save memory.")

    # Watching and stopping.
    validate_every: int = Field(
        default=400, ge=1, description="Steps between validations, each with a checkpoint to resume from."
    )
    patience: int = Field(
        default=0, ge=0, description="End after this many validations without a better loss; 0: never."
    )
    max_minutes: float | None = Field(default=None, gt=0, description="Minutes after which the training ends.")
    threads: int | None = Field(
        default=None, ge=1, le=MOST_WORKERS, description="Threads on a processor; default: torch's own number."
    )
    device: Literal["auto", "cpu"] = Field(default="auto", description="auto: an accelerator where there is one.")

    @property
    def needs_trajectories(self) -> bool:
        """Whether recorded searches are learnt from; ``proofsearch.training`` asks."""
        return self.pairs != "library"

    @property
    def prompt_weight(self) -> float:
        """Weight of the prompt's tokens in the loss.

        A base knows language; a model from scratch has only the states to learn it from, and a few tokens of a tactic
        say little about them.
        """
        if self.prompt_loss is not None:
            return self.prompt_loss
        return 1.0 if self.base is None else 0.0

    @property
    def rate(self) -> float:
        """The learning rate at its height."""
        if self.learning_rate is not None:
            return self.learning_rate
        if self.base is None:
            return 1e-3
        return 2e-5 if self.lora_rank is None else 2e-4

    @field_validator("lora_rank")
    @classmethod
    def _can_adapt(cls, value: int | None) -> int | None:
        if value is not None:
            require("peft", "proofsearch-transformers[lora]")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.base is None and self.width % (2 * self.heads):
            # Rotary positions turn pairs of columns, so that a head needs an even number of them.
            raise ValueError(f"heads: {self.heads} heads of an even width don't make up {self.width}")
        if self.base is None and self.lora_rank is not None:
            raise ValueError("lora_rank: adapters are trained beside the weights of a model; name one with base")
        if self.base is None and self.revision is not None:
            raise ValueError("revision: there is no model that it could be of; name one with base")
        return self
