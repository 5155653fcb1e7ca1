"""Would catch: unproved taken for disproved, unexpanded taken for negative, a shortest distance that is not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.trajectory.labels import NEGATIVE, POSITIVE, UNKNOWN, LabelledEdges, decisions, label
from proofsearch.types import OutcomeKind

A, F, R = OutcomeKind.ADVANCED, OutcomeKind.FINISHED, OutcomeKind.REJECTED


@st.composite
def graphs(draw):
    """Any directed graph with cycles, loops, several edges between two nodes, and nodes that nothing reaches."""
    nodes = draw(st.integers(1, 12))
    expanded = draw(st.lists(st.booleans(), min_size=nodes, max_size=nodes))
    sources = [node for node in range(nodes) if expanded[node]]
    rows = []
    if sources:
        rows = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(sources),
                    st.integers(0, nodes - 1),
                    st.sampled_from([A, A, A, A, F, R, OutcomeKind.REFUSED, OutcomeKind.CRASHED]),
                ),
                max_size=30,
            )
        )
    return (
        expanded,
        LabelledEdges(
            [source for source, _, _ in rows],
            [target if kind == A else -1 for _, target, kind in rows],
            [int(kind) for _, _, kind in rows],
        ),
    )


def slow_labels(expanded, edges, min_expansions):
    """The definition, word for word: paths by relaxation, subtrees by closure."""
    nodes = range(len(expanded))
    rows = list(zip(edges.source, edges.target, edges.outcome, strict=True))
    remaining = {node: 1 for node in nodes if any(s == node and k == F for s, _, k in rows)}
    for _ in nodes:
        for source, target, kind in rows:
            if kind == A and target in remaining:
                remaining[source] = min(remaining.get(source, 10**9), remaining[target] + 1)
    found = []
    for node in nodes:
        reach = {node}
        for _ in nodes:
            reach |= {target for source, target, kind in rows if kind == A and source in reach}
        enough = sum(expanded[other] for other in reach) >= min_expansions
        exhausted = all(expanded[other] for other in reach)
        if reach & remaining.keys():
            found.append(POSITIVE)
        elif expanded[node] and (enough or exhausted):
            found.append(NEGATIVE)
        else:
            found.append(UNKNOWN)
    return found, [remaining.get(node, -1) for node in nodes]


@settings(max_examples=400)
@given(graphs(), st.integers(1, 8))
def test_labels_are_the_definition(graph, min_expansions):
    expanded, edges = graph
    labels = label(expanded, edges, proved=True, min_expansions=min_expansions)
    assert (labels.label, labels.remaining) == slow_labels(expanded, edges, min_expansions)


@given(graphs(), st.integers(1, 8))
def test_a_failed_search_says_nothing(graph, min_expansions):
    expanded, edges = graph
    labels = label(expanded, edges, proved=False, min_expansions=min_expansions)
    assert set(labels.label) == {UNKNOWN}
    assert set(labels.remaining) == {-1}


@given(graphs(), st.integers(1, 7))
def test_more_demand_never_makes_more_negatives(graph, min_expansions):
    expanded, edges = graph
    few = label(expanded, edges, proved=True, min_expansions=min_expansions)
    many = label(expanded, edges, proved=True, min_expansions=min_expansions + 1)
    for node, (before, after) in enumerate(zip(few.label, many.label, strict=True)):
        assert after == before or (before, after) == (NEGATIVE, UNKNOWN)
        assert expanded[node] or before != NEGATIVE


@given(graphs())
def test_decisions_are_the_definition(graph):
    expanded, edges = graph
    labels = label(expanded, edges, proved=True)
    found = {decision.node: decision for decision in decisions(expanded, edges, labels)}
    for node in range(len(expanded)):
        rows = [
            (edge, target)
            for edge, (source, target, kind) in enumerate(zip(edges.source, edges.target, edges.outcome, strict=True))
            if source == node and kind == A and target != node
        ]
        children = list(dict.fromkeys(target for _, target in rows))
        wanted = len(children) >= 2 and any(labels.label[child] == POSITIVE for child in children)
        assert (node in found) == wanted
        if wanted:
            decision = found[node]
            assert list(decision.children) == children
            assert list(decision.edges) == [min(e for e, target in rows if target == child) for child in children]
            assert list(decision.positive) == [labels.label[child] == POSITIVE for child in children]


def test_a_refused_finish_is_no_proof():
    """0 → 1 (refused there), 0 → 2 (accepted there)."""
    edges = LabelledEdges([0, 0, 1, 2], [1, 2, -1, -1], [A, A, OutcomeKind.REFUSED, F])
    labels = label([True, True, True], edges, proved=True)
    assert labels.label == [POSITIVE, NEGATIVE, POSITIVE]
    assert labels.remaining == [2, -1, 1]
