"""The scorer ``shortest``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from proofsearch import ProofState
from proofsearch.config import ComponentConfig
from proofsearch.protocols import Builder, ScoreRequest, ValueScorer


class ShortestConfig(ComponentConfig):
    """Options of the scorer ``shortest``."""

    measure: Literal["sum", "largest"] = Field(
        default="sum", description="Add up the sizes of all goals, or take the largest."
    )
    goal_cost: float = Field(default=1.0, ge=0, description="Symbols that each open goal counts in addition.")


class ShortestScorer(ValueScorer):
    """Values a state by minus the size of its goals, in symbols; see :class:`proofsearch.protocols.ValueScorer`."""

    def __init__(self, config: ShortestConfig) -> None:
        self._config = config

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """One value a request, at most 0: higher is better."""
        return [-self._size(request.state) for request in requests]

    def _size(self, state: ProofState) -> float:
        # A goal's tree says exactly how many symbols it has; words are the next best thing.
        sizes = [len(goal.tree.symbols) if goal.tree is not None else len(goal.text.split()) for goal in state.goals]
        total = sum(sizes) if self._config.measure == "sum" else max(sizes)
        return total + self._config.goal_cost * state.num_goals


def make_shortest(config: ShortestConfig, builder: Builder) -> ShortestScorer:
    """Builds the scorer ``shortest``."""
    return ShortestScorer(config)
