"""What a server serves, and its bounds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from proofsearch.config.base import FrozenModel
from proofsearch.config.bounds import MOST_WORKERS
from proofsearch_rl.limits import EpisodeLimits


class ServeSettings(FrozenModel):
    """What a server serves, and its bounds."""

    env: str = Field(default="metamath", description="The environment: the prover.")
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    episodes: EpisodeLimits = EpisodeLimits()
    split: Literal["train", "validation", "test", "all"] = Field(
        default="train", description="The split that a theorem is drawn from where a client names none."
    )
    host: str = Field(
        default="127.0.0.1", description="The address to listen on; by default only this machine can connect."
    )
    port: int = Field(default=8765, ge=0, le=65535, description="The port; 0: any that is free.")
    workers: int = Field(
        default=0, ge=0, le=MOST_WORKERS, description="Worker processes with a prover each; 0: as many as processors."
    )
    max_sessions: int = Field(default=256, ge=1, description="Sessions at once, over all clients.")
    max_message: int = Field(default=1_000_000, ge=1024, description="Bytes in a message of a client.")
    step_timeout: float = Field(
        default=60.0,
        gt=0,
        description="Seconds for a tactic, the check of a proof included; then its session is ended.",
    )
    idle_timeout: float = Field(
        default=600.0, gt=0, description="Seconds without a message after which a client is disconnected."
    )
    worker_memory: int = Field(
        default=4096,
        ge=64,
        description="Megabytes for a worker with what it starts; then it is replaced.",
    )
