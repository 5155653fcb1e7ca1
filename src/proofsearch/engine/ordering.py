"""What the frontier orders nodes by: a priority, applied to what the graph now knows.

A priority is a formula over columns, so a node that gets a better path is given a new priority by the same formula,
without being scored again.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from proofsearch.engine.priorities import Logprob
from proofsearch.engine.standardisation import DEFAULT_GOAL_WEIGHT
from proofsearch.errors import PluginError
from proofsearch.protocols import Alternates, BeginsAnew, Learns

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Calibration, Priority
    from proofsearch.types import ProofState

_Number = TypeVar("_Number", int, float)

Nodes = Sequence[int]
"""Node numbers; a ``range`` of consecutive ones is read faster."""


class Columns:
    """What the graph knows of some nodes; a :class:`proofsearch.protocols.PriorityColumns`."""

    __slots__ = ("_estimates", "_graph", "goal_weight", "nodes")

    def __init__(self, graph: SearchGraph, nodes: Nodes, goal_weight: float, estimates: Mapping[int, float]) -> None:
        self._graph = graph
        self._estimates = estimates
        self.nodes = nodes
        self.goal_weight = goal_weight

    @property
    def logprob(self) -> list[float]:
        """Cumulative log-probabilities."""
        return _take(self._graph.logprob, self.nodes)

    @property
    def value(self) -> list[float]:
        """The nodes' values, else what is estimated, else their best parents'; ``nan`` where that is missing too."""
        graph, nodes = self._graph, self.nodes
        values = _take(graph.value, nodes)
        total = sum(values)
        if total != total:  # values are finite or nan, so some are missing
            # No node is estimated once it has a value.
            values = list(map(self._estimates.get, nodes, values))
            total = sum(values)
            if total != total:
                of, source, edge = graph.value, graph.edge_source, graph.best_edge
                values = [
                    value if value == value else of[source[edge[node]]]
                    for value, node in zip(values, nodes, strict=True)
                ]
        return values

    @property
    def depth(self) -> list[int]:
        """Steps on the best paths."""
        return _take(self._graph.depth, self.nodes)

    @property
    def num_tokens(self) -> list[int]:
        """Tokens on the best paths."""
        return _take(self._graph.num_tokens, self.nodes)

    @property
    def num_goals(self) -> list[int]:
        """Open goals."""
        return [state.num_goals for state in self.states]

    @property
    def states(self) -> list[ProofState]:
        """The states themselves."""
        state, nodes = self._graph.state, self.nodes
        return state[nodes.start : nodes.stop] if isinstance(nodes, range) else [state[node] for node in nodes]

    @property
    def step_logprob(self) -> list[float]:
        """Log-probabilities of the last steps."""
        graph = self._graph
        return [
            graph.edge_logprob[edge] if edge >= 0 else 0.0 for edge in (graph.best_edge[node] for node in self.nodes)
        ]


class Order:
    """The priorities of one search's nodes, a list for each queue of the frontier.

    Args:
        priority: the formula.
        graph: what priorities are computed from.
        calibration: of the scorer.
        scored: whether there is a scorer; without, every formula that uses values gives way to the log-probability.
        goal_weight: what the configuration gives; ``None``: the calibration's for a formula that was fitted with it,
            else 1.
        estimates: the values with which nodes wait that are not scored yet; read whenever priorities are computed.

    Attributes:
        share: the share of expansions that the second queue chooses; 0 where there is one queue.
    """

    __slots__ = ("_estimates", "_formulas", "_given_weight", "_goal_weight", "_graph", "_learning", "share")

    def __init__(
        self,
        priority: Priority,
        graph: SearchGraph,
        calibration: Calibration | None = None,
        *,
        scored: bool = True,
        goal_weight: float | None = None,
        estimates: Mapping[int, float] = MappingProxyType({}),
    ) -> None:
        self._graph = graph
        self._estimates = estimates
        self._given_weight = goal_weight
        if priority.traits.uses_value and not scored:
            priority = Logprob()
        several, self.share = [priority], 0.0
        if isinstance(priority, Alternates):
            several, self.share = [priority, priority.second], priority.share
        self._formulas = [
            formula.begin(graph, calibration) if isinstance(formula, BeginsAnew) else formula for formula in several
        ]
        self._goal_weight = DEFAULT_GOAL_WEIGHT if goal_weight is None else goal_weight
        if goal_weight is None and calibration is not None and self._formulas[0].traits.fitted_goals:
            self._goal_weight = calibration.goal_weight
        self._learning = [formula for formula in self._formulas if isinstance(formula, Learns)]

    @property
    def num_queues(self) -> int:
        """How many priorities a node has: one, or two."""
        return len(self._formulas)

    def __call__(self, nodes: Nodes) -> list[list[float]]:
        """The priorities of ``nodes`` from what the graph holds now: for each queue a list in their order.

        Raises:
            PluginError: a formula broke its contract; the message says how.
        """
        weight = self._goal_weight
        columns = Columns(self._graph, nodes, weight, self._estimates)
        queues: list[list[float]] = []
        for formula in self._formulas:
            priorities = formula(columns)
            total = sum(priorities)
            if total != total or len(priorities) != len(nodes):
                _refuse(formula, priorities, len(nodes))
            if weight and formula.traits.counts_goals:
                priorities = [
                    raw - weight * state.num_goals for raw, state in zip(priorities, columns.states, strict=True)
                ]
            queues.append(priorities if isinstance(priorities, list) else list(priorities))
        return queues

    def observe(self, nodes: Nodes) -> bool:
        """Takes notice of nodes that were just scored.

        Returns:
            Whether a scale changed, so that all waiting nodes need new priorities.
        """
        changed = False
        for formula in self._learning:
            changed |= formula.observe(nodes)
        return changed

    def forget_values(self) -> None:
        """Orders by log-probability from now on, if values had a part in it. All waiting nodes need new priorities."""
        if any(formula.traits.uses_value for formula in self._formulas):
            self._formulas = [Logprob() for _ in self._formulas]
            self._learning = []
            # A goal weight that was fitted for standardised scores says nothing of log-probabilities.
            self._goal_weight = DEFAULT_GOAL_WEIGHT if self._given_weight is None else self._given_weight


def _refuse(formula: Priority, priorities: Sequence[float], count: int) -> None:
    name = f"{type(formula).__module__}.{type(formula).__qualname__}"
    if len(priorities) != count:
        raise PluginError(f"priority {name} returned {len(priorities)} priorities for {count} nodes")
    raise PluginError(f"priority {name} returned nan for a node; expected finite numbers")


def _take(column: array[_Number], nodes: Nodes) -> list[_Number]:
    """The rows ``nodes`` of a column."""
    if isinstance(nodes, range):
        return column[nodes.start : nodes.stop].tolist()
    return [column[node] for node in nodes]
