"""Configuration models: frozen, and refusing keys that they don't know.

This module imports pydantic, so only what actually runs a search imports it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from annotated_types import Le, Lt
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from proofsearch.bounds import LARGEST, LARGEST_SEARCH_SEED, LARGEST_SEED, MOST_WORKERS

AUTO = "auto"
"""The generator of a run that names none: the environment's own, where its options name one."""


Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
"""The seed of a training or a draw."""

SearchSeed = Annotated[int, Field(ge=-LARGEST_SEARCH_SEED - 1, le=LARGEST_SEARCH_SEED)]
"""The seed of searches."""

Workers = Annotated[int, Field(ge=0, le=MOST_WORKERS)]
"""A number of processes or threads; what 0 means the field says."""


class FrozenModel(BaseModel):
    """Base of every configuration: immutable, unknown keys are errors, defaults are checked too.

    Numbers are finite, and between minus and plus :data:`proofsearch.bounds.LARGEST` where their field has no upper
    bound of its own, those in tuples too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @field_validator("*")
    @classmethod
    def _bounded(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        own = any(isinstance(bound, Le | Lt) for bound in field.metadata)
        for number in _numbers(value):
            if isinstance(number, float) and not math.isfinite(number):
                raise PydanticCustomError("finite_number", "input should be a finite number")
            if abs(number) > LARGEST and not own:
                raise PydanticCustomError(
                    "number_too_large", "input should be between -{most} and {most}", {"most": LARGEST}
                )
        return value


def _numbers(value: object) -> Iterator[int | float]:
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from _numbers(entry)


class ComponentConfig(FrozenModel):
    """Base of a plugin component's configuration.

    Each field becomes the option ``--<component>-<field>`` with the field's description as its help. Fields are
    strings, numbers, booleans, literals or optional ones of these, or ``tuple[str, ...]``: an option that is repeated.
    """


class LimitConfig(FrozenModel):
    """When a search stops; whichever comes first. See :class:`proofsearch.types.Limit`."""

    expansions: int | None = Field(default=256, ge=0, description="Nodes to expand per theorem, at most.")
    steps: int | None = Field(default=None, ge=0, description="Tactics to try per theorem, at most.")
    seconds: float | None = Field(default=None, gt=0, description="Wall-clock seconds per theorem, at most.")
    model_calls: int | None = Field(
        default=None, ge=0, description="States to send to the generator and the scorer per theorem, at most."
    )


class PriorityConfig(FrozenModel):
    """How the frontier orders nodes. Higher priority is expanded first; ties by insertion.

    With g = minus the cumulative log-probability, L = −g, v = the scorer's value, n = number of goals:

    ========== ==============================================================================================
    kind       priority
    ========== ==============================================================================================
    auto       mix where the scorer knows its calibration, logprob where that gives the value no weight, else value; so
               for the scorer ``logprob`` what logprob says
    value      v; of a scorer that follows paths (:class:`~proofsearch.protocols.FollowsPaths`) that of the best path
    logprob    L
    normalized L / max(tokens, 1) ** length_exponent
    mix        (1 − value_weight)·z(L) + value_weight·z(v), z standardising by the scorer's calibration, or, without
               one, by mean and standard deviation over the first ``warmup`` scored nodes of the search, then frozen
    reranked   the log-likelihood of the path under the policy as the value corrects it: the sum over its steps of log
               softmax of u among the live children, with u = scale·mix by the scorer's calibration, or, without one,
               L + heuristic_weight·v − goal_weight·n; once an expansion, when its children are new
    astar      −(g + heuristic_weight·h) with h = −v: a value on the scale of log-probability, such as minus the
               remaining cost
    split      two queues, one by L and one by v; a share ``value_share`` of expansions is taken from the second
    ========== ==============================================================================================

    Every kind but ``reranked`` then subtracts ``goal_weight``·n (for ``mix`` on the standardised scale). Not given,
    that is 1, but for ``mix`` and ``reranked`` with a calibration what was fitted together with the value's weight.
    A node whose value is missing is ordered by its parent's value; where that is missing too, by log-probability. One
    whose score is put off (``defer``) is ordered by the mean value of its scored siblings.
    """

    kind: str = Field(
        default="auto",
        description="value, logprob, normalized, mix, reranked, astar, split or a plugin's; auto: mix if the scorer is "
        "calibrated.",
    )
    length_exponent: float = Field(default=1.0, ge=0, description="normalized: exponent of the token count.")
    value_weight: float | None = Field(
        default=None, ge=0, le=1, description="mix: weight of the value; default: the scorer's calibration, else 0.5."
    )
    warmup: int = Field(default=64, ge=2, description="mix: scored nodes that fix the standardisation.")
    heuristic_weight: float = Field(default=1.0, ge=0, description="astar, reranked: weight of the value.")
    value_share: float = Field(default=0.5, ge=0, le=1, description="split: share of expansions ordered by value.")
    goal_weight: float | None = Field(
        default=None, ge=0, description="Subtracted for each open goal; default: 1, for mix the scorer's calibration."
    )


class SearchConfig(FrozenModel):
    """What the search loop itself needs, beside its parts."""

    strategy: str = Field(
        default="best-first",
        description="The search algorithm: best-first (whole states by priority), and-or or puct (and-or parts of "
        "states), or a plugin's.",
    )
    candidates: int = Field(
        default=32, ge=1, description="Candidates that the generator is asked for at each expansion."
    )
    batch: int = Field(default=1, ge=1, description="Nodes to expand together, with one call of the generator.")
    max_depth: int | None = Field(default=None, ge=1, description="Nodes this deep are not expanded.")
    defer: int | None = Field(
        default=None,
        ge=1,
        description="Score this many of the likeliest new siblings at once, the others when they are next; default: "
        "all at once.",
    )
    limit: LimitConfig = LimitConfig()
    priority: PriorityConfig = PriorityConfig()

    @model_validator(mode="before")
    @classmethod
    def _former_names(cls, given: Any) -> Any:
        """Run folders of earlier versions call the strategy ``mode``."""
        if isinstance(given, dict) and "mode" in given and "strategy" not in given:
            return {"strategy" if key == "mode" else key: value for key, value in given.items()}
        return given


class SelectionConfig(FrozenModel):
    """Which theorems a run is about: by name, by file, or by split, in the library's order."""

    theorems: tuple[str, ...] = Field(default=(), description="Theorems by name.")
    file: str | None = Field(default=None, description="A text file with one theorem name a line; # begins a comment.")
    split: Literal["train", "validation", "test", "all"] | None = Field(
        default=None, description="The theorems of a split."
    )
    limit: int | None = Field(
        default=None, ge=1, description="At most this many theorems, drawn at random with the run's seed."
    )


