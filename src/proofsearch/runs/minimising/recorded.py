"""The shortest proof that a recorded search holds, which need not be the one that ended it."""

from __future__ import annotations

from collections.abc import Mapping

from proofsearch.trajectory.labels import distances
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import OutcomeKind

_TAKEN = (OutcomeKind.ADVANCED, OutcomeKind.FINISHED)


def shortest(search: RecordedSearch) -> Mapping[str, str]:
    """The tactics of the shortest recorded proof, by the text of the state, or part, that each is for.

    Returns:
        Nothing unless the search proved its theorem.
    """
    if not search.proved:
        return {}
    edges = search.edges.for_labels()
    remaining = distances(search.num_nodes, edges)
    found: dict[str, str] = {}
    waiting = [0]
    while waiting:
        node = waiting.pop()
        text = search.text[node]
        if remaining[node] < 1 or text in found:
            continue
        edge = next(
            edge
            for edge in search.edges.range(node)
            if edges.outcome[edge] in _TAKEN
            and remaining[node] == 1 + sum(remaining[target] for target in edges.targets(edge))
        )
        found[text] = search.edges.tactic[edge]
        waiting += edges.targets(edge)
    return found
