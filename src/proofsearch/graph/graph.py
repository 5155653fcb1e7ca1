"""The search graph: states as nodes, steps as edges, kept as columns.

A node or an edge is an integer; what is known of it stands at that index in one array for each attribute. A search
makes hundreds of thousands of nodes, so none of them is a Python object of ours: nothing for the cyclic garbage
collector to visit, and under 200 bytes a node beside the state itself.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice

from proofsearch.graph.outcomes import WITH_MESSAGE, Refused, kind_of
from proofsearch.types import Outcome, OutcomeKind, ProofState

NAN = math.nan


class SearchGraph:
    """Nodes (distinct states) and edges (steps tried) of one search. Read-only for everyone but the search.

    Node columns, each of length ``num_nodes``; node 0 is the root. The *best path* of a node is the path from the
    root with the highest cumulative log-probability among those found so far; of equal ones, the first found.

    Attributes:
        state: the :class:`~proofsearch.types.ProofState`.
        depth: steps on the best path.
        logprob: sum of the log-probabilities on the best path; natural logarithm, at most 0.
        num_tokens: sum of the token counts on the best path.
        value: what the scorer said, higher is better; ``nan`` where it said nothing (:meth:`has_value`).
        priority: the frontier's order when the node was last put there (``split``: that of the log-probability
            queue); 0 for the root; ``nan`` for the last nodes of a search that ended before they were put there.
        best_edge: the last edge of the best path; -1 for the root.
        expanded_at: the place of the node's first expansion in the order of expansions, from 0; -1 if there is none.
        seconds: when the node was created, in seconds from the search's start without verification. The children
            of one expansion share one reading of the clock.

        edge_source, edge_target: the nodes that an edge joins; the target is -1 unless the outcome is ``ADVANCED``.
        edge_also: the further nodes of an edge that leads to several states, all of which are to be proved; sparse,
            and empty unless the search took states apart (:meth:`targets`).
        edge_tactic: the step, as text.
        edge_logprob: log-probability of the tactic.
        edge_num_tokens: tokens of the tactic.
        edge_outcome: an :class:`~proofsearch.types.OutcomeKind` as a byte.
        edge_message: the message of an edge that has one; sparse.
        edge_seconds: how long a step took, where steps were slow enough to be timed; sparse.
        expanded: the expanded nodes in the order of expansion, shape ``(expansions,)``.
        expanded_again: for each node that was expanded more than once the places of its later expansions; sparse.
        solved_by: for each node that is known to be provable the edge that shows it, all of whose targets are provable
            without the node; empty unless the search took states apart.
    """

    __slots__ = (
        "_created",
        "_edge_source",
        "_first_edge",
        "_first_node",
        "_node_of",
        "_parents",
        "_seconds",
        "_sourced",
        "_timed",
        "_value",
        "best_edge",
        "depth",
        "edge_also",
        "edge_logprob",
        "edge_message",
        "edge_num_tokens",
        "edge_outcome",
        "edge_seconds",
        "edge_tactic",
        "edge_target",
        "expanded",
        "expanded_again",
        "expanded_at",
        "logprob",
        "num_tokens",
        "priority",
        "solved_by",
        "state",
    )

    def __init__(self, root: ProofState | None = None, seconds: float = 0.0) -> None:
        self.state: list[ProofState] = []
        self.depth = array("i")
        self.logprob = array("d")
        self.num_tokens = array("i")
        self._value = array("d")
        self.priority = array("d")
        self.best_edge = array("i")
        self.expanded_at = array("i")
        self._seconds = array("d")
        self._edge_source = array("i")
        self.edge_tactic: list[str] = []
        self.edge_logprob = array("d")
        self.edge_num_tokens = array("i")
        self.edge_outcome = bytearray()
        self.edge_target = array("i")
        self.edge_also: dict[int, tuple[int, ...]] = {}
        self.edge_message: dict[int, str] = {}
        self.edge_seconds: dict[int, float] = {}
        self.solved_by: dict[int, int] = {}
        self.expanded = array("i")
        self.expanded_again: dict[int, list[int]] = {}
        self._first_edge = array("i")
        self._first_node = array("i")
        self._created = array("d")
        self._timed = 0  # of how many expansions the seconds are filled in
        self._sourced = 0  # and of how many the edges' sources
        self._node_of: dict[Hashable, int] = {}
        self._parents: tuple[int, dict[int, tuple[int, ...]]] = (0, {})
        if root is not None:
            self._node_of[root.key] = 0
            self.state.append(root)
            self.depth.append(0)
            self.logprob.append(0.0)
            self.num_tokens.append(0)
            self.priority.append(NAN)
            self.best_edge.append(-1)
            self.expanded_at.append(-1)
            self._seconds.append(seconds)

    def __repr__(self) -> str:
        return f"<SearchGraph: {self.num_nodes} nodes, {self.num_edges} edges, {len(self.expanded)} expansions>"

    @property
    def num_nodes(self) -> int:
        """How many distinct states were reached, the root included."""
        return len(self.state)

    @property
    def num_edges(self) -> int:
        """How many steps were tried."""
        return len(self.edge_tactic)

    # The next three columns hold little that the expansions don't say already, so the search's loop does not write
    # them: each is brought up to date when it is asked for.

    @property
    def value(self) -> array[float]:
        """What the scorer said of each node; ``nan`` where it said nothing."""
        self._value.extend(array("d", (NAN,)) * (len(self.state) - len(self._value)))
        return self._value

    @property
    def seconds(self) -> array[float]:
        """When each node was created."""
        column, first_node = self._seconds, self._first_node
        for at in range(self._timed, len(first_node)):
            last = first_node[at + 1] if at + 1 < len(first_node) else len(self.state)
            column.extend(array("d", (self._created[at],)) * (last - len(column)))
        self._timed = len(first_node)
        return column

    @property
    def edge_source(self) -> array[int]:
        """The node that each edge starts from."""
        column, first_edge = self._edge_source, self._first_edge
        for at in range(self._sourced, len(first_edge)):
            last = first_edge[at + 1] if at + 1 < len(first_edge) else len(self.edge_tactic)
            column.extend(array("i", (self.expanded[at],)) * (last - len(column)))
        self._sourced = len(first_edge)
        return column

    def node_of(self, key: Hashable) -> int | None:
        """The node whose state has this key, or ``None``."""
        return self._node_of.get(key)

    def has_value(self, node: int) -> bool:
        """Whether the scorer gave the node a value. Missing is not zero."""
        value = self.value[node]
        return value == value

    def edge_range(self, node: int) -> Sequence[int]:
        """The edges of the node's expansions, in the order in which they were tried; empty if not expanded.

        A ``range`` unless the node was expanded again.
        """
        at = self.expanded_at[node]
        if at < 0:
            return range(0)
        if node in self.expanded_again:
            return [edge for at in (at, *self.expanded_again[node]) for edge in self._edges_of_expansion(at)]
        return self._edges_of_expansion(at)

    def _edges_of_expansion(self, at: int) -> range:
        last = self._first_edge[at + 1] if at + 1 < len(self._first_edge) else self.num_edges
        return range(self._first_edge[at], last)

    def untried(
        self, node: int, tactics: list[str], logprobs: list[float], num_tokens: list[int]
    ) -> tuple[list[str], list[float], list[int]]:
        """Candidates without those that were tried at the node before."""
        if self.expanded_at[node] < 0:
            return tactics, logprobs, num_tokens
        known = {self.edge_tactic[edge] for edge in self.edge_range(node)}
        left = [index for index, tactic in enumerate(tactics) if tactic not in known]
        return [tactics[at] for at in left], [logprobs[at] for at in left], [num_tokens[at] for at in left]

    def targets(self, edge: int) -> tuple[int, ...]:
        """The distinct nodes that an edge leads to, all of which are to be proved; none unless it advanced."""
        target = self.edge_target[edge]
        if target < 0:
            return ()
        also = self.edge_also.get(edge)
        return (target,) if also is None else (target, *also)

    def parents(self, node: int) -> tuple[int, ...]:
        """The distinct nodes with an edge to ``node``, in the order in which the edges were found.

        The first call after the graph grew reads every edge.
        """
        num_edges, index = self._parents
        if num_edges != self.num_edges:
            sources: dict[int, dict[int, None]] = {}
            for source, target in zip(self.edge_source, self.edge_target, strict=True):
                if target >= 0:
                    sources.setdefault(target, {})[source] = None
            if self.edge_also:
                sources = {}
                for edge, source in enumerate(self.edge_source):
                    for target in self.targets(edge):
                        sources.setdefault(target, {})[source] = None
            index = {target: tuple(of) for target, of in sources.items()}
            self._parents = (self.num_edges, index)
        return index.get(node, ())

    def path(self, node: int) -> tuple[str, ...]:
        """The tactics of the node's best path, from the root; empty for the root."""
        tactics = []
        while (edge := self.best_edge[node]) >= 0:
            tactics.append(self.edge_tactic[edge])
            node = self.edge_source[edge]
        return tuple(reversed(tactics))

    def expand(
        self,
        node: int,
        tactics: list[str],
        logprobs: list[float],
        num_tokens: list[int],
        states: list[ProofState],
        failures: Mapping[int, Outcome | Refused],
        seconds: float,
        sizes: Sequence[int] | None = None,
    ) -> Sequence[int]:
        """Adds one expansion: an edge for each step tried, a node for each state not met before.

        New nodes get the next numbers, in the order of their edges, and neither value nor priority: the caller
        appends priorities. Where a step leads to a known state by a better path, that state's best path is replaced,
        and so are those of all its descendants whose best path gets better by it.

        Args:
            node: the node expanded.
            tactics: the candidates; only the first of them were tried, as many as there are outcomes.
            logprobs: their log-probabilities, finite and at most 0.
            num_tokens: their token counts.
            states: what the steps that advanced led to, in order.
            failures: the outcomes of the other steps, by their place among the candidates, ascending.
            seconds: the time of creation of the new nodes.
            sizes: how many of the states each step that advanced led to, at least 1; by default one each.

        Returns:
            The nodes whose best path was replaced, in order, possibly with repetitions; new ones may be among them.

        Raises:
            PluginError: an outcome is not one of the types of :data:`~proofsearch.types.Outcome`.
        """
        count = len(states if sizes is None else sizes) + len(failures)
        if count < len(tactics):
            tactics, logprobs, num_tokens = tactics[:count], logprobs[:count], num_tokens[:count]
        first_edge, first_node = len(self.edge_tactic), len(self.state)
        targets = self._reach(states)
        apart: list[tuple[int, ...]] = []
        if sizes is not None:
            flat = iter(targets)
            apart = [tuple(dict.fromkeys(islice(flat, size))) for size in sizes]
            targets = [of[0] for of in apart]
        self.edge_outcome += bytes(count)  # zero is ADVANCED
        if failures:
            self._note_failures(failures, first_edge)
            reached = iter(targets)
            targets = [-1 if index in failures else next(reached) for index in range(count)]
        # What an edge leads to beside its target, and all such pairs of edge and node in the order of the states.
        pairs: list[tuple[int, int]] = []
        if any(len(of) > 1 for of in apart):
            advanced = [edge for edge, target in enumerate(targets, first_edge) if target >= 0]
            self.edge_also.update((edge, of[1:]) for edge, of in zip(advanced, apart, strict=True) if len(of) > 1)
            pairs = [(edge, target) for edge, of in zip(advanced, apart, strict=True) for target in of]

        if self.expanded_at[node] < 0:
            self.expanded_at[node] = len(self.expanded)
        else:
            self.expanded_again.setdefault(node, []).append(len(self.expanded))
        self.expanded.append(node)
        self._first_edge.append(first_edge)
        self._first_node.append(first_node)
        self._created.append(seconds)
        self.edge_tactic += tactics
        self.edge_logprob.fromlist(logprobs)
        self.edge_num_tokens.fromlist(num_tokens)
        self.edge_target.fromlist(targets)
        num_made = len(self.state) - first_node
        if num_made:
            self._fill_in(node, first_node, first_edge, targets, pairs, logprobs, num_tokens)
        return () if num_made == len(states) else self._merge(node, pairs or enumerate(targets, first_edge))

    def _fill_in(
        self,
        node: int,
        first_node: int,
        first_edge: int,
        targets: list[int],
        pairs: list[tuple[int, int]],
        logprobs: list[float],
        num_tokens: list[int],
    ) -> None:
        """Writes the columns of the new nodes from ``first_node`` on, which an expansion of ``node`` reached."""
        count, num_made = len(targets), len(self.state) - first_node
        base, base_tokens = self.logprob[node], self.num_tokens[node]
        edges: Sequence[int] = range(first_edge, first_edge + count)
        if num_made < count or pairs:
            # New nodes are numbered in the order of the first edges that reach them.
            ways = reversed(pairs) if pairs else zip(reversed(edges), reversed(targets), strict=True)
            first_edges = {target: edge for edge, target in ways}
            edges = [first_edges[made] for made in range(first_node, first_node + num_made)]
            logprobs = [logprobs[edge - first_edge] for edge in edges]
            num_tokens = [num_tokens[edge - first_edge] for edge in edges]
        self.logprob.fromlist([base + logprob for logprob in logprobs])
        self.num_tokens.fromlist([base_tokens + tokens for tokens in num_tokens])
        self.best_edge.fromlist(list(edges))
        self.depth.extend(array("i", (self.depth[node] + 1,)) * num_made)
        self.expanded_at.extend(array("i", (-1,)) * num_made)

    def _reach(self, states: list[ProofState]) -> list[int]:
        """The nodes of these states; those not met before get the next numbers."""
        number, count, node_of = len(self.state), len(states), self._node_of
        keys = [state.key for state in states]
        # Numbers are given out as if every state were new, which is the common case and then needs no second look.
        targets = list(map(node_of.setdefault, keys, range(number, number + count)))
        if len(node_of) == number + count:
            self.state += states
            return targets
        for index, target in enumerate(targets):
            if target == number + index:
                targets[index] = node_of[keys[index]] = len(self.state)
                self.state.append(states[index])
            elif target >= number:  # met before in this expansion, at ``target - number``, and numbered since
                targets[index] = targets[target - number]
        return targets

    def _note_failures(self, failures: Mapping[int, Outcome | Refused], first_edge: int) -> None:
        """Writes down what became of the steps that did not advance."""
        for index, outcome in failures.items():
            self.edge_outcome[first_edge + index] = kind_of(outcome)
            if isinstance(outcome, WITH_MESSAGE) and outcome.message:
                self.edge_message[first_edge + index] = outcome.message

    def _merge(self, node: int, pairs: Iterable[tuple[int, int]]) -> Sequence[int]:
        """Offers edges of ``node`` to the known states that they lead to; ``pairs`` are of an edge and a target."""
        changed: list[int] = []
        base = self.logprob[node]
        for edge, target in pairs:
            if target < 0 or self.best_edge[target] == edge:
                continue
            if base + self.edge_logprob[edge] > self.logprob[target]:
                changed += self._improve(edge, target)
        return changed

    def _improve(self, edge: int, node: int) -> list[int]:
        """Makes ``edge`` the best edge of ``node``, one of its targets, and carries the gain on through expanded nodes.

        Dijkstra's order: log-probabilities are at most 0, so a node taken from the queue can't get better later in the
        same call, and a cycle never improves itself. Where rounding hides the gain (a sum that stays equal), depth and
        token count still follow the best path.
        """
        changed: list[int] = []
        also = self.edge_also
        queue = [(-(self.logprob[self.edge_source[edge]] + self.edge_logprob[edge]), edge, node)]
        while queue:
            negated, edge, node = heappop(queue)
            source, logprob = self.edge_source[edge], -negated
            depth, num_tokens = self.depth[source] + 1, self.num_tokens[source] + self.edge_num_tokens[edge]
            if logprob <= self.logprob[node]:
                same = self.best_edge[node] == edge and logprob == self.logprob[node]
                if not same or (depth, num_tokens) == (self.depth[node], self.num_tokens[node]):
                    continue
            self.logprob[node], self.depth[node], self.num_tokens[node] = logprob, depth, num_tokens
            self.best_edge[node] = edge
            changed.append(node)
            for onward in self.edge_range(node):
                child = self.edge_target[onward]
                if child >= 0:
                    offer = logprob + self.edge_logprob[onward]
                    for reached in self.targets(onward) if onward in also else (child,):
                        if offer > self.logprob[reached] or self.best_edge[reached] == onward:
                            heappush(queue, (-offer, onward, reached))
        return changed

    def accept(self, edge: int, states: Sequence[ProofState] = ()) -> None:
        """Takes a refused edge for one that proves where it starts, since a path through it was accepted after all.

        Args:
            edge: its outcome is ``REFUSED``.
            states: what the step led to, all met before; none where it finished.
        """
        self.edge_message.pop(edge, None)
        self.edge_outcome[edge] = OutcomeKind.ADVANCED if states else OutcomeKind.FINISHED
        if states:
            targets = tuple(dict.fromkeys([self._node_of[state.key] for state in states]))
            self.edge_target[edge] = targets[0]
            if len(targets) > 1:
                self.edge_also[edge] = targets[1:]
            self._parents = (-1, {})
            self._merge(self.edge_source[edge], [(edge, target) for target in targets])
