"""What the frontier orders nodes by: the table in :class:`~proofsearch.config.PriorityConfig`, made into a function.

A priority is a function of what the graph now knows of a node, so a node that gets a better path is given a new
priority by the same function, without being scored again.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsearch.config import PriorityConfig
    from proofsearch.protocols import Calibration
    from proofsearch.search.graph import SearchGraph

Nodes = Sequence[int]
"""Node numbers; a ``range`` of consecutive ones is read faster."""


class Standardisation:
    """Affine maps that give value and log-probability mean 0 and standard deviation 1.

    Attributes:
        value_mean, value_scale, logprob_mean, logprob_scale: a score ``x`` becomes ``(x - mean) * scale``. The scale is
            0 where there is no spread, so that the score orders nothing.
    """

    __slots__ = ("logprob_mean", "logprob_scale", "value_mean", "value_scale")

    def __init__(self, value_mean: float, value_std: float, logprob_mean: float, logprob_std: float) -> None:
        self.value_mean, self.value_scale = value_mean, 1 / value_std if value_std > 0 else 0.0
        self.logprob_mean, self.logprob_scale = logprob_mean, 1 / logprob_std if logprob_std > 0 else 0.0


def mean_and_std(sample: Sequence[float]) -> tuple[float, float]:
    """Mean and population standard deviation; exactly 0 for a constant sample, whatever its rounding."""
    mean = math.fsum(sample) / len(sample)
    if min(sample) == max(sample):
        return mean, 0.0
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in sample) / len(sample))


Z_DIGITS = 9
"""Standardised scores are rounded to so many decimals, so that nodes that tie on paper tie in floating point too.

