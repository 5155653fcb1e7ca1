"""The priorities that come with the core; each is registered like any other.

Every formula reads named columns (:class:`proofsearch.protocols.PriorityColumns`). What depends on a search, such as a
standardisation, is decided when the search begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from proofsearch.config import PriorityConfig
from proofsearch.errors import UsageError
from proofsearch.protocols import Linear, PriorityTraits
from proofsearch.standardisation import (
    DEFAULT_GOAL_WEIGHT,
    EQUAL_WEIGHT,
    Z_DIGITS,
    Standardisation,
    mean_and_std,
)

if TYPE_CHECKING:
    from proofsearch.engine.graph import SearchGraph
    from proofsearch.protocols import Calibration, Priority, PriorityColumns

ZERO = 2.0
"""How many standard deviations above its mean a calibrated value stands for nothing left to do.

Costs are at least 0, so better values than that are no longer told apart. With the mean itself for zero half of them
weren't, and a search lost most of what the value gained (docs/decisions.md).
"""


class Logprob:
    """``logprob``: the cumulative log-probability L of the best path."""

    traits: ClassVar = PriorityTraits(uses_value=False)

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """L, at most 0."""
        return columns.logprob

    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        """L and the goals."""
        return Linear(path=1.0, value=0.0, best=0.0, goals=_goals(goal_weight))


class Value:
    """``value``: the scorer's value v; the log-probability where there is none."""

    traits: ClassVar = PriorityTraits()

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """V."""
        values = columns.value
        total = sum(values)
        if total == total:  # values are finite or nan, so none is missing
            return values
        return [v if v == v else logprob for v, logprob in zip(values, columns.logprob, strict=True)]


class Normalized:
    """``normalized``: L / max(tokens, 1) ** length_exponent.

    Args:
        length_exponent: at least 0.
    """

    traits: ClassVar = PriorityTraits(uses_value=False)

    def __init__(self, length_exponent: float = 1.0) -> None:
        self._exponent = length_exponent

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """L by the length of the path."""
        exponent = self._exponent
        pairs = zip(columns.logprob, columns.num_tokens, strict=True)
        return [logprob / _power(max(tokens, 1), exponent) for logprob, tokens in pairs]


class AStar:
    """``astar``: L + heuristic_weight·v, for a value on the scale of log-probability (Hart, Nilsson & Raphael 1968).

    Args:
        heuristic_weight: at least 0.
    """

    traits: ClassVar = PriorityTraits()

    def __init__(self, heuristic_weight: float = 1.0) -> None:
        self._weight = heuristic_weight

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """L + heuristic_weight·v; L where the value is missing."""
        weight = self._weight
        return [
            logprob + weight * value if value == value else logprob
            for value, logprob in zip(columns.value, columns.logprob, strict=True)
        ]

    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        """The same; a value of 0 stands for nothing left to do."""
        return Linear(path=1.0, value=self._weight if scored else 0.0, best=0.0, goals=_goals(goal_weight))


class Mix:
    """``mix``: (1 − value_weight)·z(L) + value_weight·z(v).

    z standardises by the scorer's calibration; without one, by mean and standard deviation over the first scored nodes
    of the search.

    Args:
        value_weight: in [0, 1]; ``None``: the calibration's, else one half.
        warmup: how many scored nodes fix the standardisation where there is no calibration, at least 2.
    """

    traits: ClassVar = PriorityTraits(fitted_goals=True)

    def __init__(self, value_weight: float | None = None, warmup: int = 64) -> None:
        self._value_weight = value_weight
        self._warmup = warmup

    def begin(self, graph: SearchGraph, calibration: Calibration | None) -> Priority:
        """With a calibration a plain formula, without one a formula that learns its scale."""
        if calibration is None:
            return WarmingMix(graph, _or(self._value_weight, EQUAL_WEIGHT), self._warmup)
        return CalibratedMix(Standardisation.of(calibration), _or(self._value_weight, calibration.value_weight))

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """Never asked: each search begins one of its own."""
        raise AssertionError("mix is begun anew in each search")

    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        """The weights by the calibration; without a scorer those of ``logprob``.

        Raises:
            UsageError: there is a scorer, and it knows no calibration.
        """
        if not scored:
            return Linear(path=1.0, value=0.0, best=0.0, goals=_goals(goal_weight))
        if calibration is None:
            raise UsageError(
                "--priority mix: the and-or search needs a scorer that knows its calibration, since it compares the "
                "costs of parts from the first expansion on; use a calibrated scorer such as ebm, or --priority astar"
            )
        weight = _or(self._value_weight, calibration.value_weight)
        scale = Standardisation.of(calibration)
        return Linear(
            path=(1 - weight) * scale.logprob_scale,
            value=weight * scale.value_scale,
            best=calibration.value_mean + ZERO * calibration.value_std,
            goals=_or(goal_weight, calibration.goal_weight),
        )


class CalibratedMix:
    """``mix`` on a scale that is known from the start."""

    traits: ClassVar = PriorityTraits(fitted_goals=True)

    def __init__(self, scale: Standardisation, value_weight: float) -> None:
        self._scale = scale
        self._weight = value_weight

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """The mixture; z(L) alone where the value is missing."""
        mixed, weight = self._scale.mixed, self._weight
        return [
            round(mixed(value, logprob, weight), Z_DIGITS)
            for value, logprob in zip(columns.value, columns.logprob, strict=True)
        ]


