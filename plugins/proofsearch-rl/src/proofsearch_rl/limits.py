"""The bounds of an episode."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from proofsearch.config.base import FrozenModel

Tier = Literal["replayed", "kernel", "axioms audited", "second checker"]


class EpisodeLimits(FrozenModel):
    """What an episode may take, and what it takes to be rewarded."""

    min_tier: Tier = Field(
        default="axioms audited",
        description="The weakest check of a proof that is rewarded; a proof checked less is not.",
    )
    max_steps: int = Field(default=64, ge=1, description="Tactics in an episode; it is truncated after so many.")
    max_tactic: int = Field(
        default=4096,
        ge=1,
        description="Characters in a tactic; a longer one is rejected and the prover doesn't see it.",
    )
