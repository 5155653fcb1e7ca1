"""And-or search: states are taken apart into parts that can be proved one by one.

The nodes are parts. A step from a part leads to the parts of the state that it makes, all of which have to be proved.
What is expanded next is found from the root: the cheapest way on, of its parts the most expensive one, and so on down
to a part that was not expanded (AO*: Martelli & Montanari 1973, "Additive AND/OR graphs", IJCAI). A part that was
proved stays proved wherever it is met again, and one that fails fails everywhere, whatever stands beside it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, ClassVar

from proofsearch.engine.costs import Costs, Way
from proofsearch.engine.estimates import Estimates
from proofsearch.engine.proven import Proven
from proofsearch.engine.valuation import Valuation
from proofsearch.graph import NAN
from proofsearch.protocols import Choice, StrategyTraits

if TYPE_CHECKING:
    from proofsearch.protocols import Expansion, SearchHandle


class AndOr:
    """``and-or``: parts of states, each proved once, by the cost of the proof that needs them."""

    traits: ClassVar = StrategyTraits(adds_up=True, defers=True, scores_beginnings=True)

    def begin(self, search: SearchHandle) -> _Exploration:
        """The parts of one search: the root alone."""
        return _Exploration(search)


class _Exploration:
    """Which part is next in one search."""

    def __init__(self, search: SearchHandle) -> None:
        self._search = search
        self._graph = graph = search.graph
        config = search.config
        self._valuation = Valuation(search)
        self._estimates = Estimates(
            search.priority,
            graph,
            search.calibration,
            scored=search.scored,
            goal_weight=config.priority.goal_weight,
            expected=self._valuation.estimates,
        )
        self._max_depth = inf if config.max_depth is None else config.max_depth
        self.proven = proven = Proven(search.session, graph)
        self.parts, self.closes, self.proof, self.ways = proven.parts, proven.closes, proven.proof, proven.ways
        graph.priority[0] = 0.0
        self._costs = Costs()
        self._costs.add([0.0])
        self._leftover: list[tuple[float, int]] = []
        self._seen = 0

    def exhausted(self) -> bool:
        """Whether no way to a proof is left."""
        return self._costs.cost[0] == inf and not (self._search.refused and self._left_over())

    def next(self, room: int) -> Sequence[Choice]:
        """A part that was not expanded and that the cheapest proof needs.

        A refused step proves nothing, so by their costs all ways to it are dead. But it may complete another path, and
        what leads there can be anything that was not looked at yet: then the likeliest of that is next.

        A part whose score was put off is scored when it is next, and what is next then looked for again.
        """
        dead = self._costs.cost[0] == inf
        node = heappop(self._leftover)[1] if dead else self._needed()
        while self._valuation.waits(node):
            self._value(node)
            if not dead:
                node = self._needed()
        return (Choice(node),)

    def _needed(self) -> int:
        """The part that the walk down the cheapest proof ends at."""
        graph, costs = self._graph, self._costs
        cost, solved = costs.cost, graph.solved_by
        node = 0
        while graph.expanded_at[node] >= 0:
            _, targets = costs.best(node)
            waiting = [target for target in targets if target not in solved]
            node = max(waiting, key=cost.__getitem__) if len(waiting) > 1 else waiting[0]
        return node

    def _value(self, node: int) -> None:
        """Has a part scored whose score was put off, and brings the costs up to date."""
        priority = self._graph.priority
        nodes = self._valuation.wanted(node)
        if not self._search.scored:
            self._estimates.forget_values()
            self._reestimate()
            return
        for scored, estimate in zip(nodes, self._leaves(nodes), strict=True):
            self._costs.estimate(scored, estimate)
            priority[scored] = -estimate
        self._costs.settle()

    def _left_over(self) -> bool:
        """Whether any node was not expanded; the likeliest is then the first of ``_leftover``."""
        graph, queue = self._graph, self._leftover
        for node in range(self._seen, graph.num_nodes):
            heappush(queue, (-graph.logprob[node], node))
        self._seen = graph.num_nodes
        while queue and (graph.expanded_at[queue[0][1]] >= 0 or graph.depth[queue[0][1]] >= self._max_depth):
            heappop(queue)
        return bool(queue)

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        """Scores new parts, brings the costs up to date and notes which parts are proved."""
        graph, estimates, search = self._graph, self._estimates, self._search
        (expansion,) = expansions
        new = expansion.children
        given_up = bool(not search.ended and new and self._valuation.new((new,))) and not search.scored
        if given_up:
            estimates.forget_values()
        costs = estimates(new)
        graph.priority.extend(array("d", (NAN,)) * len(new) if search.ended else [-cost for cost in costs])
        self._costs.add(self._within_depth(new, costs))
        self._grow(expansion)
        if given_up:
            self._reestimate()

    def accept(self, edge: int) -> None:
        """Takes the path that :meth:`ways` gave last as a proof."""
        for node in self.proven.accept(edge):
            self._costs.solve(node)
        self._costs.settle()

    def _grow(self, expansion: Expansion) -> None:
        graph, costs = self._graph, self._costs
        costs.open(expansion.node, self._ways(expansion.edges))
        waiting = [other for other in dict.fromkeys(expansion.improved) if graph.expanded_at[other] < 0]
        for other, estimate in zip(waiting, self._leaves(waiting), strict=True):
            costs.estimate(other, estimate)
        for proved in self.proven.expanded(expansion):
            costs.solve(proved)
        costs.settle()

    def _ways(self, edges: Sequence[int]) -> list[Way]:
        """The steps of a node that lead on."""
        graph, step = self._graph, self._estimates.step
        ways = zip(map(graph.edge_logprob.__getitem__, edges), map(graph.targets, edges), strict=True)
        return [(step(logprob), targets) for logprob, targets in ways if targets]

    def _leaves(self, nodes: Sequence[int]) -> list[float]:
        return self._within_depth(nodes, self._estimates(nodes))

    def _within_depth(self, nodes: Sequence[int], costs: list[float]) -> list[float]:
        """What parts cost that were not expanded; infinitely much where they are too deep to be."""
        depth, most = self._graph.depth, self._max_depth
        if most < inf:
            return [inf if depth[node] >= most else cost for node, cost in zip(nodes, costs, strict=True)]
        return costs

    def _reestimate(self) -> None:
        """Computes all costs anew, after the estimates changed their scale."""
        graph = self._graph
        self._costs = costs = Costs()
        costs.add(self._leaves(range(graph.num_nodes)))
        for node in graph.expanded:
            costs.open(node, self._ways(graph.edge_range(node)))
        for node in graph.solved_by:
            costs.solve(node)
        costs.settle()
