"""And-or search: states are taken apart into parts that can be proved one by one.

The nodes are parts. A step from a part leads to the parts of the state that it makes, all of which have to be proved.
What is expanded next is found from the root: the cheapest way on, of its parts the most expensive one, and so on down
to a part that was not expanded (AO*: Martelli & Montanari 1973, "Additive AND/OR graphs", IJCAI). A part that was
proved stays proved wherever it is met again, and one that fails fails everywhere, whatever stands beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING

from proofsearch.protocols import Decomposes
from proofsearch.search.costs import Costs
from proofsearch.types import Advanced, Finished, ProofState

if TYPE_CHECKING:
    from proofsearch.protocols import Session
    from proofsearch.search.estimates import Estimates
    from proofsearch.search.graph import SearchGraph

MAX_PATH = 10_000
"""Steps that a proof put together from parts may have: parts that are met often make it longer than the search was."""


MAX_LOOKED_AT = 100
"""Ways that are looked for around one refused step at a time."""


class PartsDontFitError(Exception):
    """The proofs of the parts make no proof of the whole; the message says where."""


class AndOr:
    """What is known of the parts of one search: which are proved, and which of them is next.

    Args:
        session: of the search.
        graph: of the search; holds the root alone.
        estimates: what unproved parts and steps cost.
        max_depth: nodes this deep are not expanded.
    """

    def __init__(self, session: Session, graph: SearchGraph, estimates: Estimates, max_depth: float = inf) -> None:
        self._session = session
        self._decomposes = session if isinstance(session, Decomposes) else None
        self._graph = graph
        self._estimates = estimates
        self._max_depth = max_depth
        self._costs = Costs()
        self._costs.add(0.0)
        self._into: list[list[int]] = [[]]
        self._unsolved: dict[int, int] = {}  # by edge, how many of its targets
        self._shown: dict[int, int] = {}
        self._leftover: list[tuple[float, int]] = []
        self._seen = 0

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        """The parts of a state, at least one; the first has the state's first goal."""
        return (state,) if self._decomposes is None else self._decomposes.parts(state)

    def pop(self) -> int:
        """The node to expand next; -1 if no way to a proof is left."""
        graph, costs = self._graph, self._costs
        cost, solved = costs.cost, graph.solved_by
        if cost[0] == inf:
            return -1
        node = 0
        while graph.expanded_at[node] >= 0:
            _, targets = costs.best(node)
            waiting = [target for target in targets if target not in solved]
            node = max(waiting, key=cost.__getitem__) if len(waiting) > 1 else waiting[0]
        return node

    def pop_any(self) -> int:
        """The likeliest node that was not expanded, for a search that has seen a refusal; -1 if there is none.

        A refused step proves nothing, so by their costs all ways to it are dead. But it may complete another path, and
        what leads there can be anything that was not looked at yet.
        """
        graph, queue = self._graph, self._leftover
        for node in range(self._seen, graph.num_nodes):
            heappush(queue, (-graph.logprob[node], node))
        self._seen = graph.num_nodes
        while queue:
            _, node = heappop(queue)
            if graph.expanded_at[node] < 0 and graph.depth[node] < self._max_depth:
                return node
        return -1

    # -- what is proved ------------------------------------------------------------------------------------------

    def closes(self, parts: Sequence[ProofState]) -> bool:
        """Whether all of these are proved, so that a step to them proves where it starts."""
        graph = self._graph
        return all(graph.node_of(part.key) in graph.solved_by for part in parts)

    def whole(self, node: int, tactic: str) -> tuple[str, ...] | None:
        """The path that proves the theorem once this tactic is known to prove ``node``; ``None`` if more is missing.

        Raises:
            PartsDontFitError: the parts are proved, and the session doesn't take the path that they make.
        """
        proved = self._follow(node)
        return self._path(node, tactic, proved) if 0 in proved else None

    def wholes(self, edge: int) -> Iterator[tuple[str, ...]]:
        """The paths that prove the theorem once the tactic of a refused edge is known to prove where it starts.

        Each leaves out some step of an earlier one from the root down to there: the way up from a part is the first one
        found that holds none of these.
        """
        node, tactic = self._graph.edge_source[edge], self._graph.edge_tactic[edge]
        if node in self._graph.solved_by:
            return
        waiting = deque([frozenset[int]()])
        met = set(waiting)
        looked_at = 0
        while waiting and looked_at < MAX_LOOKED_AT:
            looked_at += 1
            without = waiting.popleft()
            proved = self._follow(node, without)
            if 0 not in proved:
                continue
            with suppress(PartsDontFitError):
                path = self._path(node, tactic, proved)
                self._shown = proved
                yield path
            for step in proved.values():
                fewer = without | {step}
                if step >= 0 and fewer not in met:
                    met.add(fewer)
                    waiting.append(fewer)

    def believe(self, edge: int) -> None:
        """Takes the path that :meth:`wholes` gave last as a proof: its parts are proved by it."""
        proved = self._shown
        proved[self._graph.edge_source[edge]] = edge
        self._note(proved)

    def _follow(self, node: int, without: Collection[int] = ()) -> dict[int, int]:
        """What is proved with ``node`` and was not before, each with the edge that shows it (-1 for ``node``).

        Args:
            node: taken as proved.
            without: edges that don't count.
        """
        known, source = self._graph.solved_by, self._graph.edge_source
        proved = {node: -1}
        queue = [node]
        left: dict[int, int] = {}
        for one in queue:
            for edge in self._into[one]:
                if edge in without:
                    continue
                left[edge] = left.get(edge, self._unsolved[edge]) - 1
                above = source[edge]
                if not left[edge] and above not in known and above not in proved:
                    proved[above] = edge
                    queue.append(above)
        return proved

    def _path(self, node: int, tactic: str, proved: dict[int, int]) -> tuple[str, ...]:
        """Puts the proofs of the parts in a row, by stepping: only the session knows which part is first."""
        graph = self._graph
        path: list[str] = []
        state, at = graph.state[0], 0
        while len(path) < MAX_PATH:
            edge = proved[at] if at in proved else graph.solved_by[at]
            path.append(tactic if at == node else graph.edge_tactic[edge])
            outcome = self._session.step(state, path[-1])
            if type(outcome) is Finished:
                return tuple(path)
            if type(outcome) is not Advanced:
                raise PartsDontFitError(f"step {len(path)}, {path[-1]!r}, does not apply to the whole state")
            state = outcome.state
            found = graph.node_of(self.parts(state)[0].key)
            if found is None or (found not in proved and found not in graph.solved_by):
                raise PartsDontFitError(f"step {len(path)}, {path[-1]!r}, leads the whole state to an unproved part")
            at = found
        raise PartsDontFitError(f"it has more than {MAX_PATH} steps")

    # -- growth --------------------------------------------------------------------------------------------------

    def expanded(self, node: int, solved_by: int, changed: Sequence[int]) -> None:
        """Takes notice of an expansion that stands in the graph, its new nodes scored and with priorities.

        Args:
            node: what was expanded.
            solved_by: the edge that proves it; -1 if none does.
            changed: the nodes whose best path was replaced.
        """
        graph, costs, step = self._graph, self._costs, self._estimates.step
        for estimate in self._leaves(range(len(costs.cost), graph.num_nodes)):
            costs.add(estimate)
            self._into.append([])
        ways = []
        for edge in graph.edge_range(node):
            targets = graph.targets(edge)
            if targets:
                ways.append((step(graph.edge_logprob[edge]), targets))
                self._unsolved[edge] = sum(target not in graph.solved_by for target in targets)
                for target in targets:
                    self._into[target].append(edge)
        costs.open(node, ways)
        waiting = [other for other in dict.fromkeys(changed) if graph.expanded_at[other] < 0]
        for other, estimate in zip(waiting, self._leaves(waiting), strict=True):
            costs.estimate(other, estimate)
        if solved_by >= 0:
            self._solve(node, solved_by)
        costs.settle()

    def _solve(self, node: int, solved_by: int) -> None:
        proved = self._follow(node)
        proved[node] = solved_by
        self._note(proved)

    def _note(self, proved: dict[int, int]) -> None:
        for one, edge in proved.items():
            self._graph.solved_by[one] = edge
            self._costs.solve(one)
            for above in self._into[one]:
                self._unsolved[above] -= 1

    def _leaves(self, nodes: Sequence[int]) -> list[float]:
        depth, most = self._graph.depth, self._max_depth
        estimates = self._estimates(nodes)
        if most < inf:
            return [inf if depth[node] >= most else cost for node, cost in zip(nodes, estimates, strict=True)]
        return estimates

    def reestimate(self) -> None:
        """Computes all costs anew, after the estimates changed their scale."""
        graph, step = self._graph, self._estimates.step
        self._costs = costs = Costs()
        for estimate in self._leaves(range(graph.num_nodes)):
            costs.add(estimate)
        for node in graph.expanded:
            edges = graph.edge_range(node)
            costs.open(node, [(step(graph.edge_logprob[e]), graph.targets(e)) for e in edges if graph.targets(e)])
        for node in graph.solved_by:
            costs.solve(node)
        costs.settle()
