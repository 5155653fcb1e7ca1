"""One recorded search: its columns, its states, and the search graph that it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.trajectory import labels as labelling
from proofsearch.trajectory.edges import RecordedEdges
from proofsearch.trajectory.labels import Decision, Labels
from proofsearch.trajectory.schema import tree_from_text
from proofsearch.types import (
    Crashed,
    Finished,
    Goal,
    Limit,
    Outcome,
    OutcomeKind,
    Rejected,
    Theorem,
    TimedOut,
)

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph


class RecordedState:
    """A state read back from a trajectory: a :class:`~proofsearch.types.ProofState` that no session can step.

    Its key is that of the trajectory, a hash of its text. The trees of its goals are parsed on first use.
    :class:`proofsearch.trajectory.live.LiveStates` finds the state that it was.

    Attributes:
        origin: the search that it was read from, and its node there; ``None`` where it is of none.
    """

    __slots__ = ("_goals", "_raw_goals", "key", "num_goals", "origin", "text")

    def __init__(
        self,
        key: str,
        text: str,
        num_goals: int,
        goals: Sequence[dict[str, str | None]],
        origin: tuple[RecordedSearch, int] | None = None,
    ) -> None:
        self.key = key
        self.text = text
        self.num_goals = num_goals
        self.origin = origin
        self._raw_goals = goals
        self._goals: tuple[Goal, ...] | None = None

    @property
    def goals(self) -> Sequence[Goal]:
        """The open goals, with the trees that the environment gave."""
        if self._goals is None:
            self._goals = tuple(
                Goal(str(goal["text"]), None if (tree := goal["tree"]) is None else tree_from_text(tree))
                for goal in self._raw_goals
            )
        return self._goals

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedState) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"RecordedState({self.text!r})"


Content = TypeVar("Content")
Number = TypeVar("Number", bound=np.generic)


class _Read(Generic[Content]):
    """A column of a search's table, named as the attribute, as it is first asked for."""

    def __init__(self, read: Callable[[Any], Content]) -> None:
        self._read = read

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, search: RecordedSearch, owner: type) -> Content:
        content = search.__dict__[self._name] = self._read(search.table.column(self._name))
        return content


def _fact(kind: Callable[[Any], Content]) -> Callable[[Any], Content]:
    """Reads what stands in every row of a search."""
    return lambda column: kind(column[0].as_py())


def _column(kind: type[Number], missing: float | None = None) -> Callable[[Any], NDArray[Number]]:
    """Reads a number a node."""
    return lambda column: np.asarray((column if missing is None else column.fill_null(missing)).to_numpy())


def _texts(column: Any) -> list[str]:
    return [str(text) for text in column.to_pylist()]


