"""A search graph as if no node had been stepped at two times."""

from __future__ import annotations

from array import array

from proofsearch.graph.graph import SearchGraph


def with_one_expansion_each(graph: SearchGraph) -> SearchGraph:
    """The graph as if each node had been stepped at once, at its first time, with all of its edges.

    Edges and expansions are numbered anew; nodes keep their numbers. A node at which steps were only replayed is still
    not expanded. The graph itself where no node was expanded again and nothing was replayed.
    """
    if not graph.expanded_again:
        return graph
    expanded = list(dict.fromkeys(graph.expanded))
    order = [edge for node in expanded for edge in graph.edge_range(node)]
    number = {edge: place for place, edge in enumerate(order)}
    made = SearchGraph()
    for name in ("state", "depth", "logprob", "num_tokens", "priority", "_node_of"):
        setattr(made, name, getattr(graph, name))
    made._value, made._seconds = graph.value, graph.seconds
    made.best_edge = array("i", [number.get(edge, -1) for edge in graph.best_edge])
    made.expanded = array("i", expanded)
    made.expanded_at = array("i", (-1,)) * graph.num_nodes
    for place, node in enumerate(expanded):
        if graph.expanded_at[node] >= 0:
            made.expanded_at[node] = place
        else:
            made.expanded_again[node] = [place]
            made.replayed.add(place)
        made._first_edge.append(len(made._edge_source))
        made._edge_source.extend(array("i", (node,)) * len(graph.edge_range(node)))
    made._timed = made._sourced = len(expanded)
    made.edge_tactic = [graph.edge_tactic[edge] for edge in order]
    made.edge_logprob = array("d", [graph.edge_logprob[edge] for edge in order])
    made.edge_num_tokens = array("i", [graph.edge_num_tokens[edge] for edge in order])
    made.edge_outcome = bytearray(graph.edge_outcome[edge] for edge in order)
    made.edge_target = array("i", [graph.edge_target[edge] for edge in order])
    made.edge_also = {number[edge]: targets for edge, targets in graph.edge_also.items()}
    made.edge_message = {number[edge]: message for edge, message in graph.edge_message.items()}
    made.edge_seconds = {number[edge]: seconds for edge, seconds in graph.edge_seconds.items()}
    place_of = {node: place for place, node in enumerate(expanded)}
    made.edge_script = {number[edge]: place_of[graph.expanded[at]] for edge, at in graph.edge_script.items()}
    made.solved_by = {node: number[edge] for node, edge in graph.solved_by.items()}
    return made
