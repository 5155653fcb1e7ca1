"""What an and-or search takes steps and unproved parts to cost.

Costs add up over the parts of a proof, so they are on the scale of log-probability: a step costs minus its own, and
what is still to be done of a part is estimated, with a scorer as if the part were a theorem of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proofsearch.errors import UsageError
from proofsearch.search.priority import Standardisation, weighs

if TYPE_CHECKING:
    from proofsearch.config import PriorityConfig
    from proofsearch.protocols import Calibration
    from proofsearch.search.graph import SearchGraph

ZERO = 2.0
"""How many standard deviations above its mean a calibrated value stands for nothing left to do.

Costs are at least 0, so better values than that are no longer told apart. With the mean itself for zero half of them
weren't, and a search lost most of what the value gained (docs/decisions.md).
"""

LEAST_STEP = 1e-6
"""What a step costs at least: with steps for nothing, a way round in a circle would be as cheap as none."""


class Estimates:
    """The estimates for one search.

    Args:
        config: the kind of priority, and its parameters.
        graph: where values are.
        calibration: for ``mix``.
        scored: whether there is a scorer; without, every kind estimates by the number of goals alone.

    Raises:
        UsageError: a kind of priority that makes no costs.
    """

    def __init__(
        self, config: PriorityConfig, graph: SearchGraph, calibration: Calibration | None = None, *, scored: bool = True
    ) -> None:
        self._config = config
        self._graph = graph
        kind = config.kind
        if kind == "auto":
            kind = "astar" if calibration is None else "mix" if weighs(config, calibration) else "logprob"
        if kind == "mix" and calibration is None and scored:
            raise UsageError(
                "--priority mix: the and-or search needs a scorer that knows its calibration, since it compares the "
                "costs of parts from the first expansion on; use a calibrated scorer such as ebm, or --priority astar"
            )
        self._goal_weight = 1.0 if config.goal_weight is None else config.goal_weight
        self._step_weight = 1.0
        self._value_weight = 0.0
        self._zero, self._value_scale = 0.0, 1.0
        if kind == "astar" and scored:
            self._value_weight = config.heuristic_weight
        elif kind == "mix" and calibration is not None and scored:
            scale = Standardisation(
                calibration.value_mean, calibration.value_std, calibration.logprob_mean, calibration.logprob_std
            )
            self._value_weight = calibration.value_weight if config.value_weight is None else config.value_weight
            self._step_weight = (1 - self._value_weight) * scale.logprob_scale
            self._zero, self._value_scale = scale.value_mean + ZERO * calibration.value_std, scale.value_scale
            if config.goal_weight is None:
                self._goal_weight = calibration.goal_weight

    def step(self, logprob: float) -> float:
        """What a step costs, above 0."""
        return max(LEAST_STEP, -self._step_weight * logprob)

    def __call__(self, nodes: Sequence[int]) -> list[float]:
        """What is still to be done of nodes that were not expanded, at least 0 each."""
        graph, weight = self._graph, self._goal_weight
        state = graph.state
        costs = [weight * state[node].num_goals for node in nodes]
        if not self._value_weight:
            return costs
        values = graph.value
        zero, scale = self._zero, self._value_weight * self._value_scale
        for index, node in enumerate(nodes):
            value = values[node]
            if value != value and node:
                # As in the best-first search: what the state came from is about as provable.
                value = values[graph.edge_source[graph.best_edge[node]]]
            if value == value:
                costs[index] = max(0.0, costs[index] + (zero - value) * scale)
        return costs

    def forget_values(self) -> None:
        """Estimates without values from now on. All costs need to be computed anew."""
        self._step_weight, self._value_weight = 1.0, 0.0
        self._goal_weight = 1.0 if self._config.goal_weight is None else self._config.goal_weight
