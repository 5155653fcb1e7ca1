"""The decisions at which a search really had a choice.

A :class:`proofsearch.trajectory.labels.Decision` takes all children of a node, and calls one positive if any recorded
way leads from it to the found proof. Two things in that no ranking of the children can be judged by:

* a child that the search had expanded before is no choice any more: the root again, most often;
* a way to the proof that leads back through states expanded before (from a dead end to the root, and on from there) is
  no merit of the child.

So here children that were expanded before are left out, and a child is positive if the found proof can be reached from
it through states that were expanded later than the decision only. Log-probability likes the short ways
back, so without this it looks better than it is.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence

from proofsearch.trajectory.labels import Decision
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import OutcomeKind

NEUTRAL_SCORERS = frozenset({"demonstration", "random"})
"""Scorers that order a search by neither a policy nor a value that is to be judged: known proofs, and chance.

At the decisions of other searches the order that made them looks better than it is.
"""


def choices(search: RecordedSearch, onward: Sequence[int] | None = None) -> Iterator[Decision]:
    """The decisions of a search with the children that were still to be had, by node.

    Args:
        search: the search.
        onward: what :func:`earliest_required_expansion` says of it, where that is known already.

    Yields:
        Decisions with at least two such children, of which at least one leads on to the found proof.
    """
    if not search.proved:
        return
    expansion = search.expansion.tolist()
    onward = onward if onward is not None else earliest_required_expansion(search)
    for decision in search.decisions():
        now = expansion[decision.node]
        kept = [place for place, child in enumerate(decision.children) if not 0 <= expansion[child] < now]
        positive = tuple(onward[decision.children[place]] > now for place in kept)
        if len(kept) >= 2 and any(positive):
            yield Decision(
                decision.node,
                tuple(decision.children[place] for place in kept),
                tuple(decision.edges[place] for place in kept),
                positive,
            )


def earliest_required_expansion(search: RecordedSearch) -> list[int]:
    """Says, for each node, when the earliest state was expanded that the latest way to the found proof needs.

    So at a time, as :attr:`~proofsearch.trajectory.recorded.RecordedSearch.expansion` counts it, a state *leads on*
    where this is later: there is a way from it to the proof through states that were still to be expanded. What was
    provable then only by a way back, through a state that was expanded already, does not.

    The widest-path problem, backwards from the nodes where the proof was finished (Pollack 1960): -1 where there is no
    way. An edge to several nodes is a way once there is one from each.
    """
    expansion = _times(search)
    into: dict[int, list[int]] = defaultdict(list)
    missing: dict[int, int] = {}
    heap: list[tuple[int, int]] = []
    edges = search.edges.for_labels()
    for edge, (source, outcome) in enumerate(zip(edges.source, edges.outcome, strict=True)):
        if outcome == OutcomeKind.ADVANCED:
            targets = edges.targets(edge)
            missing[edge] = len(targets)
            for target in targets:
                into[target].append(edge)
        elif outcome == OutcomeKind.FINISHED:
            heap.append((-expansion[source], source))
    earliest = [-1] * search.num_nodes
    heapq.heapify(heap)
    while heap:
        negated, node = heapq.heappop(heap)
        if earliest[node] >= 0:
            continue
        earliest[node] = -negated
        for edge in into[node]:
            missing[edge] -= 1
            parent = edges.source[edge]
            # Nodes come up latest first, so this one is the earliest of the edge's.
            if not missing[edge] and earliest[parent] < 0:
                heapq.heappush(heap, (-min(-negated, expansion[parent]), parent))
    return earliest


def _times(search: RecordedSearch) -> list[int]:
    """When each node was stepped: its expansion, or right after that at which a script was proposed."""
    return [
        place if expanded else place + 1 if place >= 0 else -1
        for place, expanded in zip(search.stepped.tolist(), search.expanded.tolist(), strict=True)
    ]
