"""What a run is: its components, its theorems, its workers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from proofsearch.config.base import FrozenModel, SearchSeed, Workers
from proofsearch.config.search import SearchConfig
from proofsearch.config.shard import Shards

AUTO = "auto"
"""The generator of a run that names none: the environment's own, where its options name one."""


class SelectionConfig(FrozenModel):
    """Which theorems a run is about: by name, by file, or by split; in the library's order or a drawn one."""

    theorems: tuple[str, ...] = Field(default=(), description="Theorems by name.")
    file: str | None = Field(default=None, description="A text file with one theorem name a line; # begins a comment.")
    split: Literal["train", "validation", "test", "all"] | None = Field(
        default=None, description="The theorems of a split."
    )
    limit: int | None = Field(
        default=None, ge=1, description="At most this many theorems, drawn at random with the run's seed."
    )
    shuffle: bool = Field(
        default=False, description="Search in an order drawn with the run's seed, not in the library's."
    )
    shard: str | None = Field(
        default=None,
        description="I/N: of what is selected every N-th theorem, from the I-th on; runs merge joins such runs.",
    )

    @field_validator("shard")
    @classmethod
    def _a_part(cls, shard: str | None) -> str | None:
        shards = None if shard is None else Shards.parse(shard)
        return None if shards is None or shards.whole else str(shards)

    @property
    def shards(self) -> Shards:
        """The parts of the selection that the run is about; the only one of one where it is about all."""
        return Shards((1,), 1) if self.shard is None else Shards.parse(self.shard)


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
