"""Deferred evaluation: nodes that wait for their turn before they are scored.

Most nodes of a search are never expanded, and where their scores cost as much as all else, scoring every one halves the
speed. Of the new children of a node only the likeliest are scored at once; the others wait with the mean value of
these, since siblings share most of their goals, and are scored when one of them comes to the front. (In the deferred
evaluation of Richter & Helmert 2009, "Preferred operators and deferred evaluation in satisficing planning", ICAPS, all
wait with their parent's value; then a good child of a poor node is found late.)
"""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph


class Deferred:
    """Nodes whose score was put off, each with its siblings.

    Args:
        together: how many siblings are scored at a time, at least 1.

    Attributes:
        estimates: the values with which nodes wait; none for those whose scored siblings got no value.
    """

    __slots__ = ("_family", "_new", "_together", "estimates")

    def __init__(self, together: int) -> None:
        self.estimates: dict[int, float] = {}
        self._together = together
        self._family: dict[int, dict[int, None]] = {}
        self._new: list[tuple[list[int], dict[int, None]]] = []

    def __contains__(self, node: int) -> bool:
        return node in self._family

    def add(self, families: Iterable[range], graph: SearchGraph) -> list[int]:
        """Puts off the scores of all new siblings but the likeliest of each family, which it returns."""
        due: list[int] = []
        for family in families:
            likeliest = sorted(family, key=graph.logprob.__getitem__, reverse=True)
            first, rest = likeliest[: self._together], likeliest[self._together :]
            due += first
            if rest:
                waiting = dict.fromkeys(rest)
                self._family.update(dict.fromkeys(rest, waiting))
                self._new.append((first, waiting))
        return sorted(due)

    def estimate(self, graph: SearchGraph) -> None:
        """Estimates the siblings of those that :meth:`add` returned, which were scored since."""
        for first, waiting in self._new:
            values = [value for value in map(graph.value.__getitem__, first) if not isnan(value)]
            if values:
                self.estimates.update(dict.fromkeys(waiting, fsum(values) / len(values)))
        self._new.clear()

    def take(self, node: int, graph: SearchGraph) -> list[int]:
        """The node, and those of its siblings that are to be scored with it: the best ones by priority."""
        waiting = self._family[node]
        del waiting[node]
        best = sorted(waiting, key=graph.priority.__getitem__, reverse=True)[: self._together - 1]
        for sibling in best:
            del waiting[sibling]
        taken = [node, *best]
        for taken_node in taken:
            self._forget(taken_node)
        return taken

    def drop(self, node: int) -> None:
        """Leaves out a node that is scored for another reason, if it waits."""
        if node in self._family:
            del self._family[node][node]
            self._forget(node)

    def _forget(self, node: int) -> None:
        del self._family[node]
        self.estimates.pop(node, None)
