"""The cheapest way to prove each state, kept up to date as a search grows: what an and-or search is led by.

A state is proved by one of the *ways* that lead on from it: a way costs something itself, and leads to states that all
have to be proved. So a state's cost is the least, over its ways, of the way's own cost and the sum of its states' costs;
that of a state without ways is an estimate. Ways may lead back: a cost is that of a proof without a cycle, infinite
where there is none.

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
"""What a step costs itself, above 0, and the states that it leads to."""


class Costs:
    """The costs of states, by number.

    Attributes:
        cost: of each state, at least 0; up to date after :meth:`settle`.
    """

    __slots__ = ("_above", "_due", "_queue", "_ways", "cost")

    def __init__(self) -> None:
        self.cost: list[float] = []
        self._due: list[float] = []  # what the cost should be, by the costs of others as they are
        self._ways: list[Sequence[Way] | None] = []
        self._above: list[dict[int, None]] = []
        self._queue: list[tuple[float, int]] = []

    def add(self, estimate: float) -> None:
        """The next state, without ways: its cost, at least 0."""
        self.cost.append(estimate)
        self._due.append(estimate)
        self._ways.append(None)
        self._above.append({})

    def estimate(self, state: int, estimate: float) -> None:
        """Gives a state without ways another cost, at least 0; nothing if it has ways."""
        if self._ways[state] is None:
            self._require(state, estimate)

    def open(self, state: int, ways: Sequence[Way]) -> None:
        """Gives a state its ways, in place of its estimate or of the ways that it had."""
        self._ways[state] = ways
        for _, targets in ways:
            for target in targets:
                self._above[target][state] = None
        self._require(state, self._least(state))

    def solve(self, state: int) -> None:
        """Says that a state is proved: it costs nothing from now on."""
        self.open(state, ((0.0, ()),))

    def settle(self) -> None:
        """Brings all costs up to date."""
        cost, due, queue, above = self.cost, self._due, self._queue, self._above
        while queue:
            key, state = heappop(queue)
            if cost[state] == due[state] or key != min(cost[state], due[state]):
                continue
            if due[state] < cost[state]:
                cost[state] = due[state]
            else:
                # It rises by an amount not known yet: whoever rests on it has to look for another way first.
                cost[state] = inf
                self._require(state, self._least(state) if self._ways[state] is not None else due[state])
            for parent in above[state]:
                self._require(parent, self._least(parent))

    def best(self, state: int) -> Way:
        """The cheapest way of a state that has one, the first of equally cheap ones."""
        ways = self._ways[state]
        assert ways, f"state {state} has no ways"
        cost = self.cost
        return min(ways, key=lambda way: way[0] + sum([cost[target] for target in way[1]]))

    def is_open(self, state: int) -> bool:
        """Whether the state was given ways, be it none."""
        return self._ways[state] is not None

    def _least(self, state: int) -> float:
        cost = self.cost
        least = inf
        for own, targets in self._ways[state] or ():
            for target in targets:
                own += cost[target]
            if own < least:
                least = own
        return least

    def _require(self, state: int, due: float) -> None:
        self._due[state] = due
        cost = self.cost[state]
        if due != cost:
            heappush(self._queue, (due if due < cost else cost, state))
