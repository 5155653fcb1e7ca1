"""The options of the environment, and what it names of the ranker."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from proofsearch.config import ComponentConfig

NAME = "metamath-ranker"
"""What the ranker's generator and trainer are registered as."""


class MetamathConfig(ComponentConfig):
    """Options of the Metamath environment."""

    database: Path | None = Field(
        default=None,
        description="A Metamath database (.mm); default: the prefix of set.mm that comes with the package.",
    )
    max_goal_size: int = Field(default=400, ge=1, description="Goals with more nodes than this are not made.")
    max_goals: int = Field(default=64, ge=1, description="States with more goals than this are not made.")
    max_demonstration: int = Field(default=500, ge=1, description="Library proofs with more steps are not replayed.")

    @property
    def default_generator(self) -> str:
        """What suggests steps where a run doesn't say: the ranker where weights of it come along, or else the k-NN."""
        return NAME if self.database is None else "knn"