Two scored nodes alone have scores of exactly -1 and 1, so ties are common; without this, the units of the value would
decide them by their rounding errors.
"""


def _take(column: array[float], nodes: Nodes) -> list[float]:
    """The rows ``nodes`` of a column."""
    if isinstance(nodes, range):
        return column[nodes.start : nodes.stop].tolist()
    return [column[node] for node in nodes]


def _power(num_tokens: int, exponent: float) -> float:
    """``num_tokens ** exponent``, infinite where it is too large for a float."""
    try:
        return math.pow(num_tokens, exponent)
    except OverflowError:
        return math.inf


def weighs(config: PriorityConfig, calibration: Calibration) -> bool:
    """Whether a calibrated value has a part in the order of ``auto``.

    One that weighs 0 has none: the order is that of log-probability and goals, as without a scorer, and not one with a
    weight of goals that was fitted on the way.
    """
    return bool(calibration.value_weight if config.value_weight is None else config.value_weight)


class Priority:
    """The priorities of nodes, a list for each queue of the frontier.

    ``mix`` without a calibration standardises by the scored nodes of the search itself, counted in the order of
    creation. The estimate is made at 2, 4, 8, … of them and last at ``warmup``, and stands in between, so that at any
    moment all priorities are on one scale; until the first it orders by log-probability alone, as open goals can't be
    weighed against it without a scale.

    Args:
        config: which kind, and its parameters.
        graph: what priorities are computed from.
        calibration: for ``mix``.
        scored: whether there is a scorer; without, every kind that needs a value orders by log-probability.
        estimates: the values with which nodes wait that are not scored yet; read whenever priorities are computed.
    """

    __slots__ = (
        "_calibrated",
        "_compute",
        "_compute_second",
        "_config",
        "_estimates",
        "_full_goal_weight",
        "_goal_weight",
        "_graph",
        "_kind",
        "_likelihood",
        "_next_estimate",
        "_normaliser",
        "_sample",
        "_scale",
        "_standardisation",
        "_value_weight",
        "num_queues",
    )

    def __init__(
        self,
        config: PriorityConfig,
        graph: SearchGraph,
        calibration: Calibration | None = None,
        *,
        scored: bool = True,
        estimates: Mapping[int, float] = MappingProxyType({}),
    ) -> None:
        self._config = config
        self._graph = graph
        self._estimates = estimates
        self._calibrated = calibration is not None
        self._standardisation: Standardisation | None = None
        self._value_weight = 0.5
        if calibration is not None:
            self._standardisation = Standardisation(
                calibration.value_mean, calibration.value_std, calibration.logprob_mean, calibration.logprob_std
            )
            self._value_weight = calibration.value_weight
        if config.value_weight is not None:
            self._value_weight = config.value_weight
        self._sample: list[tuple[float, float]] = []
        self._next_estimate = 2
        computations: dict[str, Callable[[Nodes], list[float]]] = {
            "value": self._by_value,
            "logprob": self._by_logprob,
            "normalized": self._by_normalized,
            "mix": self._by_mix,
            "reranked": self._by_reranked,
            "astar": self._by_astar,
            "split": self._by_logprob,
        }
        kind = config.kind
        if kind == "auto":
            kind = "value" if calibration is None else "mix" if weighs(config, calibration) else "logprob"
        if not scored and kind != "normalized":
            kind = "logprob"
        self._kind = kind
        self._compute = computations[kind]
        self._compute_second = self._by_value if kind == "split" else None
        self.num_queues = 2 if kind == "split" else 1
        self._full_goal_weight = 1.0
        if config.goal_weight is not None:
            self._full_goal_weight = config.goal_weight
        elif kind in ("mix", "reranked") and calibration is not None:
            self._full_goal_weight = calibration.goal_weight
        unscaled = kind == "mix" and calibration is None
        self._goal_weight = 0.0 if unscaled or kind == "reranked" else self._full_goal_weight
        self._scale = 1.0 if calibration is None else calibration.scale
        self._likelihood: dict[int, float] = {0: 0.0}
        self._normaliser: dict[int, float] = {}

    def __call__(self, nodes: Nodes) -> list[list[float]]:
        """The priorities of ``nodes`` from what the graph holds now: for each queue a list in their order."""
        columns = [self._compute(nodes)]
        if self._compute_second is not None:
            columns.append(self._compute_second(nodes))
        weight = self._goal_weight
        if weight:
            state = self._graph.state
            states = state[nodes.start : nodes.stop] if isinstance(nodes, range) else [state[node] for node in nodes]
            for queue, column in enumerate(columns):
                columns[queue] = [raw - weight * state.num_goals for raw, state in zip(column, states, strict=True)]
        return columns

    def observe(self, nodes: Nodes) -> bool:
        """Takes notice of nodes that were just scored.

        Returns:
            Whether the scale changed, so that all waiting nodes need new priorities.
        """
        warmup = self._config.warmup
        if self._compute != self._by_mix or self._calibrated or len(self._sample) >= warmup:
            return False
        for value, logprob in zip(_take(self._graph.value, nodes), _take(self._graph.logprob, nodes), strict=True):
            if value == value and len(self._sample) < warmup:
                self._sample.append((value, logprob))
        if len(self._sample) < self._next_estimate:
            return False
        while self._next_estimate <= len(self._sample):
            self._next_estimate *= 2
        self._next_estimate = min(self._next_estimate, warmup)
        values, logprobs = zip(*self._sample, strict=True)
        self._standardisation = Standardisation(*mean_and_std(values), *mean_and_std(logprobs))
        self._goal_weight = self._full_goal_weight
        return True

    def forget_values(self) -> None:
        """Orders by log-probability from now on, if values had a part in it. All waiting nodes need new priorities."""
        if self._kind != "normalized":
            self._compute = self._by_logprob
            if self._compute_second is not None:
                self._compute_second = self._by_logprob
            # A goal weight that was fitted for standardised scores says nothing of log-probabilities.
            self._goal_weight = 1.0 if self._config.goal_weight is None else self._config.goal_weight

    def _values(self, nodes: Nodes) -> list[float]:
        """The nodes' values, else what is estimated, else their best parents'; ``nan`` where that is missing too."""
        graph, estimates = self._graph, self._estimates
        values = _take(graph.value, nodes)
        total = sum(values)
        if total != total:  # values are finite or nan, so some are missing
            for index, node in enumerate(nodes):
                if values[index] != values[index]:
                    known = estimates.get(node)
                    values[index] = graph.value[graph.edge_source[graph.best_edge[node]]] if known is None else known
        return values

    def _by_logprob(self, nodes: Nodes) -> list[float]:
        return _take(self._graph.logprob, nodes)

    def _by_value(self, nodes: Nodes) -> list[float]:
        values = self._values(nodes)
        total = sum(values)
        if total == total:
            return values
        logprobs = self._by_logprob(nodes)
        return [v if v == v else logprob for v, logprob in zip(values, logprobs, strict=True)]

    def _by_normalized(self, nodes: Nodes) -> list[float]:
        exponent = self._config.length_exponent
        graph = self._graph
        return [graph.logprob[node] / _power(max(graph.num_tokens[node], 1), exponent) for node in nodes]

    def _by_mix(self, nodes: Nodes) -> list[float]:
        logprobs = self._by_logprob(nodes)
        scale = self._standardisation
        if scale is None:
            return logprobs
        weight = self._value_weight
        priorities = []
        for value, logprob in zip(self._values(nodes), logprobs, strict=True):
            z = (logprob - scale.logprob_mean) * scale.logprob_scale
            if value == value:
                z = (1 - weight) * z + weight * ((value - scale.value_mean) * scale.value_scale)
            priorities.append(round(z, Z_DIGITS))
        return priorities

    def _by_reranked(self, nodes: Nodes) -> list[float]:
        """Log-likelihoods of paths; for a range, the new children of one expansion, they are computed and kept.

        A known node that got a better path is given the likelihood of that path where it is higher.
        """
        graph, likelihood = self._graph, self._likelihood
        if isinstance(nodes, range):
            parent = graph.edge_source[graph.best_edge[nodes.start]]
            first: dict[int, int] = {}
            for edge in graph.edge_range(parent):
                target = graph.edge_target[edge]
                if target >= 0 and graph.expanded_at[target] < 0:
                    first.setdefault(target, edge)
            utilities = self._utilities(list(first), list(first.values()))
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
                offer = likelihood.get(parent, 0.0) + self._utilities([node], [edge])[0] - self._normaliser[parent]
                likelihood[node] = max(likelihood.get(node, -math.inf), offer)
        return [likelihood[node] for node in nodes]

    def _utilities(self, nodes: list[int], edges: list[int]) -> list[float]:
        """The utility of stepping to each node by an edge, among the children of that edge's source."""
        graph, config, scale = self._graph, self._config, self._standardisation
        utilities = []
        for node, edge in zip(nodes, edges, strict=True):
            logprob = graph.logprob[graph.edge_source[edge]] + graph.edge_logprob[edge]
            value = graph.value[node]
            if scale is None:
                known = config.heuristic_weight * value if value == value else 0.0
                utility = logprob + known
            else:
                z = (value - scale.value_mean) * scale.value_scale if value == value else 0.0
                weight = self._value_weight
                utility = (1 - weight) * (logprob - scale.logprob_mean) * scale.logprob_scale + weight * z
            utilities.append(self._scale * (utility - self._full_goal_weight * graph.state[node].num_goals))
        return utilities

    def _by_astar(self, nodes: Nodes) -> list[float]:
        weight = self._config.heuristic_weight
        return [
            logprob + weight * value if value == value else logprob
            for value, logprob in zip(self._values(nodes), self._by_logprob(nodes), strict=True)
        ]
