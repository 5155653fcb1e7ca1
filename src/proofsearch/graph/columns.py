"""The columns of a search graph, and what can be read off them.

A node or an edge is an integer; what is known of it stands at that index in one array for each attribute. A search
makes hundreds of thousands of nodes, so none of them is a Python object of ours: nothing for the cyclic garbage
collector to visit, and under 200 bytes a node beside the state itself.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Sequence

from proofsearch.types import ProofState

NAN = math.nan


class GraphColumns:
    """What a search graph holds; a :class:`~proofsearch.graph.SearchGraph` is one.

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
        edge_script: for each edge that comes from a script the place of the expansion that the script was proposed at;
            sparse.
        expanded: the expanded nodes in the order of expansion, shape ``(expansions,)``; a node at which a step of a
            script was replayed stands there too, once for each of these steps.
        replayed: the places in ``expanded`` that are replayed steps: what was tried there is no expansion.
        expanded_again: for each node that was expanded more than once, or at which steps were replayed, the places of
            its later expansions and of these steps; sparse.
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
        "edge_script",
        "edge_seconds",
        "edge_tactic",
        "edge_target",
        "expanded",
        "expanded_again",
        "expanded_at",
        "logprob",
        "num_tokens",
        "priority",
        "replayed",
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
        self.edge_script: dict[int, int] = {}
        self.solved_by: dict[int, int] = {}
        self.expanded = array("i")
        self.expanded_again: dict[int, list[int]] = {}
        self.replayed: set[int] = set()
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
        return f"<SearchGraph: {self.num_nodes} nodes, {self.num_edges} edges, {self.num_expansions} expansions>"

    @property
    def num_expansions(self) -> int:
        """How many expansions there were; replayed steps are none."""
        return len(self.expanded) - len(self.replayed)

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
        column = self._value
        if len(column) < len(self.state):
            column.extend(array("d", (NAN,)) * (len(self.state) - len(column)))
        return column

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
        if self._sourced == len(first_edge):
            return column
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
        """The edges from a node, in the order in which they were tried; empty if nothing was.

        A ``range`` unless the node was stepped at several times.
        """
        at = self.expanded_at[node]
        if node in self.expanded_again:
            places = self.stepped_at(node)
            if len(places) > 1:
                return [edge for at in places for edge in self._edges_of_expansion(at)]
            (at,) = places
        return range(0) if at < 0 else self._edges_of_expansion(at)

    def stepped_at(self, node: int) -> list[int]:
        """The places in ``expanded`` of a node's expansions and replayed steps, ascending."""
        at = self.expanded_at[node]
        again = self.expanded_again.get(node, [])
        return sorted((at, *again)) if at >= 0 else again

    def _edges_of_expansion(self, at: int) -> range:
        last = self._first_edge[at + 1] if at + 1 < len(self._first_edge) else self.num_edges
        return range(self._first_edge[at], last)

    def untried(
        self, node: int, tactics: list[str], logprobs: list[float], num_tokens: list[int]
    ) -> tuple[list[str], list[float], list[int]]:
        """Candidates without those that were tried at the node before."""
        if self.expanded_at[node] < 0 and node not in self.expanded_again:
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
            index = {target: tuple(nodes) for target, nodes in sources.items()}
            self._parents = (self.num_edges, index)
        return index.get(node, ())

    def path(self, node: int) -> tuple[str, ...]:
        """The tactics of the node's best path, from the root; empty for the root."""
        tactics = []
        while (edge := self.best_edge[node]) >= 0:
            tactics.append(self.edge_tactic[edge])
            node = self.edge_source[edge]
        return tuple(reversed(tactics))
