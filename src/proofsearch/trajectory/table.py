"""A search graph and its result as a table, one row a node."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from proofsearch.graph import with_one_expansion_each
from proofsearch.trajectory.labels import DEFAULT_MIN_EXPANSIONS, LabelledEdges, label
from proofsearch.trajectory.schema import EDGE, GOAL, SCHEMA, tree_to_text
from proofsearch.types import Limit, OutcomeKind, ProofState, Theorem

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols.results import SearchResult


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a search comes from: what its rows say beside the search itself.

    Attributes:
        run_id: of the run; empty for a search of its own.
        environment, generator, scorer: the components by name.
        fingerprint: a hash of what the environment depends on, from :func:`fingerprint_hash`.
        seed: of the search, a signed 64-bit number.
        limit: its bounds.
    """

    run_id: str = ""
    environment: str = ""
    generator: str = ""
    scorer: str = ""
    fingerprint: str = ""
    seed: int = 0
    limit: Limit = field(default_factory=Limit)


def fingerprint_hash(fingerprint: Mapping[str, str]) -> str:
    """One hash, BLAKE2b-128 in hexadecimal, of :meth:`proofsearch.protocols.Environment.fingerprint`."""
    content = json.dumps(dict(fingerprint), sort_keys=True).encode("ascii")
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def state_key(text: str) -> str:
    """What the column ``key`` holds for a state: BLAKE2b-128 of its text, in hexadecimal."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def new_search_id() -> str:
    """An id that no other search has, 32 hexadecimal digits. Random: it takes no part in the search."""
    return uuid.uuid4().hex


def to_table(
    graph: SearchGraph,
    result: SearchResult,
    theorem: Theorem,
    origin: Origin,
    *,
    search_id: str,
    min_expansions: int = DEFAULT_MIN_EXPANSIONS,
) -> pa.Table:
    """A search as a table of :data:`~proofsearch.trajectory.schema.SCHEMA`, one row a node.

    Args:
        graph: the search graph.
        result: what became of it. Only an accepted verdict makes it a search that found a proof.
        theorem: what it was about.
        origin: the run's side of it.
        search_id: from :func:`new_search_id`.
        min_expansions: of the labels.
    """
    place = _expansions(graph)
    graph = with_one_expansion_each(graph)
    proved = result.verdict is not None and result.verdict.proved
    proof_nodes: Sequence[int] = ()
    proof_edge = -1
    if proved:
        proof_nodes, proof_edge = _proof(graph) if graph.solved_by else _walk(graph, result.tactics or ())
    columns = _columns(graph, place, proof_nodes, proved=proved, min_expansions=min_expansions)
    facts = _facts(result, theorem, origin) | {
        "search_id": search_id,
        "min_expansions": min_expansions,
        "proved": proved,
        "proof_edge": proof_edge if proof_edge >= 0 else None,
        "num_nodes": graph.num_nodes,
    }
    for name, fact in facts.items():
        columns[name] = pa.repeat(pa.scalar(fact, SCHEMA.field(name).type), graph.num_nodes)
    return pa.Table.from_arrays(
        [
            columns[column.name]
            if isinstance(columns[column.name], pa.Array)
            else pa.array(columns[column.name], type=column.type)
            for column in SCHEMA
        ],
        schema=SCHEMA,
    )


def _facts(result: SearchResult, theorem: Theorem, origin: Origin) -> dict[str, Any]:
    """What is the same in each row of a search, by column."""
    return {
        "run_id": origin.run_id,
        "theorem": theorem.name,
        "statement": theorem.statement,
        "split": theorem.split,
        "position": theorem.position,
        "status": str(result.status),
        "limit_hit": result.limit_hit or "",
        "seed": origin.seed,
        "environment": origin.environment,
        "generator": origin.generator,
        "scorer": origin.scorer,
        "fingerprint": origin.fingerprint,
        "limits": {
            "expansions": origin.limit.expansions,
            "steps": origin.limit.steps,
            "seconds": origin.limit.seconds,
            "model_calls": origin.limit.model_calls,
        },
    }


def _expansions(graph: SearchGraph) -> NDArray[np.int32]:
    """The place of each node in the order of first expansions, -1 where there was none; shape ``(num_nodes,)``."""
    expanded_at = np.asarray(graph.expanded_at, dtype=np.int32)
    if not graph.expanded_again:
        return expanded_at
    order = np.argsort(expanded_at, kind="stable")[int((expanded_at < 0).sum()) :]
    place = np.full(len(expanded_at), -1, np.int32)
    place[order] = np.arange(len(order))
    return place


def _columns(
    graph: SearchGraph,
    expansion: NDArray[np.int32],
    proof_nodes: Sequence[int],
    *,
    proved: bool,
    min_expansions: int,
) -> dict[str, Any]:
    """What differs from node to node, by column."""
    nodes = graph.num_nodes
    expanded = expansion >= 0
    source = np.asarray(graph.edge_source, dtype=np.int32)
    target = np.asarray(graph.edge_target, dtype=np.int32)
    outcome = np.frombuffer(bytes(graph.edge_outcome), dtype=np.uint8).astype(np.int8)
    best_edge = np.asarray(graph.best_edge, dtype=np.int32)
    labels = label(
        expanded.tolist(),
        LabelledEdges(source.tolist(), target.tolist(), outcome.tolist(), graph.edge_also),
        proved=proved,
        min_expansions=min_expansions,
    )
    on_proof = np.zeros(nodes, dtype=bool)
    on_proof[list(proof_nodes)] = True
    ranges = [graph.edge_range(node) for node in range(nodes)]
    order = np.fromiter((edge for edges in ranges for edge in edges), dtype=np.int64, count=len(source))
    first_edge = [
        edges.start if isinstance(edges, range) and (edges or expansion[node] >= 0) else -1
        for node, edges in enumerate(ranges)
    ]
    script = {edge: int(expansion[graph.expanded[at]]) for edge, at in graph.edge_script.items()}
    texts = [state.text for state in graph.state]
    best_parent = np.where(best_edge >= 0, source[best_edge] if len(source) else -1, -1)

    return {
        "node": np.arange(nodes, dtype=np.int32),
        "key": [state_key(text) for text in texts],
        "text": texts,
        "goals": _goals(graph.state),
        "num_goals": [state.num_goals for state in graph.state],
        "depth": np.asarray(graph.depth),
        "logprob": np.asarray(graph.logprob),
        "num_tokens": np.asarray(graph.num_tokens, dtype=np.int64),
        "value": _nullable(np.asarray(graph.value), np.isnan),
        "priority": _nullable(np.asarray(graph.priority), np.isnan),
        "expanded": expanded,
        "expansion": _nullable(expansion, _negative),
        "seconds": np.asarray(graph.seconds),
        "parents": _lists([graph.parents(node) for node in range(nodes)]),
        "best_parent": _nullable(best_parent.astype(np.int32), _negative),
        "best_edge": _nullable(best_edge, _negative),
        "first_edge": _nullable(np.array(first_edge, np.int32), _negative),
        "edges": _edges(graph, order, target, outcome, script, [len(edges) for edges in ranges]),
        "label": labels.label,
        "remaining": _nullable(np.asarray(labels.remaining, dtype=np.int32), _negative),
        "on_proof": on_proof,
    }


def _walk(graph: SearchGraph, tactics: Sequence[str]) -> tuple[tuple[int, ...], int]:
    """The nodes of a finished path, and the edge that finishes it."""
    node = 0
    nodes = [node]
    for number, tactic in enumerate(tactics, start=1):
        last = number == len(tactics)
        wanted = OutcomeKind.FINISHED if last else OutcomeKind.ADVANCED
        for edge in graph.edge_range(node):
            if graph.edge_outcome[edge] == wanted and graph.edge_tactic[edge] == tactic:
                break
        else:
            raise ValueError(
                f"the proof's step {number}, {tactic!r}, is not an edge of node {node} of the search graph"
            )
        if last:
            return tuple(nodes), edge
        node = graph.edge_target[edge]
        nodes.append(node)
    raise ValueError("a proof without steps in a search graph with nodes")


def _proof(graph: SearchGraph) -> tuple[Sequence[int], int]:
    """The nodes of a proof that was put together from parts, and the edge that completed it: the last one tried."""
    edges = [graph.solved_by[0]]
    nodes = {0: None}
    for edge in edges:
        for target in graph.targets(edge):
            if target not in nodes:
                nodes[target] = None
                edges.append(graph.solved_by[target])
    return list(nodes), max(edges)


def _goals(states: Sequence[ProofState]) -> pa.Array[Any]:
    counts = [len(state.goals) for state in states]
    goals = [goal for state in states for goal in state.goals]
    return _list_array(
        counts,
        pa.StructArray.from_arrays(
            [
                pa.array([goal.text for goal in goals], pa.string()),
                pa.array([None if goal.tree is None else tree_to_text(goal.tree) for goal in goals], pa.string()),
            ],
            fields=list(GOAL),
        ),
        "goals",
    )


def _edges(
    graph: SearchGraph,
    order: NDArray[np.int64],
    target: NDArray[np.int32],
    outcome: NDArray[np.int8],
    script: Mapping[int, int],
    counts: Sequence[int],
) -> pa.Array[Any]:
    tactics, messages = graph.edge_tactic, graph.edge_message
    values: list[pa.Array[Any]] = [
        pa.array([tactics[edge] for edge in order], pa.string()),
        pa.array(np.asarray(graph.edge_logprob, dtype=np.float64)[order]),
        pa.array(np.asarray(graph.edge_num_tokens, dtype=np.int32)[order]),
        pa.array(outcome[order]),
        _nullable(target[order], _negative),
        pa.array([messages.get(int(edge)) for edge in order], pa.string()),
        pa.array([graph.edge_also.get(int(edge)) for edge in order], EDGE.field("also").type),
        pa.array([graph.edge_seconds.get(int(edge)) for edge in order], EDGE.field("seconds").type),
        pa.array([script.get(int(edge)) for edge in order], EDGE.field("script").type),
    ]
    return _list_array(counts, pa.StructArray.from_arrays(values, fields=list(EDGE)), "edges")


def _lists(values: Sequence[Sequence[int]]) -> pa.Array[Any]:
    flat = pa.array([value for row in values for value in row], pa.int32())
    return _list_array([len(row) for row in values], flat, "parents")


def _list_array(counts: Sequence[int], values: pa.Array[Any], column: str) -> pa.Array[Any]:
    offsets: Any = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    made: pa.Array[Any] = pa.ListArray.from_arrays(offsets, values, type=SCHEMA.field(column).type)
    return made


def _nullable(values: NDArray[Any], missing: Any) -> pa.Array[Any]:
    made: pa.Array[Any] = pa.array(values, mask=missing(values))
    return made


def _negative(values: NDArray[Any]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = values < 0
    return result
