"""The cheapest way to prove each state, kept up to date as a search grows: what an and-or search is led by.

A state is proved by one of the *ways* that lead on from it: a way costs something itself, and leads to states that all
have to be proved. So a state's cost is the least, over its ways, of the way's own cost and the sum of its states'
costs; that of a state without ways is an estimate. Ways may lead back: a cost is that of a proof without a cycle,
infinite where there is none.

This is the grammar problem of Knuth ("A generalization of Dijkstra's algorithm", 1977), and the costs are brought up to
date by the algorithm DynamicSWSF-FP of Ramalingam & Reps ("An incremental algorithm for a generalization of the
shortest-path problem", 1996): only what a change concerns is visited, in the order of costs, so a state never goes up
step by step by way of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf

Way = tuple[float, tuple[int, ...]]
"""What a step costs, at least 0, and the states that it leads to; ways round in a circle must cost something."""

LEAF: Way = (inf, ())
SOLVED: Way = (0.0, ())


class Costs:
    """The costs of states, by number.

    Attributes:
        cost: of each state, at least 0; up to date after :meth:`settle`.
    """

    __slots__ = ("_above", "_chosen", "_due", "_queue", "_ways", "cost")

    def __init__(self) -> None:
        self.cost: list[float] = []
        self._due: list[float] = []  # what the cost should be, by the costs of others as they are
        self._chosen: list[Way] = []  # the way by which it should be that
        self._ways: list[Sequence[Way]] = []
        self._above: list[list[tuple[int, Way]]] = []  # the ways that lead to a state, and where from
        self._queue: list[tuple[float, int]] = []

    def add(self, estimates: Sequence[float]) -> None:
        """The next states, without ways: their costs, at least 0."""
        count = len(estimates)
        self.cost += estimates
        self._due += estimates
        self._chosen += [LEAF] * count
        self._ways += [()] * count
        self._above += [[] for _ in range(count)]

    def estimate(self, state: int, estimate: float) -> None:
        """Gives a state that was neither opened nor solved another cost, at least 0."""
        self._require(state, estimate, LEAF)

    def open(self, state: int, ways: Sequence[Way]) -> None:
        """Gives a state its ways, in place of its estimate. Once for each state, before it is solved."""
        self._ways[state] = ways
        for way in ways:
            for target in way[1]:
                self._above[target].append((state, way))
        self._look(state)

    def solve(self, state: int) -> None:
        """Says that a state is proved: it costs nothing from now on."""
        self._ways[state] = (SOLVED,)
        self._require(state, 0.0, SOLVED)

    def settle(self) -> None:
        """Brings all costs up to date."""
        cost, due, chosen, queue = self.cost, self._due, self._chosen, self._queue
        while queue:
            key, state = heappop(queue)
            now, wanted = cost[state], due[state]
            if now == wanted or key != min(now, wanted):
                continue
            if wanted < now:
                cost[state] = wanted
                for parent, way in self._above[state]:
                    own, targets = way
                    for target in targets:
                        own += cost[target]
                    if own < due[parent]:
                        self._require(parent, own, way)
            else:
                # It rises by an amount not known yet: whoever rests on it has to look for another way first.
                cost[state] = inf
                for parent, way in self._above[state]:
                    if chosen[parent] is way:
                        self._look(parent)
                self._require(state, due[state], chosen[state])

    def best(self, state: int) -> Way:
        """The cheapest way of a state with a finite cost that was opened, once costs are up to date."""
        return self._chosen[state]

    def _look(self, state: int) -> None:
        """Finds a state's cheapest way by the costs of others as they are."""
        cost = self.cost
        least, chosen = inf, LEAF
        for way in self._ways[state]:
            own, targets = way
            for target in targets:
                own += cost[target]
            if own < least:
                least, chosen = own, way
        self._require(state, least, chosen)

    def _require(self, state: int, due: float, chosen: Way) -> None:
        self._due[state], self._chosen[state] = due, chosen
        cost = self.cost[state]
        if due != cost:
            heappush(self._queue, (due if due < cost else cost, state))
