"""The contract of priorities: formulas that a strategy may order nodes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols.value import Calibration


@dataclass(frozen=True, slots=True)
class PriorityTraits:
    """The properties of a priority that decide where it may be used, and what the order does for it.

    Attributes:
        uses_value: whether it reads values. Without a scorer, and once a scorer is trusted no longer, such a priority
            is replaced by the cumulative log-probability.
        needs_every_score: whether it needs the values of all new siblings at once, so that none can be put off.
        counts_goals: whether the order subtracts the goal weight times the number of goals from it; ``False`` where
            the formula does that itself or wants none of it.
        fitted_goals: whether the goal weight, where the configuration gives none, is the scorer's calibrated one;
            otherwise it is 1.
    """

    uses_value: bool = True
    needs_every_score: bool = False
    counts_goals: bool = True
    fitted_goals: bool = False


class PriorityColumns(Protocol):
    """What the graph knows of some nodes: named columns, each a list with one entry a node, in the same order.

    A column is made when it is asked for.
    """

    @property
    def nodes(self) -> Sequence[int]:
        """The numbers of the nodes; consecutive siblings, new ones of one expansion, are a ``range``."""

    @property
    def goal_weight(self) -> float:
        """What an open goal costs, at least 0; for formulas that count goals themselves."""

    @property
    def logprob(self) -> list[float]:
        """The cumulative log-probability on each node's best path; natural logarithm, at most 0."""

    @property
    def value(self) -> list[float]:
        """The scorer's values, higher is better.

        A node that waits for its score has an estimate; one that got none has the value of its parent on its best
        path; ``nan`` where that is missing too.
        """

    @property
    def depth(self) -> list[int]:
        """Steps on each node's best path."""

    @property
    def num_tokens(self) -> list[int]:
        """Tokens on each node's best path."""

    @property
    def num_goals(self) -> list[int]:
        """Open goals of each node's state."""

    @property
    def step_logprob(self) -> list[float]:
        """The log-probability of the last step of each node's best path; 0 for the root."""


class Priority(Protocol):
    """A formula over what the graph knows of nodes; the node with the highest priority is expanded first.

    It is asked again whenever what it is made of has changed, so it has to be a function of its columns alone. One that
    has to remember something of a search implements :class:`BeginsAnew`.
    """

    @property
    def traits(self) -> PriorityTraits:
        """Its properties; the same at any time."""

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """One finite priority a node, in order."""


@runtime_checkable
class BeginsAnew(Protocol):
    """A priority that is another object in each search: it remembers something, or depends on the scorer."""

    def begin(self, graph: SearchGraph, calibration: Calibration | None) -> Priority:
        """The priority for one search.

        Args:
            graph: of that search. To be read only.
            calibration: of the scorer, where it knows one.
        """


@runtime_checkable
class Learns(Protocol):
    """A priority that takes notice of new scores, such as one that standardises by them."""

    def observe(self, nodes: Sequence[int]) -> bool:
        """Is told of nodes that were just scored.

        Returns:
            Whether its scale changed, so that all waiting nodes need new priorities.
        """


@runtime_checkable
class Alternates(Protocol):
    """A priority with a second one, by which a share of the expansions is chosen from a queue of its own."""

    @property
    def second(self) -> Priority:
        """The second priority."""

    @property
    def share(self) -> float:
        """The share of expansions that it chooses, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A priority that adds up: path·(log-probability) + value·(value − best) − goals·(number of goals).

    Attributes:
        path: weight of the cumulative log-probability, at least 0; the only term that depends on the path.
        value: weight of the state's own value, at least 0.
        best: the value that stands for nothing left to do.
        goals: what an open goal costs, at least 0.
    """

    path: float
    value: float
    best: float
    goals: float


@runtime_checkable
class AddsUp(Protocol):
    """A priority that is a sum over the path and what is left, so that the costs of parts can be added (and-or)."""

    def linear(self, calibration: Calibration | None, goal_weight: float | None, *, scored: bool) -> Linear:
        """Returns the weights of the sum.

        Args:
            calibration: of the scorer, where it knows one.
            goal_weight: what the configuration gives; ``None`` where it gives none.
            scored: whether there are values at all.

        Raises:
            UsageError: without a calibration it doesn't add up.
        """
