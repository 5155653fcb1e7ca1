"""The likeliest recorded proof below each state of a search."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import OutcomeKind


def nats_to_go(search: RecordedSearch) -> NDArray[np.float64]:
    """How unlikely the policy finds the likeliest recorded proof of each state, shape ``(num_nodes,)``.

    The least sum of −log-probability over the steps of any recorded proof of the state, the finishing step included, in
    nats, at least 0; -1 where there is none, and everywhere in a search whose proof was not accepted. It adds to
    the −log-probability of the way to a state like the heuristic of A* (Hart, Nilsson & Raphael 1968). Of an edge to
    several states all are proved, so theirs are added up; states are settled from the nearest on, as in Knuth, "A
    generalization of Dijkstra's algorithm", 1977.

    A step that the policy did not suggest itself counts with the log-probability that it was recorded with; with the
    generator ``demonstrated`` that is the most that the policy can have given it.

    Args:
        search: the search.
    """
    nats = np.full(search.num_nodes, -1.0)
    if not search.proved:
        return nats
    edges = search.edges
    source, outcome, cost = edges.source.tolist(), edges.outcome.tolist(), (-edges.logprob).tolist()
    into: dict[int, list[int]] = defaultdict(list)
    missing: dict[int, int] = {}
    added: dict[int, float] = {}
    heap: list[tuple[float, int]] = []
    for edge, kind in enumerate(outcome):
        if kind == OutcomeKind.FINISHED:
            heappush(heap, (cost[edge], source[edge]))
        elif kind == OutcomeKind.ADVANCED:
            targets = edges.targets(edge)
            missing[edge], added[edge] = len(targets), cost[edge]
            for target in targets:
                into[target].append(edge)
    while heap:
        least, node = heappop(heap)
        if nats[node] >= 0:
            continue
        nats[node] = least
        for edge in into[node]:
            missing[edge] -= 1
            added[edge] += least
            if not missing[edge] and nats[source[edge]] < 0:
                heappush(heap, (added[edge], source[edge]))
    return nats
