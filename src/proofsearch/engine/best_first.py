"""Best-first search: of all states that wait, the one with the highest priority is expanded next."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, ClassVar

from proofsearch.engine.frontier import Frontier
from proofsearch.engine.ordering import Order
from proofsearch.engine.valuation import Valuation
from proofsearch.graph import NAN
from proofsearch.protocols import Choice, StrategyTraits

if TYPE_CHECKING:
    from proofsearch.protocols import Expansion, SearchHandle


class BestFirst:
    """``best-first``: whole states, by priority, ties by insertion."""

    traits: ClassVar = StrategyTraits(batches=True, defers=True, replays=True)

    def begin(self, search: SearchHandle) -> _Exploration:
        """A frontier with the root alone."""
        return _Exploration(search)


class _Exploration:
    """The frontier of one search."""

    def __init__(self, search: SearchHandle) -> None:
        self._search = search
        self._graph = graph = search.graph
        config = search.config
        self._max_depth = inf if config.max_depth is None else config.max_depth
        self._valuation = Valuation(search)
        self._order = Order(
            search.priority,
            graph,
            search.calibration,
            scored=search.scored,
            goal_weight=config.priority.goal_weight,
            estimates=self._valuation.estimates,
        )
        columns = [graph.priority, array("d", (NAN,))][: self._order.num_queues]
        self._frontier = Frontier(columns, self._order.share)
        self._frontier.move(0, *[0.0] * len(columns))
        self._front = -1  # the node that was taken off the frontier to see whether there is one

    def exhausted(self) -> bool:
        """Whether nothing waits."""
        if self._front < 0:
            self._front = self._frontier.pop()
        return self._front < 0

    def next(self, room: int) -> Sequence[Choice]:
        """The best nodes; those whose scores were put off are scored first."""
        node, self._front = self._front, -1
        choices = [Choice(self._scored_best(node))]
        while len(choices) < room and (node := self._frontier.pop()) >= 0:
            choices.append(Choice(self._scored_best(node)))
        return choices

    def proof(self, node: int, tactic: str) -> tuple[str, ...]:
        """The node's best path and the tactic."""
        return (*self._graph.path(node), tactic)

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        """Scores new children, of each family the likeliest only if scores are put off, and lets them wait."""
        if self._search.ended:
            return
        families: list[range] = []
        improved: list[int] = []
        for expansion in expansions:
            improved += expansion.improved
            if expansion.children:
                families.append(expansion.children)
        rescaled = self._rescaled(self._valuation.new(families))
        if improved:
            improved = list(dict.fromkeys(improved))
            known = [node for node in improved if node < expansions[0].children.start]
            rescaled |= bool(known and self._valuation.again(known)) and self._given_up()
        self._enqueue(families, improved, rescaled)

    def _scored_best(self, node: int) -> int:
        """The node just taken off the frontier; if its score was put off, it is scored and the best one then taken."""
        while self._valuation.waits(node):
            nodes = self._valuation.wanted(node)
            rescaled = self._rescaled(nodes)
            if rescaled or len(nodes) > 1:
                self._enqueue([], nodes, rescaled)
            else:
                priorities = [column[0] for column in self._order(nodes)]
                if self._frontier.leads(node, *priorities):
                    break
                self._frontier.move(node, *priorities)
            node = self._frontier.pop()
        return node

    def _rescaled(self, nodes: Sequence[int]) -> bool:
        """Whether all waiting nodes need new priorities, now that these, met for the first time, were scored."""
        return bool(nodes) and (self._given_up() or self._order.observe(nodes))

    def _given_up(self) -> bool:
        """Whether the scorer that was just asked is no longer trusted; then values have no part in the order."""
        if not self._search.scored:
            self._order.forget_values()
        return not self._search.scored

    def _enqueue(self, families: list[range], moved: Sequence[int], rescaled: bool) -> None:
        """Inserts new children, moves waiting nodes that got a better path, and re-orders all if the scale changed."""
        graph, frontier, order = self._graph, self._frontier, self._order
        for family in families:
            if self._max_depth == inf or max(graph.depth[family.start : family.stop]) < self._max_depth:
                frontier.push(*order(family))
                continue
            frontier.skip(*order(family))
            # Siblings may differ in depth: one of them got a better path by another node of the same batch.
            moved = [*moved, *(node for node in family if graph.depth[node] < self._max_depth)]
        for node in moved:
            if graph.expanded_at[node] >= 0:
                continue
            if graph.depth[node] < self._max_depth:
                frontier.move(node, *[column[0] for column in order((node,))])
            else:
                frontier.remove(node)
        if rescaled:
            frontier.rebuild(order)