class WarmingMix:
    """``mix`` on a scale that the search itself shows.

    It is standardised by the scored nodes, counted in the order of creation. The estimate is made at 2, 4, 8, … of them
    and last at ``warmup``, and stands in between, so that at any moment all priorities are on one scale; until the
    first it orders by log-probability alone, as open goals can't be weighed against it without a scale.
    """

    traits: ClassVar = PriorityTraits(counts_goals=False)

    def __init__(self, graph: SearchGraph, value_weight: float, warmup: int) -> None:
        self._graph = graph
        self._weight = value_weight
        self._warmup = warmup
        self._scale: Standardisation | None = None
        self._sample: list[tuple[float, float]] = []
        self._next_estimate = 2

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """The mixture less the goals, once there is a scale."""
        if self._scale is None:
            return columns.logprob
        mixed, weight, goal_weight = self._scale.mixed, self._weight, columns.goal_weight
        return [
            round(mixed(value, logprob, weight), Z_DIGITS) - goal_weight * goals
            for value, logprob, goals in zip(columns.value, columns.logprob, columns.num_goals, strict=True)
        ]

    def observe(self, nodes: Sequence[int]) -> bool:
        """Takes notice of scored nodes; whether the scale changed."""
        sample, warmup, graph = self._sample, self._warmup, self._graph
        if len(sample) >= warmup:
            return False
        for node in nodes:
            value = graph.value[node]
            if value == value and len(sample) < warmup:
                sample.append((value, graph.logprob[node]))
        if len(sample) < self._next_estimate:
            return False
        while self._next_estimate <= len(sample):
            self._next_estimate *= 2
        self._next_estimate = min(self._next_estimate, warmup)
        values, logprobs = zip(*sample, strict=True)
        self._scale = Standardisation(*mean_and_std(values), *mean_and_std(logprobs))
        return True


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
        scale, weight = Standardisation.of(calibration), _or(self._value_weight, calibration.value_weight)

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


class Split:
    """``split``: two queues, one by L and one by v.

    Args:
        value_share: the share of expansions that is taken from the second, in [0, 1].
    """

    traits: ClassVar = PriorityTraits(needs_every_score=True)

    def __init__(self, value_share: float = 0.5) -> None:
        self.share = value_share
        self.second: Priority = Value()

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """L: the order of the first queue."""
        return columns.logprob


class Auto:
    """``auto``: ``mix`` where the scorer knows its calibration, else ``value``; among costs of parts, else ``astar``.

    A calibrated value that weighs 0 has no part in the order: that is ``logprob``, as without a scorer, not one with
    a weight of goals that was fitted on the way.

    Args:
        weights: of the priorities that it stands for.
    """

    traits: ClassVar = PriorityTraits(fitted_goals=True)

    def __init__(self, weights: PriorityConfig) -> None:
        self._value_weight = weights.value_weight
        self._mix = Mix(weights.value_weight, weights.warmup)
        self._astar = AStar(weights.heuristic_weight)

    def begin(self, graph: SearchGraph, calibration: Calibration | None) -> Priority:
        """What it stands for in this search."""
        if calibration is None:
            return Value()
        return self._mix.begin(graph, calibration) if self._weighs(calibration) else Logprob()

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """Never asked: each search begins one of its own."""
        raise AssertionError("auto is begun anew in each search")

    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        """What it stands for in this search."""
        if calibration is None:
            return self._astar.linear(calibration, goal_weight, scored=scored)
        chosen = self._mix if self._weighs(calibration) else Logprob()
        return chosen.linear(calibration, goal_weight, scored=scored)

    def _weighs(self, calibration: Calibration) -> bool:
        """Whether the value has a part in the order."""
        return bool(_or(self._value_weight, calibration.value_weight))


BUILTIN: dict[str, Callable[[PriorityConfig], Priority]] = {
    "auto": Auto,
    "value": lambda weights: Value(),
    "logprob": lambda weights: Logprob(),
    "normalized": lambda weights: Normalized(weights.length_exponent),
    "mix": lambda weights: Mix(weights.value_weight, weights.warmup),
    "reranked": lambda weights: Reranked(weights.value_weight, weights.heuristic_weight),
    "astar": lambda weights: AStar(weights.heuristic_weight),
    "split": lambda weights: Split(weights.value_share),
}
"""By name, with the weights that a configuration gives. The core's plugin registers them."""

HELP = {
    "auto": "mix if the scorer is calibrated, otherwise value.",
    "value": "The scorer's value.",
    "logprob": "The cumulative log-probability of the best path.",
    "normalized": "The log-probability divided by the path's tokens (--length-exponent).",
    "mix": "Standardised value and log-probability (--value-weight, --warmup).",
    "reranked": "The path's likelihood under the policy, corrected by the value.",
    "astar": "Log-probability and --heuristic-weight times the value.",
    "split": "Two queues, one by log-probability and one by value (--value-share).",
}
"""One line about each."""


def builtin_priority(weights: PriorityConfig) -> Priority:
    """The one of the core's priorities that a configuration names.

    Raises:
        UsageError: it has none of this name.
    """
    if weights.kind not in BUILTIN:
        raise UsageError(
            f"no priority of the core is named {weights.kind!r}; known: {', '.join(BUILTIN)}; pass others as objects"
        )
    return BUILTIN[weights.kind](weights)


def _or(given: float | None, default: float) -> float:
    return default if given is None else given


def _goals(goal_weight: float | None) -> float:
    return _or(goal_weight, DEFAULT_GOAL_WEIGHT)


def _power(num_tokens: int, exponent: float) -> float:
    """``num_tokens ** exponent``, infinite where it is too large for a float."""
    try:
        return math.pow(num_tokens, exponent)
    except OverflowError:
        return math.inf