class RecordedSearch:
    """A search as its trajectory has it. Columns are read on first use; -1 and ``nan`` stand for what is missing.

    Attributes:
        table: its rows, in the schema's current version.
    """

    def __init__(self, table: pa.Table) -> None:
        """Takes the rows of one search.

        Args:
            table: at least one row, all of one search, in the order of its nodes.
        """
        self.table = table

    def __repr__(self) -> str:
        return f"<RecordedSearch {self.search_id} of {self.theorem.name!r}: {self.num_nodes} nodes, {self.status}>"

    # ------------------------------------------------------------------------------------------------ the search

    search_id = _Read(_fact(str))
    """Unique among searches."""

    @cached_property
    def theorem(self) -> Theorem:
        """What it was about; source and length of the library's proof are not recorded."""
        return Theorem(
            self.table.column("theorem")[0].as_py(),
            self.table.column("statement")[0].as_py(),
            position=self.table.column("position")[0].as_py(),
            split=self.table.column("split")[0].as_py(),
        )

    run_id = _Read(_fact(str))
    """The id of the run that it belongs to; empty for a search of its own."""

    status = _Read(_fact(str))
    """Why the search ended, as ``SearchResult.status``."""

    limit_hit = _Read(_fact(str))
    """The limit that stopped it; ``""`` if none did."""

    proved = _Read(_fact(bool))
    """Whether an independent check accepted its proof."""

    @property
    def proof_edge(self) -> int:
        """The edge that finished the accepted proof; -1 unless :attr:`proved`."""
        edge = self.table.column("proof_edge")[0].as_py()
        return -1 if edge is None else int(edge)

    seed = _Read(_fact(int))
    """The seed of the search."""

    environment = _Read(_fact(str))
    """Name of the environment."""

    generator = _Read(_fact(str))
    """Name of the tactic generator."""

    scorer = _Read(_fact(str))
    """Name of the value scorer."""

    fingerprint = _Read(_fact(str))
    """Hash of what the environment depends on."""

    @property
    def limit(self) -> Limit:
        """The bounds of the search."""
        return Limit(**self.table.column("limits")[0].as_py())

    # ------------------------------------------------------------------------------------------------- the nodes

    @property
    def num_nodes(self) -> int:
        """How many distinct states were reached, the root included; at least 1."""
        return int(self.table.num_rows)

    text = _Read(_texts)
    """The states' texts, shape ``(num_nodes,)``."""

    key = _Read(_texts)
    """Hashes of the states' texts, shape ``(num_nodes,)``; equal across searches for equal texts."""

    num_goals = _Read(_column(np.int32))
    """Open goals of each node, shape ``(num_nodes,)``."""

    depth = _Read(_column(np.int32))
    """Steps from the root on the best path, shape ``(num_nodes,)``."""

    logprob = _Read(_column(np.float64))
    """Sum of the log-probabilities on the best path, shape ``(num_nodes,)``."""

    num_tokens = _Read(_column(np.int64))
    """Sum of the token counts on the best path, shape ``(num_nodes,)``."""

    value = _Read(_column(np.float64, np.nan))
    """The scorer's values, higher is better, shape ``(num_nodes,)``; ``nan`` where it gave none."""

    priority = _Read(_column(np.float64, np.nan))
    """The frontier's order, shape ``(num_nodes,)``; ``nan`` for a node that never was in it."""

    expanded = _Read(_column(np.bool_))
    """Whether each node was expanded, shape ``(num_nodes,)``."""

    expansion = _Read(_column(np.int32, -1))
    """Place of each node in the order of expansion, from 0, shape ``(num_nodes,)``; -1 if not expanded."""

    seconds = _Read(_column(np.float64))
    """When each node was met, in seconds since the start of the search, shape ``(num_nodes,)``."""

    best_edge = _Read(_column(np.int32, -1))
    """The last edge of each node's best path, shape ``(num_nodes,)``; -1 for the root."""

    on_proof = _Read(_column(np.bool_))
    """Whether each node lies on the proof that was found, shape ``(num_nodes,)``."""

    @cached_property
    def parents(self) -> list[list[int]]:
        """The nodes with an edge to each node, each once, shape ``(num_nodes, …)``."""
        return [list(row or ()) for row in self.table.column("parents").to_pylist()]

    @cached_property
    def labels(self) -> Labels:
        """The labels, by what the recorded ones demanded of negatives.

        Made anew from the edges: files of earlier versions call some states negative of which nothing is known.
        """
        return self.relabel(self.min_expansions)

    @cached_property
    def recorded_labels(self) -> Labels:
        """The labels as the file has them, for those who check it."""
        return Labels(
            _texts(self.table.column("label")),
            _column(np.int32, -1)(self.table.column("remaining")).tolist(),
        )

    min_expansions = _Read(_fact(int))
    """What the recorded labels demanded of negatives."""

    def relabel(self, min_expansions: int) -> Labels:
        """The labels with another demand on negatives; see :func:`proofsearch.trajectory.labels.label`."""
        if not self.proved:  # nothing is known then, and no edge need be looked at
            return labelling.unlabelled(self.num_nodes)
        return labelling.label(
            self.expanded.tolist(), self.edges.for_labels(), proved=self.proved, min_expansions=min_expansions
        )

    def decisions(self, labels: Labels | None = None) -> Iterator[Decision]:
        """The decisions of this search, by node; with :attr:`labels` unless others are given."""
        return labelling.decisions(self.expanded.tolist(), self.edges.for_labels(), labels or self.labels)

    def proof(self) -> list[int]:
        """The edges that prove the theorem, the root's first; each node's once. None unless :attr:`proved`.

        Where the search took states apart, it is the smallest proof by way of the nodes of the one that was found.
        """
        edges = self.edges
        edge = self.proof_edge
        if edge < 0:
            return []
        if not edges.also and edges.outcome[edge] == OutcomeKind.FINISHED:
            path = [edge]
            while (edge := int(self.best_edge[edges.source[edge]])) >= 0:
                path.append(edge)
            return path[::-1]
        on = self.on_proof.tolist()
        kept = edges.for_labels()
        outcome = [
            kind if all(on[node] for node in (kept.source[edge], *kept.targets(edge))) else OutcomeKind.REJECTED
            for edge, kind in enumerate(kept.outcome)
        ]
        remaining = labelling.distances(self.num_nodes, replace(kept, outcome=outcome))
        taken: dict[int, int] = {}
        waiting = [0]
        while waiting:
            node = waiting.pop()
            if node in taken:
                continue
            taken[node] = next(
                edge
                for edge in edges.range(node)
                if outcome[edge] in (OutcomeKind.ADVANCED, OutcomeKind.FINISHED)
                and remaining[node] == 1 + sum(remaining[target] for target in kept.targets(edge))
            )
            waiting += reversed(kept.targets(taken[node]))
        return list(taken.values())

    def state(self, node: int) -> RecordedState:
        """The state of a node."""
        return RecordedState(
            self.key[node],
            self.text[node],
            int(self.num_goals[node]),
            self.table.column("goals")[node].as_py(),
            (self, node),
        )

    def states(self) -> list[RecordedState]:
        """The states of all nodes, shape ``(num_nodes,)``."""
        goals = self.table.column("goals").to_pylist()
        rows = zip(self.key, self.text, self.num_goals.tolist(), goals, strict=True)
        return [
            RecordedState(key, text, num_goals, row_goals or (), (self, node))
            for node, (key, text, num_goals, row_goals) in enumerate(rows)
        ]

    # ------------------------------------------------------------------------------------------------- the edges

    @cached_property
    def edges(self) -> RecordedEdges:
        """The edges, by their numbers in the search."""
        return RecordedEdges(self.table, _column(np.int32, -1)(self.table.column("first_edge")), self.search_id)

    def graph(self) -> SearchGraph:
        """The search graph, with :class:`RecordedState` for states; nodes that were stepped at several times only once.

        Otherwise it is exactly as it was, but for ``solved_by``.

        Raises:
            InputError: the rows contradict each other.
        """
        from proofsearch.graph import SearchGraph

        states = self.states()
        graph = SearchGraph(states[0])
        edges = self.edges
        edges.check(self.num_nodes)
        if sorted(self.expansion[self.expanded].tolist()) != list(range(int(self.expanded.sum()))):
            raise self._damaged("its expansions are not numbered from 0")
        first_edge = _column(np.int32, -1)(self.table.column("first_edge"))
        reached = edges.first(self.num_nodes)
        if (reached[1:] < 0).any():
            raise self._damaged(f"no edge leads to node {1 + int(reached[1:].argmin())}")
        self._fill(graph, states)
        # Those without an edge of their own stand before those whose edges have the same number.
        stepped = np.lexsort((self.expansion, edges.counts > 0, first_edge))[int((first_edge < 0).sum()) :]
        for node in stepped.tolist():
            if reached[node] >= first_edge[node]:
                raise self._damaged(f"node {node} was expanded before an edge reached it")
            self._step(graph, states, node)
        if list(graph.edge_target) != edges.target.tolist() or graph.edge_also != edges.also:
            raise self._damaged("its edges do not lead to its nodes")
        self._fill(graph, states)  # stepping may have found better paths where the rows contradict each other
        graph.edge_seconds.update(edges.seconds)
        node_of = {place: node for node, place in enumerate(self.expansion.tolist()) if place >= 0}
        for edge, place in edges.script.items():
            if place not in node_of:
                raise self._damaged(f"edge {edge} is of a script that was proposed at expansion {place}")
            graph.edge_script[edge] = graph.expanded_at[node_of[place]]
        return graph

    def _fill(self, graph: SearchGraph, states: Sequence[RecordedState]) -> None:
        """Gives the graph the nodes, with what the search computed of them."""
        graph.state = list(states)
        graph._node_of = {state.key: node for node, state in enumerate(states)}
        if len(graph._node_of) < len(states):
            raise self._damaged("two nodes have the same state; equal states must be one node")
        for name in ("value", "seconds", "logprob", "depth", "num_tokens", "best_edge", "priority"):
            column = getattr(graph, name)
            try:
                column[:] = type(column)(column.typecode, getattr(self, name).tolist())
            except OverflowError:
                raise self._damaged(f"a number in column {name} is too large") from None
        graph.expanded_at.extend([-1] * (len(states) - len(graph.expanded_at)))

    def _step(self, graph: SearchGraph, states: Sequence[RecordedState], node: int) -> None:
        """Steps the graph at a node as the search did, at one time."""
        from proofsearch.graph import Refused

        made: dict[OutcomeKind, type[Rejected | TimedOut | Crashed | Refused]] = {
            OutcomeKind.REJECTED: Rejected,
            OutcomeKind.TIMED_OUT: TimedOut,
            OutcomeKind.CRASHED: Crashed,
            OutcomeKind.REFUSED: Refused,
        }
        edges = self.edges
        steps = edges.range(node)
        outcomes = [OutcomeKind(kind) for kind in edges.outcome[steps.start : steps.stop].tolist()]
        failures: dict[int, Outcome | Refused] = {
            place: Finished()
            if kind == OutcomeKind.FINISHED
            else made[kind](edges.message.get(steps.start + place, ""))
            for place, kind in enumerate(outcomes)
            if kind != OutcomeKind.ADVANCED
        }
        graph.expand(
            node,
            edges.tactic[steps.start : steps.stop],
            edges.logprob[steps.start : steps.stop].tolist(),
            edges.num_tokens[steps.start : steps.stop].tolist(),
            [states[target] for edge in steps for target in edges.targets(edge)],
            failures,
            0.0,
            [len(targets) for edge in steps if (targets := edges.targets(edge))] if edges.also else None,
            replay=not self.expanded[node],
        )

    def _damaged(self, why: str) -> InputError:
        return InputError(f"search {self.search_id}: damaged: {why}")

    @cached_property
    def stepped(self) -> NDArray[np.int32]:
        """When steps were tried at each node, as :attr:`expansion` counts; shape ``(num_nodes,)``, -1 where none were.

        Of a node that was not expanded, but at which steps of scripts were replayed, it is the expansion that the last
        of these scripts was proposed at.
        """
        stepped = np.array(self.expansion, np.int32)
        for edge, place in self.edges.script.items():
            source = self.edges.source[edge]
            if not self.expanded[source]:
                stepped[source] = max(stepped[source], place)
        return stepped
