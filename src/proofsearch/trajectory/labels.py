"""What a finished search says about each of its states: provable, apparently not, or unknown.

Equal states are one node, so a label is a property of the state and not of a path to it. Unproved is not disproved: in
a search that found no accepted proof every state is unknown, and so is every state that got too little of the budget.
What was not answered says nothing either: a tactic that ran out of time or crashed, a policy without a candidate, a
proof that was finished and refused.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from proofsearch.types import OutcomeKind

POSITIVE, NEGATIVE, UNKNOWN = "positive", "negative", "unknown"
"""The labels, as the trajectory schema writes them."""

_ANSWERED = (OutcomeKind.ADVANCED, OutcomeKind.FINISHED, OutcomeKind.REJECTED)
"""Outcomes by which the environment said what a tactic does. The others may stand for a step of a proof."""

DEFAULT_MIN_EXPANSIONS = 4
"""Expansions at or below a state, without a proof, that make it negative."""


@dataclass(frozen=True, slots=True)
class LabelledEdges:
    """The edges of a search, as columns. Each of shape ``(num_edges,)``.

    Attributes:
        source: the node that was stepped.
        target: the node reached; negative unless the edge advanced.
        outcome: an :class:`~proofsearch.types.OutcomeKind`.
        also: by edge, the further nodes of one that leads to several, all of which have to be proved.
    """

    source: Sequence[int]
    target: Sequence[int]
    outcome: Sequence[int]
    also: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def targets(self, edge: int) -> tuple[int, ...]:
        """The nodes that an edge leads to; none unless it advanced."""
        target = self.target[edge]
        return () if target < 0 else (target, *self.also.get(edge, ()))


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a search's nodes.

    Attributes:
        label: ``"positive"``, ``"negative"`` or ``"unknown"``, shape ``(num_nodes,)``.
        remaining: steps of the shortest recorded proof, at least 1; -1 unless positive. Shape ``(num_nodes,)``.
    """

    label: list[str]
    remaining: list[int]


@dataclass(frozen=True, slots=True)
class Decision:
    """An expanded node with at least two live children of which at least one leads to a found proof.

    A child is what a step leads to alone. A step to several nodes is no child: no value of one of them could judge it.

    Attributes:
        node: the node.
        children: the different nodes that it advances to, itself excluded, in the order of their first edges.
        edges: for each child, the first edge that reaches it.
        positive: for each child, whether a proof was found at or below it.
    """

    node: int
    children: tuple[int, ...]
    edges: tuple[int, ...]
    positive: tuple[bool, ...]


def label(
    expanded: Sequence[bool],
    edges: LabelledEdges,
    *,
    proved: bool,
    min_expansions: int = DEFAULT_MIN_EXPANSIONS,
) -> Labels:
    """Labels every node of a search.

    *Positive*: some way along the recorded edges leads to a finished proof that was accepted; of an edge to several
    nodes, some way from each. *Negative*: expanded, in a search that found a proof, with no way to one that was
    finished, and either at least ``min_expansions`` nodes at or below it were expanded with an answer to some tactic,
    or everything below it was expanded with an answer to each. *Unknown*: everything else, so every node that was not
    expanded, that got no candidate, or whose tactics all ran out of time or crashed, and whatever leads to a proof that
    was finished and refused.

    Args:
        expanded: whether each node was expanded, shape ``(num_nodes,)``.
        edges: the steps. An edge that finished counts as accepted where ``proved``: refused ones have an outcome of
            their own.
        proved: whether an independent check accepted this search's proof.
        min_expansions: at least 1.
    """
    num_nodes = len(expanded)
    if not proved:
        return unlabelled(num_nodes)
    remaining = distances(num_nodes, edges)
    finished = _with_refused(num_nodes, edges, remaining)
    tree = _Searched(expanded, edges, min_expansions)
    return Labels(
        [
            POSITIVE
            if remaining[node] > 0
            else NEGATIVE
            if expanded[node] and finished[node] < 0 and tree.well(node)
            else UNKNOWN
            for node in range(num_nodes)
        ],
        remaining,
    )


def unlabelled(num_nodes: int) -> Labels:
    """The labels of a search without an accepted proof."""
    return Labels([UNKNOWN] * num_nodes, [-1] * num_nodes)


def _with_refused(num_nodes: int, edges: LabelledEdges, remaining: list[int]) -> list[int]:
    """:func:`distances`, with the proofs that were finished and refused counted as well."""
    if OutcomeKind.REFUSED not in edges.outcome:
        return remaining
    outcome = [OutcomeKind.FINISHED if kind == OutcomeKind.REFUSED else kind for kind in edges.outcome]
    return distances(num_nodes, replace(edges, outcome=outcome))


