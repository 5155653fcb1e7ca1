"""Optimistic evaluation: a node is scored when it comes to the front, and until then waits with what it may be worth.

Beside a fast policy a score costs as much as an expansion, and most nodes never come near the front. So no new node is
scored at once. Each waits with a value that few of its kind exceed: what the search's own scores say of a child of such
a parent, by linear regression on the parent's value, and :data:`OPTIMISM` standard deviations of what that leaves open.
At the front it is scored and goes back to where it then belongs, mostly the front. (As in the lazy A* of Karpas et al.
2018, "Rational deployment of multiple heuristics in optimal state-space search", where a cheap bound is the estimate.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Calibration

OPTIMISM = 0.5
"""By how many standard deviations a node is taken to be better than expected (docs/notes/confidence.md)."""

_PRIOR = 8.0
"""As how many scored nodes the scorer's calibration counts."""
_PRIOR_SLOPE = 0.4
"""How much of what sets a parent's value apart its children have, by that calibration."""


class Optimistic:
    """Nodes that wait to be scored one by one; used as :class:`~proofsearch.engine.deferred.Deferred` is.

    Args:
        calibration: of the scorer, where it knows one: what is expected before anything was scored.

    Attributes:
        estimates: the values with which nodes wait; none for children of a node without a value, as long as the search
            knows nothing.
    """

    __slots__ = (
        "_count",
        "_mean",
        "_mean_of_parents",
        "_new",
        "_spread",
        "_spread_of_parents",
        "_taken",
        "_together",
        "_waiting",
        "estimates",
    )

    def __init__(self, calibration: Calibration | None) -> None:
        self.estimates: dict[int, float] = {}
        self._waiting: set[int] = set()
        self._new: list[tuple[int, Sequence[int]]] = []
        self._taken = -1
        self._count = self._mean = self._mean_of_parents = 0.0
        # Sums of squares around the means, and of products.
        self._spread = self._spread_of_parents = self._together = 0.0
        if calibration is not None:
            self._count = _PRIOR
            self._mean = self._mean_of_parents = calibration.value_mean
            self._spread = self._spread_of_parents = _PRIOR * calibration.value_std**2
            self._together = _PRIOR_SLOPE * self._spread

    def __contains__(self, node: int) -> bool:
        return node in self._waiting

    def add(self, families: Iterable[range], graph: SearchGraph) -> list[int]:
        """Lets new siblings wait; returns those to be scored at once: the likeliest of a family if nothing is known."""
        due: list[int] = []
        for family in families:
            waiting: Sequence[int] = family
            expected = self._expected(graph.value[graph.edge_source[graph.best_edge[family.start]]])
            if expected != expected:
                first = max(family, key=graph.logprob.__getitem__)
                waiting = [node for node in family if node != first]
                due.append(first)
                self._new.append((first, waiting))
            else:
                self.estimates.update(dict.fromkeys(family, expected))
            self._waiting.update(waiting)
        return due

    def estimate(self, graph: SearchGraph) -> None:
        """Learns from the nodes that :meth:`add` or :meth:`take` returned, which were scored since."""
        for first, waiting in self._new:
            if (value := graph.value[first]) == value:
                self.estimates.update(dict.fromkeys(waiting, value))
        self._new.clear()
        node, self._taken = self._taken, -1
        edge = graph.best_edge[node] if node >= 0 else -1
        if edge >= 0:
            self._learn(graph.value[graph.edge_source[edge]], graph.value[node])

    def take(self, node: int, graph: SearchGraph) -> list[int]:
        """The node alone, to be scored."""
        self.drop(node)
        self._taken = node
        return [node]

    def drop(self, node: int) -> None:
        """Leaves out a node that is scored for another reason, if it waits."""
        self._waiting.discard(node)
        self.estimates.pop(node, None)

    def _expected(self, parent: float) -> float:
        """What a child of a node with this value may be worth; ``nan`` where nothing is known."""
        if self._count < 2:
            return parent
        slope = self._together / self._spread_of_parents if self._spread_of_parents > 0 else 0.0
        left = max(self._spread - slope * self._together, 0.0) / self._count
        expected = self._mean + OPTIMISM * sqrt(left)
        return expected + slope * (parent - self._mean_of_parents) if parent == parent else expected

    def _learn(self, parent: float, value: float) -> None:
        """Takes notice of a node's value and its parent's."""
        if not (parent == parent and value == value):
            return
        self._count += 1
        from_parents, off = parent - self._mean_of_parents, value - self._mean
        self._mean_of_parents += from_parents / self._count
        self._mean += off / self._count
        rest = value - self._mean
        self._spread += off * rest
        self._spread_of_parents += from_parents * (parent - self._mean_of_parents)
        self._together += from_parents * rest
