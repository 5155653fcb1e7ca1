"""One recorded search as the report's page takes it: columns of plain values, each node with its best way.

The page draws the tree of best ways; what else reaches a node, and what became of steps that reach none, stands beside
it. See :func:`tree_data` for the keys.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.trajectory.labels import NEGATIVE, POSITIVE
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import OutcomeKind

MAX_NODES = 25_000
"""Nodes of a tree that are shown; of a larger one those that say most."""

MAX_TEXT = 10_000
"""Characters of a state or tactic that are shown."""

MAX_SLOWEST = 10
"""Steps that are listed as the slowest of a search."""

MAX_MESSAGE = 1_000
"""Characters of what the prover said about a step that are shown."""

_LABELS = {POSITIVE: 1, NEGATIVE: 2}


def tree_data(search: RecordedSearch, most: int = MAX_NODES) -> dict[str, Any]:
    """A search as columns; what is missing is ``None``, never ``nan``.

    Args:
        search: what was recorded.
        most: nodes that are kept, at least 1; the ways to them may add a few more.

    Returns:
        A dictionary of

        * ``total``: how many nodes the search has; the columns have those that are kept, in the same order;
        * ``parent``, ``tactic``, ``step``: the node before on the best way, the last tactic on it as an index into
          ``strings``, and its log-probability; -1, -1 and 0 for the root;
        * ``logprob``, ``value``, ``priority``, ``seconds``, ``goals``, ``text``: as the trajectory has them;
        * ``expansion``: its place in the order of expansions, -1 for a node that was not expanded;
        * ``born``: the expansion that met it first, -1 for the root;
        * ``label``: 0 unknown, 1 positive, 2 negative; ``remaining``: steps to a found proof, -1 unless positive;
        * ``proof``: the nodes of the found proof;
        * ``also``: ``[node, parent, tactic]`` of each further way to a node;
        * ``ends``: ``[node, outcome, tactic, log-probability, message]`` of each step that reached no node, the message
          an index into ``strings`` or -1; ``finish``: which of them finished the proof, -1 where none did;
        * ``slowest``: ``[node, outcome, tactic, seconds]`` of the steps that took longest, the slowest first; empty
          where steps were too fast to be timed;
        * ``strings``: tactics and messages.
    """
    edges = search.edges
    keep = kept(search, most)
    place = np.full(search.num_nodes, -1, dtype=np.int64)
    place[keep] = np.arange(len(keep))
    best = search.best_edge[keep]
    strings: dict[str, int] = {}

    def string(text: str, longest: int = MAX_TEXT) -> int:
        return strings.setdefault(clipped(text, longest), len(strings))

    has_way = best >= 0
    parent = np.where(has_way, place[edges.source[best]], -1) if len(edges) else np.full(len(keep), -1)
    step = np.where(has_way, edges.logprob[best], 0.0) if len(edges) else np.zeros(len(keep))
    is_best = np.zeros(len(edges), dtype=np.bool_)
    is_best[best[has_way]] = True
    is_best[list(edges.also)] = False
    also, ends, finish = _other_steps(search, place, is_best, string)
    slowest = _slowest(search, place, string)
    return {
        "total": search.num_nodes,
        "parent": parent.tolist(),
        "tactic": [string(edges.tactic[edge]) if edge >= 0 else -1 for edge in best.tolist()],
        "step": _numbers(step, 6),
        **_columns(search, keep),
        "also": also,
        "ends": ends,
        "finish": finish,
        "slowest": slowest,
        "strings": list(strings),
    }


def _columns(search: RecordedSearch, keep: NDArray[np.int64]) -> dict[str, list[Any]]:
    """What :func:`tree_data` says of the nodes that are kept and not of the ways to them."""
    labels = search.labels
    return {
        "logprob": _numbers(search.logprob[keep], 6),
        "value": _numbers(search.value[keep], 6),
        "priority": _numbers(search.priority[keep], 6),
        "seconds": _numbers(search.seconds[keep], 4),
        "goals": search.num_goals[keep].tolist(),
        "text": [clipped(search.text[node], MAX_TEXT) for node in keep.tolist()],
        "expansion": search.expansion[keep].tolist(),
        "born": _born(search)[keep].tolist(),
        "label": [_LABELS.get(labels.label[node], 0) for node in keep.tolist()],
        "remaining": [labels.remaining[node] for node in keep.tolist()],
        "proof": np.flatnonzero(search.on_proof[keep]).tolist(),
    }


def _other_steps(
    search: RecordedSearch, place: NDArray[np.int64], is_best: NDArray[np.bool_], string: Callable[..., int]
) -> tuple[list[list[int]], list[list[Any]], int]:
    """``also``, ``ends`` and ``finish`` of :func:`tree_data`."""
    edges = search.edges
    also: list[list[int]] = []
    ends: list[list[Any]] = []
    finish = -1
    for edge in np.flatnonzero((place[edges.source] >= 0) & ~is_best).tolist():
        source = int(place[edges.source[edge]])
        if edges.outcome[edge] == OutcomeKind.ADVANCED:
            # A step that leads to several nodes may be the best way to one of them and a further way to another.
            for target in edges.targets(edge):
                if place[target] >= 0 and search.best_edge[target] != edge:
                    also.append([int(place[target]), source, string(edges.tactic[edge])])
            continue
        message = edges.message.get(edge)
        said = -1 if message is None else string(message, MAX_MESSAGE)
        if edge == search.proof_edge:
            finish = len(ends)
        logprob = _number(float(edges.logprob[edge]), 6)
        ends.append([source, int(edges.outcome[edge]), string(edges.tactic[edge]), logprob, said])
    return also, ends, finish


def _slowest(search: RecordedSearch, place: NDArray[np.int64], string: Callable[..., int]) -> list[list[Any]]:
    """Finds the slowest steps; ``slowest`` of :func:`tree_data`."""
    edges = search.edges
    timed = [edge for edge in edges.seconds if place[edges.source[edge]] >= 0]
    return [
        [
            int(place[edges.source[edge]]),
            int(edges.outcome[edge]),
            string(edges.tactic[edge]),
            _number(edges.seconds[edge], 4),
        ]
        for edge in sorted(timed, key=lambda edge: (-edges.seconds[edge], edge))[:MAX_SLOWEST]
    ]


def kept(search: RecordedSearch, most: int) -> NDArray[np.int64]:
    """The nodes that are shown, increasing: all, or the proof's, then the expanded ones, then the best that waited.

    With each its best way, which may make them a few more than ``most``.
    """
    if search.num_nodes <= most:
        return np.arange(search.num_nodes)
    waiting = np.where(np.isnan(search.priority), -np.inf, search.priority)
    order = np.lexsort((-waiting, np.where(search.expanded, search.expansion, search.num_nodes), ~search.on_proof))
    keep = np.zeros(search.num_nodes, dtype=np.bool_)
    keep[order[:most]] = True
    source, best = search.edges.source, search.best_edge
    for node in np.flatnonzero(keep).tolist():
        while best[node] >= 0 and not keep[source[best[node]]]:
            node = int(source[best[node]])
            keep[node] = True
    keep[0] = True
    return np.flatnonzero(keep)


def clipped(text: str, longest: int) -> str:
    """The text, or its beginning and how much is missing."""
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text) - longest:,} more characters)"


def _born(search: RecordedSearch) -> NDArray[np.int64]:
    """The expansion that met each node first, -1 for the root."""
    born = np.full(search.num_nodes, -1, dtype=np.int64)
    first = search.edges.first(search.num_nodes)
    reached = first >= 0
    born[reached] = search.stepped[search.edges.source[first[reached]]]
    return born


def _numbers(column: NDArray[np.float64], digits: int) -> list[float | None]:
    return [_number(value, digits) for value in column.tolist()]


def _number(value: float, digits: int) -> float | None:
    """Rounded to significant digits: more would only make the file larger."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