def distances(num_nodes: int, edges: LabelledEdges) -> list[int]:
    """Steps from each node to the nearest finished proof, the finishing step included; -1 where there is no way.

    A breadth-first search backwards from the nodes with an edge that finished. Where edges lead to several nodes, whose
    proofs are all needed, it is the least number of steps of them together (:func:`_distances_to_all`).
    """
    if edges.also:
        return _distances_to_all(num_nodes, edges)
    above: dict[int, list[int]] = defaultdict(list)
    remaining = [-1] * num_nodes
    queue: deque[int] = deque()
    for source, target, outcome in zip(edges.source, edges.target, edges.outcome, strict=True):
        if outcome == OutcomeKind.ADVANCED:
            above[target].append(source)
        elif outcome == OutcomeKind.FINISHED and remaining[source] < 0:
            remaining[source] = 1
            queue.append(source)
    while queue:
        node = queue.popleft()
        for parent in above[node]:
            if remaining[parent] < 0:
                remaining[parent] = remaining[node] + 1
                queue.append(parent)
    return remaining


def _distances_to_all(num_nodes: int, edges: LabelledEdges) -> list[int]:
    """:func:`distances` where edges may lead to several nodes.

    Nodes are settled in the order of their distances, as in Knuth, "A generalization of Dijkstra's algorithm", 1977.
    """
    into: dict[int, list[int]] = defaultdict(list)
    missing: dict[int, int] = {}
    remaining = [-1] * num_nodes
    queue: list[tuple[int, int]] = []
    for edge, outcome in enumerate(edges.outcome):
        if outcome == OutcomeKind.FINISHED:
            heappush(queue, (1, edges.source[edge]))
        elif outcome == OutcomeKind.ADVANCED:
            targets = edges.targets(edge)
            missing[edge] = len(targets)
            for target in targets:
                into[target].append(edge)
    while queue:
        steps, node = heappop(queue)
        if remaining[node] >= 0:
            continue
        remaining[node] = steps
        for edge in into[node]:
            missing[edge] -= 1
            if not missing[edge]:
                heappush(queue, (1 + sum(remaining[target] for target in edges.targets(edge)), edges.source[edge]))
    return remaining


def decisions(expanded: Sequence[bool], edges: LabelledEdges, labels: Labels) -> Iterator[Decision]:
    """The decisions of a search, by node: where a better value could have made a difference.

    A child that is the node itself is no choice and is left out; an edge that finished leads to no node, and what an
    edge to several nodes is worth depends on all of them.
    """
    first: dict[int, dict[int, int]] = defaultdict(dict)
    for edge, (source, target, outcome) in enumerate(zip(edges.source, edges.target, edges.outcome, strict=True)):
        if outcome == OutcomeKind.ADVANCED and target != source and edge not in edges.also:
            first[source].setdefault(target, edge)
    for node, was_expanded in enumerate(expanded):
        children = first.get(node, {})
        if not was_expanded or len(children) < 2:
            continue
        positive = tuple(labels.remaining[child] > 0 for child in children)
        if any(positive):
            yield Decision(node, tuple(children), tuple(children.values()), positive)


class _Searched:
    """Which nodes of a search were searched well enough, without a proof, to be called negative.

    Args:
        expanded: whether each node was expanded.
        edges: the steps.
        min_expansions: how many expansions are enough.
    """

    def __init__(self, expanded: Sequence[bool], edges: LabelledEdges, min_expansions: int) -> None:
        self._expanded = expanded
        self._below = _successors(edges)
        self._min_expansions = min_expansions
        kinds: dict[int, set[int]] = defaultdict(set)
        for source, outcome in zip(edges.source, edges.outcome, strict=True):
            kinds[source].add(outcome)
        answered = set(_ANSWERED)
        self._some = {node for node, outcomes in kinds.items() if outcomes & answered}
        self._all = {node for node, outcomes in kinds.items() if outcomes <= answered}

    def well(self, node: int) -> bool:
        """Whether enough at and below a node was expanded. Looks at few more than ``min_expansions`` of them."""
        seen = {node}
        queue = deque([node])
        expansions = 0
        exhausted = True
        while queue:
            current = queue.popleft()
            exhausted = exhausted and self._expanded[current] and current in self._all
            if not self._expanded[current] or current not in self._some:
                continue
            expansions += 1
            if expansions >= self._min_expansions:
                return True
            for child in self._below.get(current, ()):
                if child not in seen:
                    seen.add(child)
                    queue.append(child)
        return exhausted


def _successors(edges: LabelledEdges) -> dict[int, list[int]]:
    below: dict[int, list[int]] = defaultdict(list)
    for source, target, outcome in zip(edges.source, edges.target, edges.outcome, strict=True):
        if outcome == OutcomeKind.ADVANCED:
            below[source].append(target)
    for edge, targets in edges.also.items():
        below[edges.source[edge]] += targets
    return below
