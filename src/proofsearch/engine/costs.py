"""The cheapest way to prove each state, kept up to date as a search grows: what an and-or search is led by.

A state is proved by one of the *ways* that lead on from it: a way costs something itself, and leads to states that all
have to be proved. So a state's cost is the least, over its ways, of the way's own cost and the sum of its states'
costs; that of a state without ways is an estimate. Ways may lead back: a cost is that of a proof without a cycle,
infinite where there is none.

This is the grammar problem of Knuth ("A generalization of Dijkstra's algorithm", 1977), and the costs are brought up to
date by the algorithm DynamicSWSF-FP of Ramalingam & Reps ("An incremental algorithm for a generalization of the
shortest-path problem", 1996): only what a change concerns is visited, in the order of costs, so a state never goes up
step by step by way of itself.

A state has dozens of ways, hundreds of ways lead to a common one, and a turn of the search changes a few costs. So

* the ways of a state stand in a heap, by what they have cost at some time and never by more than they cost now: the
  cheapest is found by looking at the first few anew;
* a state knows at which cost of its own the ways that lead to it were looked at: where it falls, only those are
  concerned that were looked at above that, and where it rises, only the states that rest on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush, heapreplace
from math import inf

Way = tuple[float, tuple[int, ...]]
"""What a step costs, at least 0, and the states that it leads to; ways round in a circle must cost something."""

SOLVED: Way = (0.0, ())


class Costs:
    """The costs of states, by number.

    Attributes:
        cost: of each state, at least 0; up to date after :meth:`settle`.
    """

    __slots__ = ("_chosen", "_due", "_heaps", "_queue", "_resting", "_watching", "_ways", "cost")

    def __init__(self) -> None:
        self.cost: list[float] = []
        self._due: list[float] = []  # what the cost should be, by the costs of others as they are
        self._chosen: list[int] = []  # the place of the way by which it should be that; -1: none
        self._ways: dict[int, Sequence[Way]] = {}
        self._heaps: dict[int, list[tuple[float, int]]] = {}  # of opened states; no way that costs infinitely much
        # The ways that lead to a state, as the state that each belongs to and its place there: in a heap by minus the
        # state's cost when it was looked at, and those that were chosen since the state rose last.
        self._watching: list[list[tuple[float, int, int]] | None] = []
        self._resting: dict[int, set[tuple[int, int]]] = {}
        self._queue: list[tuple[float, int]] = []

    def add(self, estimates: Sequence[float]) -> None:
        """The next states, without ways: their costs, at least 0."""
        count = len(estimates)
        self.cost += estimates
        self._due += estimates
        self._chosen += [-1] * count
        self._watching += [None] * count

    def estimate(self, state: int, estimate: float) -> None:
        """Gives a state that was neither opened nor solved another cost, at least 0."""
        self._require(state, estimate, -1)

    def open(self, state: int, ways: Sequence[Way]) -> None:
        """Gives a state its ways, in place of its estimate. Once for each state, before it is solved."""
        self._ways[state] = ways
        costs = [(self._evaluate(state, place), place) for place in range(len(ways))]
        self._heaps[state] = heap = [entry for entry in costs if entry[0] < inf]
        heapify(heap)
        self._look(state)

    def solve(self, state: int) -> None:
        """Says that a state is proved: it costs nothing from now on."""
        self._ways[state] = (SOLVED,)
        self._heaps.pop(state, None)
        self._require(state, 0.0, 0)

    def settle(self) -> None:
        """Brings all costs up to date."""
        cost, due, chosen, queue, heaps = self.cost, self._due, self._chosen, self._queue, self._heaps
        while queue:
            key, state = heappop(queue)
            now, wanted = cost[state], due[state]
            if now == wanted or key != min(now, wanted):
                continue
            if wanted < now:
                cost[state] = wanted
                watching = self._watching[state]
                if watching and -watching[0][0] > wanted:
                    self._offer(wanted, watching)
            else:
                # It rises by an amount not known yet: whoever rests on it has to look for another way first.
                cost[state] = inf
                for above, place in self._resting.pop(state, ()):
                    if chosen[above] == place and above in heaps:
                        self._look(above)
                self._require(state, due[state], chosen[state])

    def best(self, state: int) -> Way:
        """The cheapest way of a state with a finite cost that was opened, once costs are up to date."""
        return self._ways[state][self._chosen[state]]

    def _offer(self, cost: float, watching: list[tuple[float, int, int]]) -> None:
        """Looks at the ways to a state that were looked at when it cost more than it does now."""
        due, heaps = self._due, self._heaps
        concerned = []
        while watching and -watching[0][0] > cost:
            concerned.append(heappop(watching)[1:])
        if len(concerned) > 1:  # of equal ways of one state the first is offered first
            concerned = sorted(set(concerned))
        for state, place in concerned:
            if state not in heaps:
                continue
            own = self._evaluate(state, place)
            if own < inf:
                heappush(heaps[state], (own, place))
                if own < due[state]:
                    self._require(state, own, place)

    def _evaluate(self, state: int, place: int) -> float:
        """What a way costs now. It is looked at again when that falls."""
        cost, all_watching = self.cost, self._watching
        own, targets = self._ways[state][place]
        for target in targets:
            now = cost[target]
            own += now
            watching = all_watching[target]
            if watching is None:
                all_watching[target] = [(-now, state, place)]
            else:
                heappush(watching, (-now, state, place))
        return own

    def _look(self, state: int) -> None:
        """Finds a state's cheapest way by the costs of others as they are; of equal ones the first."""
        cost, ways, heap = self.cost, self._ways[state], self._heaps[state]
        if len(heap) > 2 * len(ways) + 8:  # ways that fell stand there repeatedly
            least: dict[int, float] = {}
            for known, place in heap:
                least[place] = min(known, least.get(place, inf))
            heap[:] = [(known, place) for place, known in least.items()]
            heapify(heap)
        while heap:
            known, place = heap[0]
            own, targets = ways[place]
            for target in targets:
                own += cost[target]
            if own <= known:
                self._require(state, own, place)
                return
            self._evaluate(state, place)
            if own < inf:
                heapreplace(heap, (own, place))
            else:
                heappop(heap)  # when it falls it comes back
        self._require(state, inf, -1)

    def _require(self, state: int, due: float, chosen: int) -> None:
        if chosen >= 0:
            for target in self._ways[state][chosen][1]:
                if target in self._resting:
                    self._resting[target].add((state, chosen))
                else:
                    self._resting[target] = {(state, chosen)}
        self._due[state], self._chosen[state] = due, chosen
        cost = self.cost[state]
        if due != cost:
            heappush(self._queue, (due if due < cost else cost, state))
