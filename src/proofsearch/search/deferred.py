"""Deferred evaluation: nodes that wait for their turn before they are scored.

Most nodes of a search are never expanded, and where their scores cost as much as all else, scoring every one halves the
speed (Richter & Helmert 2009, "Preferred operators and deferred evaluation in satisficing planning", ICAPS). Until it
is scored a node waits with its parent's value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsearch.search.graph import SearchGraph


class Deferred:
    """Nodes whose score was put off, each with its siblings.

    Args:
        together: how many of the same siblings are scored at a time, at least 1.
    """

    __slots__ = ("_family", "_together")

    def __init__(self, together: int) -> None:
        self._together = together
        self._family: dict[int, dict[int, None]] = {}

    def __contains__(self, node: int) -> bool:
        return node in self._family

    def add(self, family: range) -> None:
        """Puts off the score of new siblings."""
        waiting = dict.fromkeys(family)
        for node in family:
            self._family[node] = waiting

    def take(self, node: int, graph: SearchGraph) -> list[int]:
        """The node, and those of its siblings that are to be scored with it: the best ones by priority."""
        waiting = self._family[node]
        del waiting[node]
        best = sorted(waiting, key=graph.priority.__getitem__, reverse=True)[: self._together - 1]
        for sibling in best:
            del waiting[sibling]
        taken = [node, *best]
        for one in taken:
            del self._family[one]
        return taken
