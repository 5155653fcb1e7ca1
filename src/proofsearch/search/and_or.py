"""And-or search: states are taken apart into parts that can be proved one by one.

The nodes are parts. A step from a part leads to the parts of the state that it makes, all of which have to be proved.
What is expanded next is found from the root: the cheapest way on, of its parts the most expensive one, and so on down
to a part that was not expanded (AO*: Martelli & Montanari 1973, "Additive AND/OR graphs", IJCAI). A part that was
proved stays proved wherever it is met again, and one that fails fails everywhere, whatever stands beside it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, ClassVar

from proofsearch.protocols import Choice, Decomposes, NoProofError, StrategyTraits
from proofsearch.search.costs import Costs
from proofsearch.search.estimates import Estimates
from proofsearch.search.graph import NAN
from proofsearch.types import Advanced, Finished, ProofState

if TYPE_CHECKING:
    from proofsearch.protocols import Expansion, SearchHandle

MAX_PATH = 10_000
"""Steps that a proof put together from parts may have: parts that are met often make it longer than the search was."""

MISFIT = "the proofs of the parts make no proof of the whole"


class AndOr:
    """``and-or``: parts of states, each proved once, by the cost of the proof that needs them."""

    traits: ClassVar = StrategyTraits(adds_up=True, scores_beginnings=True)

    def begin(self, search: SearchHandle) -> _Exploration:
        """The parts of one search: the root alone."""
        return _Exploration(search)


class _Exploration:
    """What is known of the parts of one search: which are proved, and which of them is next."""

    def __init__(self, search: SearchHandle) -> None:
        self._search = search
        self._session = search.session
        self._decomposes = search.session if isinstance(search.session, Decomposes) else None
        self._graph = graph = search.graph
        config = search.config
        self._estimates = Estimates(
            search.priority,
            graph,
            search.calibration,
            scored=search.scored,
            goal_weight=config.priority.goal_weight,
        )
        self._max_depth = inf if config.max_depth is None else config.max_depth
        graph.priority[0] = 0.0
        self._costs = Costs()
        self._costs.add(0.0)
        self._into: list[list[int]] = [[]]
        self._unsolved: dict[int, int] = {}  # by edge, how many of its targets

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        """The parts of a state, at least one; the first has the state's first goal."""
        return (state,) if self._decomposes is None else self._decomposes.parts(state)

    def exhausted(self) -> bool:
        """Whether no way to a proof is left."""
        return self._costs.cost[0] == inf

    def next(self, room: int) -> Sequence[Choice]:
        """A part that was not expanded and that the cheapest proof needs."""
        graph, costs = self._graph, self._costs
        cost, solved = costs.cost, graph.solved_by
        node = 0
        while graph.expanded_at[node] >= 0:
            _, targets = costs.best(node)
            waiting = [target for target in targets if target not in solved]
            node = max(waiting, key=cost.__getitem__) if len(waiting) > 1 else waiting[0]
        return (Choice(node),)

    # -- what is proved ------------------------------------------------------------------------------------------

    def closes(self, parts: Sequence[ProofState]) -> bool:
        """Whether all of these are proved, so that a step to them proves where it starts."""
        graph = self._graph
        return all(graph.node_of(part.key) in graph.solved_by for part in parts)

    def proof(self, node: int, tactic: str) -> tuple[str, ...] | None:
        """The path that proves the theorem once this tactic is known to prove ``node``; ``None`` if more is missing.

        Raises:
            NoProofError: the parts are proved, and the session doesn't take the path that they make.
        """
        proved = self._follow(node)
        return self._path(node, tactic, proved) if 0 in proved else None

    def _follow(self, node: int) -> dict[int, int]:
        """What is proved with ``node`` and was not before, each with the edge that shows it (-1 for ``node``)."""
        known, source = self._graph.solved_by, self._graph.edge_source
        proved = {node: -1}
        queue = [node]
        left: dict[int, int] = {}
        for one in queue:
            for edge in self._into[one]:
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
                raise NoProofError(f"{MISFIT}: step {len(path)}, {path[-1]!r}, does not apply to the whole state")
            state = outcome.state
            found = graph.node_of(self.parts(state)[0].key)
            if found is None or (found not in proved and found not in graph.solved_by):
                raise NoProofError(
                    f"{MISFIT}: step {len(path)}, {path[-1]!r}, leads the whole state to an unproved part"
                )
            at = found
        raise NoProofError(f"{MISFIT}: it has more than {MAX_PATH} steps")

    # -- growth --------------------------------------------------------------------------------------------------

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        """Scores new parts, brings the costs up to date and notes which parts are proved."""
        graph, estimates, search = self._graph, self._estimates, self._search
        (expansion,) = expansions
        new = expansion.children
        anew = False
        if not search.ended and new and search.scored:
            search.score(new)
            anew = not search.scored
            if anew:
                estimates.forget_values()
        graph.priority.extend(array("d", (NAN,)) * len(new) if search.ended else [-cost for cost in estimates(new)])
        self._grow(expansion)
        if anew:
            self._reestimate()

    def _grow(self, expansion: Expansion) -> None:
        graph, costs, step, node = self._graph, self._costs, self._estimates.step, expansion.node
        for estimate in self._leaves(range(len(costs.cost), graph.num_nodes)):
            costs.add(estimate)
            self._into.append([])
        ways = []
        for edge in expansion.edges:
            targets = graph.targets(edge)
            if targets:
                ways.append((step(graph.edge_logprob[edge]), targets))
                self._unsolved[edge] = sum(target not in graph.solved_by for target in targets)
                for target in targets:
                    self._into[target].append(edge)
        costs.open(node, ways)
        waiting = [other for other in dict.fromkeys(expansion.improved) if graph.expanded_at[other] < 0]
        for other, estimate in zip(waiting, self._leaves(waiting), strict=True):
            costs.estimate(other, estimate)
        if expansion.proved_by >= 0:
            self._solve(node, expansion.proved_by)
        costs.settle()

    def _solve(self, node: int, solved_by: int) -> None:
        proved = self._follow(node)
        proved[node] = solved_by
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

    def _reestimate(self) -> None:
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
