"""What an and-or search takes steps and unproved parts to cost.

Costs add up over the parts of a proof, so they are on the scale of log-probability: a step costs minus its own, and
what is still to be done of a part is estimated, with a scorer as if the part were a theorem of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from proofsearch.engine.priorities import Logprob
from proofsearch.errors import UsageError
from proofsearch.graph import NAN
from proofsearch.protocols import AddsUp

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Calibration, Priority

LEAST_STEP = 1e-6
"""What a step costs at least: with steps for nothing, a way round in a circle would be as cheap as none."""


class Estimates:
    """The estimates for one search.

    Args:
        priority: the formula that costs are made of.
        graph: where values are.
        calibration: of the scorer.
        scored: whether there is a scorer; without, every formula estimates by the number of goals alone.
        goal_weight: what the configuration gives.
        expected: the values of nodes that are still to be scored; read whenever costs are estimated.

    Raises:
        UsageError: a priority that makes no costs.
    """

    def __init__(
        self,
        priority: Priority,
        graph: SearchGraph,
        calibration: Calibration | None = None,
        *,
        scored: bool = True,
        goal_weight: float | None = None,
        expected: Mapping[int, float] = MappingProxyType({}),
    ) -> None:
        if not isinstance(priority, AddsUp):
            raise UsageError("the and-or search adds up the costs of parts, which this priority does not have")
        self._graph = graph
        self._expected = expected
        self._given_weight = goal_weight
        self._weights = priority.linear(calibration, goal_weight, scored=scored)

    def step(self, logprob: float) -> float:
        """What a step costs, above 0."""
        return max(LEAST_STEP, -self._weights.path * logprob)

    def __call__(self, nodes: Sequence[int]) -> list[float]:
        """What is still to be done of nodes that were not expanded, at least 0 each."""
        graph, weights = self._graph, self._weights
        state = graph.state
        costs = [weights.goals * state[node].num_goals for node in nodes]
        if not weights.value:
            return costs
        values = graph.value
        zero, scale = weights.best, weights.value
        for index, node in enumerate(nodes):
            value = values[node]
            if value != value:
                value = self._expected.get(node, NAN)
            if value != value and node:
                # As in the best-first search: what the state came from is about as provable.
                value = values[graph.edge_source[graph.best_edge[node]]]
            if value == value:
                costs[index] = max(0.0, costs[index] + (zero - value) * scale)
        return costs

    def forget_values(self) -> None:
        """Estimates without values from now on. All costs need to be computed anew."""
        self._weights = Logprob().linear(None, self._given_weight, scored=False)
