"""What holds of every search graph, for tests and for hunting a bug."""

from __future__ import annotations

import math

from proofsearch.graph.graph import SearchGraph
from proofsearch.types import OutcomeKind


def check_graph(graph: SearchGraph) -> None:
    """Asserts every invariant of the graph; for tests and for hunting a bug, linear in its size.

    Raises:
        AssertionError: an invariant is broken; the message says which, and where.
    """
    nodes, edges = graph.num_nodes, graph.num_edges
    for name in ("depth", "logprob", "num_tokens", "value", "priority", "best_edge", "expanded_at", "seconds"):
        assert len(getattr(graph, name)) == nodes, f"column {name}: {len(getattr(graph, name))} rows, {nodes} nodes"
    for name in ("edge_source", "edge_logprob", "edge_num_tokens", "edge_outcome", "edge_target"):
        assert len(getattr(graph, name)) == edges, f"column {name}: {len(getattr(graph, name))} rows, {edges} edges"
    assert len(graph._node_of) == nodes, f"{len(graph._node_of)} keys for {nodes} nodes"
    for node, state in enumerate(graph.state):
        assert graph._node_of.get(state.key) == node, f"node {node}: its key names {graph._node_of.get(state.key)}"
    again = [at for places in graph.expanded_again.values() for at in places]
    first = [at for at in graph.expanded_at if at >= 0]
    assert sorted([*first, *again]) == list(range(len(graph.expanded))), "expanded_at disagrees with expanded"
    assert graph.replayed.issubset(again), "a replayed step counts as an expansion"
    for edge, at in graph.edge_script.items():
        assert 0 <= at < len(graph.expanded), f"edge {edge}: from a script of expansion {at}"
        assert at not in graph.replayed, f"edge {edge}: from a script that was proposed at a replayed step"
    assert list(graph._first_edge) == sorted(graph._first_edge), "expansions' edges are out of order"
    best = [-math.inf] * nodes
    if nodes:
        best[0] = 0.0
        assert (graph.best_edge[0], graph.depth[0], graph.num_tokens[0]) == (-1, 0, 0), "the root is not a root"
    for at, node in enumerate(graph.expanded):
        known = (graph.expanded_at[node], *graph.expanded_again.get(node, ()))
        assert at in known, f"node {node}: expanded at {known}, not {at}"
        for edge in graph._edges_of_expansion(at):
            target, advanced = graph.edge_target[edge], graph.edge_outcome[edge] == OutcomeKind.ADVANCED
            assert graph.edge_source[edge] == node, f"edge {edge}: source {graph.edge_source[edge]}, not {node}"
            assert (target >= 0) == advanced, f"edge {edge}: target {target}, outcome {graph.edge_outcome[edge]}"
            also = graph.edge_also.get(edge, ())
            assert advanced or not also, f"edge {edge}: it did not advance and leads to {also} as well"
            for target in graph.targets(edge):
                best[target] = max(best[target], graph.logprob[node] + graph.edge_logprob[edge])
    assert sum(len(graph.edge_range(node)) for node in set(graph.expanded)) == edges, "an edge belongs to no expansion"
    for node in range(nodes):
        assert graph.logprob[node] == best[node], f"node {node}: {graph.logprob[node]!r}, best is {best[node]!r}"
        edge = graph.best_edge[node]
        if node:
            source = graph.edge_source[edge]
            assert edge >= 0, f"node {node} has no best edge"
            assert node in graph.targets(edge), f"node {node}: best edge {edge} leads to {graph.targets(edge)}"
            reached = graph.logprob[source] + graph.edge_logprob[edge]
            assert graph.logprob[node] == reached, f"node {node}: log-probability is not that of its best edge"
            # Depth grows by one along every best edge, so best paths reach the root and hold no cycle.
            assert graph.depth[node] == graph.depth[source] + 1, f"node {node}: depth {graph.depth[node]}"
            tokens = graph.num_tokens[source] + graph.edge_num_tokens[edge]
            assert graph.num_tokens[node] == tokens, f"node {node}: {graph.num_tokens[node]} tokens, not {tokens}"
    _check_solved(graph)


def _check_solved(graph: SearchGraph) -> None:
    """Asserts that what is said to be provable is: each time by what was found so before."""
    known: set[int] = set()
    for node, edge in graph.solved_by.items():
        assert graph.edge_source[edge] == node, f"node {node} is solved by edge {edge} of another node"
        outcome, targets = graph.edge_outcome[edge], graph.targets(edge)
        assert outcome in (OutcomeKind.ADVANCED, OutcomeKind.FINISHED), f"node {node} is solved by a failed step"
        assert known.issuperset(targets), f"node {node} is solved by way of {targets}, not all solved before it"
        known.add(node)