class ExecutionConfig(FrozenModel):
    """How a run is spread over workers."""

    executor: str = Field(default="local", description="The executor, which runs the searches.")
    workers: Workers = Field(default=0, description="Workers; 0: as many as there are processors.")
    timeout: float | None = Field(
        default=None, gt=0, description="Seconds after which a theorem's worker is killed, verification included."
    )
    attempts: int = Field(default=2, ge=1, description="How often a theorem is tried if its worker crashes.")
    memory: int | None = Field(default=None, ge=1, description="Megabytes that a worker process may use.")
    max_prover_memory: int | None = Field(
        default=None,
        ge=1,
        description="Megabytes above which a worker replaces its prover by a new one, if the prover reports its "
        "memory.",
    )
    max_batch: int = Field(
        default=64,
        ge=1,
        description="States in one call of a model that the worker threads of a process share, at most.",
    )
    max_wait: float = Field(
        default=0.005, ge=0, description="Seconds that such a call waits for other searches to join it, at most."
    )


class RunConfig(FrozenModel):
    """Everything that decides what a run does; the run folder keeps the resolved one as TOML.

    ``options`` holds, by component name, what goes to that component's own model.
    """

    env: str = Field(default="metamath", description="The environment: the prover.")
    generator: str = Field(
        default=AUTO,
        description="The tactic generator, which suggests tactics; auto: the environment's own, otherwise knn.",
    )
    scorer: str = Field(default="logprob", description="The value scorer, which says how provable states look.")
    seed: SearchSeed = Field(default=0, description="Seed of everything random.")
    select: SelectionConfig = SelectionConfig()
    search: SearchConfig = SearchConfig()
    execution: ExecutionConfig = ExecutionConfig()
    min_tier: Literal["replayed", "kernel", "axioms audited", "second checker"] | None = Field(
        default=None, description="The weakest check of a proof that makes its theorem count as proved."
    )
    trajectories: bool = Field(default=True, description="Record the searches.")
    observers: tuple[str, ...] = Field(default=(), description="An observer, which watches the searches; repeatable.")
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)


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
    execution: ExecutionConfig = ExecutionConfig()
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)


class IterateConfig(FrozenModel):
    """Everything that decides what an expert iteration does; its folder keeps the resolved one as TOML."""

    plugin: str = Field(default="ebm", description="The trainer, and the scorer of its checkpoints.")
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
