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

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Calibration, Priority, PriorityColumns

from proofsearch.engine.mixing import Mix, default_goals, or_default
from proofsearch.engine.policy_guided import PolicyGuided, PolicyGuidedStar
from proofsearch.engine.reranking import Reranked


class Logprob:
    """``logprob``: the cumulative log-probability L of the best path."""

    traits: ClassVar = PriorityTraits(uses_value=False)

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """L, at most 0."""
        return columns.logprob

    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        """L and the goals."""
        return Linear(path=1.0, value=0.0, best=0.0, goals=default_goals(goal_weight))


class Value:
    """``value``: the scorer's value v; the log-probability where there is none."""

    traits: ClassVar = PriorityTraits()

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """Returns the values."""
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
        return Linear(path=1.0, value=self._weight if scored else 0.0, best=0.0, goals=default_goals(goal_weight))


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
        return bool(or_default(self._value_weight, calibration.value_weight))


BUILTIN: dict[str, Callable[[PriorityConfig], Priority]] = {
    "auto": Auto,
    "value": lambda weights: Value(),
    "logprob": lambda weights: Logprob(),
    "normalized": lambda weights: Normalized(weights.length_exponent),
    "mix": lambda weights: Mix(weights.value_weight, weights.warmup),
    "reranked": lambda weights: Reranked(weights.value_weight, weights.heuristic_weight),
    "astar": lambda weights: AStar(weights.heuristic_weight),
    "phs": lambda weights: PolicyGuided(weights.heuristic_weight),
    "phs-star": lambda weights: PolicyGuidedStar(weights.heuristic_weight),
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
    "phs": "Steps taken and missing, by the value, over the path's probability (--heuristic-weight).",
    "phs-star": "phs, with the probability of the missing steps estimated too.",
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


def _power(num_tokens: int, exponent: float) -> float:
    """``num_tokens ** exponent``, infinite where it is too large for a float."""
    try:
        return math.pow(num_tokens, exponent)
    except OverflowError:
        return math.inf
