"""PUCT: tree search by the policy's probabilities, backed-up values and visit counts.

After AlphaProof (Hubert et al. 2025, "Olympiad-level formal mathematical reasoning with reinforcement learning",
Nature) and AlphaZero (Silver et al. 2018): each turn goes down from the root by the edge with the highest

    Q + exploration · P · √N(node) / (1 + N(edge)),

with P the policy's probability of the edge among its siblings, at a temperature, and N how often a turn went that way.
What it comes to is expanded, and what that is worth is backed up. Nodes are parts of states as in the and-or search:
an edge is worth the product of the values of its parts, and the part that is worth least is gone down to.

A node may be expanded again as its visits grow, for further candidates of the policy (progressive sampling).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, ClassVar

from proofsearch.engine.proven import Proven
from proofsearch.engine.standardisation import mean_and_std
from proofsearch.protocols import Choice, StrategyTraits

if TYPE_CHECKING:
    from proofsearch.protocols import Expansion, SearchHandle

UNKNOWN = 0.5
"""What a goal is worth of which nothing is known."""

MIN_SAMPLE = 8
"""Scored nodes from which on a value without a calibration says something."""

MAX_BLOCKED = 32
"""Turns that may end where all ways lead back before something else is expanded."""


class Puct:
    """``puct``: by visit counts, the policy's probabilities, and backed-up values.

    Args:
        exploration: weight of the policy against values, at least 0.
        temperature: of the policy's probabilities, above 0: above 1 they are more even.
        discount: what a step takes off the worth of what it leads to, in (0, 1].
        widening: how many times a node is expanded, at most: ``widening · visits ** widening_exponent``, at least once.
        widening_exponent: in [0, 1].
    """

    traits: ClassVar = StrategyTraits(uses_priority=False, scores_beginnings=True, revisits=True)

    def __init__(
        self,
        exploration: float = 4.0,
        temperature: float = 1.0,
        discount: float = 0.99,
        widening: float = 0.25,
        widening_exponent: float = 0.5,
    ) -> None:
        self.exploration = exploration
        self.temperature = temperature
        self.discount = discount
        self.widening = widening
        self.widening_exponent = widening_exponent

    def begin(self, search: SearchHandle) -> PuctExploration:
        """A tree with the root alone."""
        return PuctExploration(search, self)


class PuctExploration:
    """The visits and values of one search.

    Attributes:
        visits: by node, how many turns went through it.
        total: by node, the sum of what these were worth.
        edge_visits: by edge, how many turns went along it.
    """

    def __init__(self, search: SearchHandle, puct: Puct) -> None:
        self._search = search
        self._graph = graph = search.graph
        self._puct = puct
        self._candidates = search.config.candidates
        self._max_depth = inf if search.config.max_depth is None else search.config.max_depth
        self._proven = proven = Proven(search.session, graph)
        self.parts, self.closes, self.proof, self.ways = proven.parts, proven.closes, proven.proof, proven.ways
        graph.priority[0] = 0.0
        self.visits = array("i", (0,))
        self.total = array("d", (0.0,))
        self.edge_visits = array("i")
        self._worth = array("d", (UNKNOWN,))  # by node, before anything was backed up to it
        self._live: dict[int, dict[int, float]] = {}  # by expanded node, its edges that may lead on, and their weights
        self._rounds: dict[int, int] = {}  # by expanded node, how often it was expanded
        self._wider: set[int] = set()  # expanded nodes whose policy may know further candidates
        self._dead: set[int] = set()
        self._turn: list[tuple[int, int, int]] = []  # of the present turn: node, edge, target
        self._waiting: list[tuple[float, int]] = [(0.0, 0)]
        self._sample: list[float] = []

    # -- choosing --------------------------------------------------------------------------------------------------

    def exhausted(self) -> bool:
        """Whether nothing is left that could lead on."""
        if 0 in self._dead and not self._search.refused:
            return True
        return not self._wider and self._unexpanded() < 0

    def next(self, room: int) -> Sequence[Choice]:
        """What the next turn comes to."""
        for _ in range(MAX_BLOCKED):
            node = self._descend()
            if node >= 0:
                break
            self._back_up(0.0)
        else:
            self._turn = []
            node = self._unexpanded()
            if node < 0:
                node = min(self._wider, key=lambda wider: (self._rounds[wider], wider))
        rounds = self._rounds.get(node, 0)
        return (Choice(node, (rounds + 1) * self._candidates if rounds else None),)

    def _descend(self) -> int:
        """Goes down from the root; returns the node that it comes to, -1 where all ways lead back."""
        graph, solved = self._graph, self._graph.solved_by
        self._turn = turn = []
        node = 0
        if node in self._dead:
            return -1
        passed = {node}
        while graph.expanded_at[node] >= 0:
            if node in self._wider and self._rounds[node] < self._allowed(self.visits[node]):
                return node
            edge, target = -1, -1
            best = -inf
            weights = self._live[node]
            share = self._puct.exploration * math.sqrt(self.visits[node]) / (math.fsum(weights.values()) or 1.0)
            for child_edge, weight in weights.items():
                utility = self.worth_of_edge(child_edge) + share * weight / (1 + self.edge_visits[child_edge])
                if utility > best:
                    open_parts = [part for part in graph.targets(child_edge) if part not in solved]
                    part = min(open_parts, key=self.worth)
                    if part not in passed:
                        edge, target, best = child_edge, part, utility
            if edge < 0:
                return node if node in self._wider else -1
            turn.append((node, edge, target))
            passed.add(target)
            node = target
        return node

    def _allowed(self, visits: int) -> int:
        """How often a node may be expanded that was visited so often."""
        return max(1, int(self._puct.widening * visits**self._puct.widening_exponent))

    def _unexpanded(self) -> int:
        """The likeliest node that was not expanded; -1 if there is none."""
        graph, queue = self._graph, self._waiting
        while queue:
            node = queue[0][1]
            if graph.expanded_at[node] < 0 and graph.depth[node] < self._max_depth and node not in graph.solved_by:
                return node
            heappop(queue)
        return -1

    # -- values ----------------------------------------------------------------------------------------------------

    def worth(self, node: int) -> float:
        """What a node is worth, in [0, 1]: 1 where it is proved, 0 where it is dead, else the mean of its turns."""
        if node in self._graph.solved_by:
            return 1.0
        if node in self._dead:
            return 0.0
        visits = self.visits[node]
        return self.total[node] / visits if visits else self._worth[node]

    def worth_of_edge(self, edge: int) -> float:
        """What a step is worth: the product of the worths of its parts, less the discount."""
        return self._puct.discount * math.prod(map(self.worth, self._graph.targets(edge)))

    def _back_up(self, worth: float) -> None:
        """Adds what a turn came to to everything that it went through."""
        discount = self._puct.discount
        for node, edge, target in reversed(self._turn):
            others = [part for part in self._graph.targets(edge) if part != target]
            worth *= discount * math.prod(map(self.worth, others))
            self.edge_visits[edge] += 1
            self.visits[node] += 1
            self.total[node] += worth

    # -- growth ----------------------------------------------------------------------------------------------------

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        """Scores new nodes, notes what is proved and what is dead, and backs up what the turn came to."""
        (expansion,) = expansions
        graph, node = self._graph, expansion.node
        self._add(expansion.children)
        self.edge_visits.extend(array("i", bytes(4 * len(expansion.edges))))
        self._wider.difference_update(self._proven.expanded(expansion))
        before = self._rounds.get(node, 0)
        self._rounds[node] = before + 1
        live = self._live.setdefault(node, {})
        for edge in expansion.edges:
            targets = graph.targets(edge)
            if targets and node not in targets and self._dead.isdisjoint(targets):
                live[edge] = math.exp(graph.edge_logprob[edge] / self._puct.temperature)
        if expansion.edges and node not in graph.solved_by:
            self._wider.add(node)
        else:
            self._wider.discard(node)
        worth = self._worth[node] if live else 0.0
        if before:
            worth = max(
                (self.worth_of_edge(edge) for edge in expansion.edges if edge in live), default=self.worth(node)
            )
        if node in graph.solved_by:
            worth = 1.0
        self._mark_dead([node])
        self.visits[node] += 1
        self.total[node] += worth
        self._back_up(worth)

    def accept(self, edge: int) -> None:
        """Takes the path that :meth:`ways` gave last as a proof."""
        self._proven.accept(edge)

    def _add(self, nodes: range) -> None:
        """Takes up new nodes."""
        graph, search = self._graph, self._search
        if search.scored and nodes and not search.ended:
            search.score(nodes)
            self._sample += [value for value in graph.value[nodes.start : nodes.stop] if value == value]
        for node in nodes:
            heappush(self._waiting, (-graph.logprob[node], node))
            self._worth.append(self._initial_worth(node))
            if graph.depth[node] >= self._max_depth:
                self._dead.add(node)
        self.visits.extend(array("i", bytes(4 * len(nodes))))
        self.total.extend(array("d", bytes(8 * len(nodes))))
        graph.priority.extend(self._worth[nodes.start : nodes.stop])

    def _initial_worth(self, node: int) -> float:
        """What a new node is worth by its value, in (0, 1): a logistic function of it, standardised.

        Without a calibration it is standardised by the search's values so far. Where nothing can be said, each goal is
        worth :data:`UNKNOWN`; where the value alone is missing, what the state came from is about as provable.
        """
        graph, calibration = self._graph, self._search.calibration
        value = graph.value[node]
        if not self._search.scored:
            return float(UNKNOWN ** graph.state[node].num_goals)
        if value != value:
            return self._worth[graph.edge_source[graph.best_edge[node]]]
        if calibration is not None:
            mean, std = calibration.value_mean, calibration.value_std
        else:
            mean, std = mean_and_std(self._sample) if len(self._sample) >= MIN_SAMPLE else (0.0, 0.0)
        if std <= 0:
            return float(UNKNOWN ** graph.state[node].num_goals)
        return 1 / (1 + math.exp(min(max((mean - value) / std, -50.0), 50.0)))

    def _mark_dead(self, nodes: list[int]) -> None:
        """Declares nodes dead that nothing can lead on from, and whatever rests on them alone."""
        graph, dead = self._graph, self._dead
        for node in nodes:
            if node in dead or node in graph.solved_by or node in self._wider or self._live.get(node):
                continue
            if graph.expanded_at[node] < 0:
                continue
            dead.add(node)
            for edge in self._proven.into(node):
                source = graph.edge_source[edge]
                if self._live.get(source, {}).pop(edge, None) is not None:
                    nodes.append(source)
