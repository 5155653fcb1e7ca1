"""The priority that corrects the policy by the value, as a likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from proofsearch.engine.standardisation import (
    Standardisation,
)
from proofsearch.protocols import PriorityTraits

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Calibration, Priority, PriorityColumns

from proofsearch.engine.mixing import or_default


class Reranked:
    """``reranked``: the log-likelihood of the path under the policy as the value corrects it.

    The sum over its steps of log softmax of u among the live children, with u = scale·mix by the scorer's calibration,
    or, without one, L + heuristic_weight·v − goal_weight·n; once an expansion, when its children are new.

    Args:
        value_weight: as for ``mix``.
        heuristic_weight: as for ``astar``.
    """

    traits: ClassVar = PriorityTraits(needs_every_score=True, counts_goals=False, fitted_goals=True)

    def __init__(self, value_weight: float | None = None, heuristic_weight: float = 1.0) -> None:
        self._value_weight = value_weight
        self._heuristic_weight = heuristic_weight

    def begin(self, graph: SearchGraph, calibration: Calibration | None) -> Priority:
        """The likelihoods of one search's paths."""
        if calibration is None:
            return _Likelihoods(graph, self._by_heuristic, 1.0)
        scale, weight = (
            Standardisation.from_calibration(calibration),
            or_default(self._value_weight, calibration.value_weight),
        )

        def corrected(value: float, logprob: float) -> float:
            z = (value - scale.value_mean) * scale.value_scale if value == value else 0.0
            return (1 - weight) * (logprob - scale.logprob_mean) * scale.logprob_scale + weight * z

        return _Likelihoods(graph, corrected, calibration.scale)

    def _by_heuristic(self, value: float, logprob: float) -> float:
        return logprob + (self._heuristic_weight * value if value == value else 0.0)

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """Never asked: each search begins one of its own."""
        raise AssertionError("reranked is begun anew in each search")


class _Likelihoods:
    """``reranked`` in one search."""

    traits: ClassVar = Reranked.traits

    def __init__(self, graph: SearchGraph, corrected: Callable[[float, float], float], scale: float) -> None:
        self._graph = graph
        self._corrected = corrected
        self._scale = scale
        self._likelihood: dict[int, float] = {0: 0.0}
        self._normaliser: dict[int, float] = {}

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """Log-likelihoods of paths; for a range, the new children of one expansion, they are computed and kept.

        A known node that got a better path is given the likelihood of that path where it is higher.
        """
        graph, likelihood, nodes, weight = self._graph, self._likelihood, columns.nodes, columns.goal_weight
        if isinstance(nodes, range):
            parent = graph.edge_source[graph.best_edge[nodes.start]]
            first: dict[int, int] = {}
            for edge in graph.edge_range(parent):
                target = graph.edge_target[edge]
                if target >= 0 and graph.expanded_at[target] < 0:
                    first.setdefault(target, edge)
            utilities = self._utilities(list(first), list(first.values()), weight)
            highest = max(utilities)
            total = highest + math.log(math.fsum(math.exp(utility - highest) for utility in utilities))
            self._normaliser[parent] = total
            base = likelihood.get(parent, 0.0)
            for node, utility in zip(first, utilities, strict=True):
                if node >= nodes.start:
                    likelihood[node] = base + utility - total
        elif len(nodes) == 1:
            node, edge = nodes[0], graph.best_edge[nodes[0]]
            parent = graph.edge_source[edge]
            if parent in self._normaliser:
                utility = self._utilities([node], [edge], weight)[0]
                offer = likelihood.get(parent, 0.0) + utility - self._normaliser[parent]
                likelihood[node] = max(likelihood.get(node, -math.inf), offer)
        return [likelihood[node] for node in nodes]

    def _utilities(self, nodes: list[int], edges: list[int], goal_weight: float) -> list[float]:
        """The utility of stepping to each node by an edge, among the children of that edge's source."""
        graph = self._graph
        utilities = []
        for node, edge in zip(nodes, edges, strict=True):
            logprob = graph.logprob[graph.edge_source[edge]] + graph.edge_logprob[edge]
            utility = self._corrected(graph.value[node], logprob)
            utilities.append(self._scale * (utility - goal_weight * graph.state[node].num_goals))
        return utilities
