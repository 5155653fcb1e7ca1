"""Other ways to where a finished path was refused.

That a path was refused says that something on it is wrong, and not which step. So the step that completed it isn't
given up with it: other paths to the same state are tried too, whether they were known before or are found later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from math import inf

from proofsearch.graph import SearchGraph

MAX_WAYS = 16
"""Further paths that are tried for one refused step. There may be very many, often refused for the same reason."""

MAX_PATHS = 64
"""Further paths that are tried in one search: a check may take seconds, which no limit counts."""

MAX_LOOKED_AT = 4000
"""Beginnings of ways that are looked at for one refused step at a time."""

Ways = Callable[[int], Iterator[tuple[str, ...]]]
"""For a refused edge, the paths that it completes, the most promising first."""


class Refusals:
    """The refused steps of one search, and the paths that were tried.

    Args:
        graph: of the search.
        ways: finds the paths that a refused edge completes.
    """

    def __init__(self, graph: SearchGraph, ways: Ways) -> None:
        self._graph = graph
        self._ways = ways
        self._left: dict[int, int] = {}  # by refused edge, how many further paths may be tried for it
        self._paths_left = MAX_PATHS
        self._tried: set[tuple[str, ...]] = set()
        self._into: dict[int, list[int]] = {}
        self._read = 0  # how many edges are in ``_into``
        self._above: set[int] = set()  # from where some refused step can be reached
        self._solved = 0

    def note(self, path: tuple[str, ...]) -> None:
        """Takes notice of a path that was refused."""
        self._tried.add(path)

    def into(self, node: int) -> Sequence[int]:
        """The edges that lead to a node, as far as they were read."""
        return self._into.get(node, ())

    def untried(self, added: Sequence[int]) -> Iterator[tuple[int, tuple[str, ...]]]:
        """After an expansion: refused edges with paths that they complete and that were not tried yet.

        Args:
            added: the edges refused in it. All are looked at if there may be something new about some.
        """
        if not self._paths_left:
            return
        graph = self._graph
        solved, self._solved = self._solved, len(graph.solved_by)
        fresh = self._read_edges() or solved < self._solved
        self._left.update(dict.fromkeys(added, MAX_WAYS))
        self._mark_ancestors([graph.edge_source[edge] for edge in added])
        if not fresh and not added:
            return
        for edge in list(self._left):
            for path in self._ways(edge):
                if path in self._tried:
                    continue
                if not self._paths_left or not self._left[edge]:
                    break
                self._paths_left -= 1
                self._left[edge] -= 1
                yield edge, path
            if not self._left[edge]:
                del self._left[edge]

    def _read_edges(self) -> bool:
        """Reads the edges that are new; whether some of them lead to where a refused step can be reached from."""
        graph, above, into = self._graph, self._above, self._into
        source = graph.edge_source
        reached = []
        for edge in range(self._read, graph.num_edges):
            for target in graph.targets(edge):
                into.setdefault(target, []).append(edge)
                if target in above:
                    reached.append(source[edge])
        self._read = graph.num_edges
        self._mark_ancestors(reached)
        return bool(reached)

    def _mark_ancestors(self, nodes: list[int]) -> None:
        """Adds nodes, and all from which they can be reached, to those from which a refused step can be."""
        above, source = self._above, self._graph.edge_source
        pending = [node for node in nodes if node not in above]
        above.update(pending)
        while pending:
            for edge in self.into(pending.pop()):
                if source[edge] not in above:
                    above.add(source[edge])
                    pending.append(source[edge])


def paths_by(
    graph: SearchGraph, edge: int, into: Callable[[int], Sequence[int]], max_depth: float = inf
) -> Iterator[tuple[str, ...]]:
    """The paths without a cycle that an edge completes, by log-probability.

    They are grown backwards from the edge; the best path to where one begins so far says what it can come to, so that
    the first to reach the root is the best (A*).

    Args:
        graph: of the search.
        edge: the last one of all these paths.
        into: gives the edges that lead to a node.
        max_depth: nodes this deep are not expanded, so longer paths are left out.
    """
    logprob, source, edge_logprob = graph.logprob, graph.edge_source, graph.edge_logprob
    start = source[edge]
    # What waits: what it may come to, a number for ties, where it begins, its log-probability, the edges and the nodes.
    queue: list[tuple[float, int, int, float, tuple[int, ...], frozenset[int]]] = []
    heappush(queue, (-logprob[start], 0, start, 0.0, (edge,), frozenset((start,))))
    count = 1
    while queue and count < MAX_LOOKED_AT:
        _, _, node, so_far, edges, nodes = heappop(queue)
        if node == 0:
            if len(edges) <= max_depth:
                yield tuple([graph.edge_tactic[further] for further in edges])
            continue
        for further in into(node):
            above = source[further]
            if above not in nodes:
                known = so_far + edge_logprob[further]
                heappush(queue, (-logprob[above] - known, count, above, known, (further, *edges), nodes | {above}))
                count += 1
