"""Would catch: unproved, unexpanded or unanswered taken for disproved, a shortest distance that is not."""

from __future__ import annotations

import pytest
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
                    st.sampled_from([A, A, A, A, A, R, R, F, OutcomeKind.REFUSED, OutcomeKind.CRASHED]),
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
    outcomes = {node: [kind for source, _, kind in rows if source == node] for node in nodes}
    answered = {node for node in nodes if expanded[node] and any(kind in (A, F, R) for kind in outcomes[node])}
    refused = {node for node in nodes if OutcomeKind.REFUSED in outcomes[node]}
    found = []
    for node in nodes:
        reach = {node}
        for _ in nodes:
            reach |= {target for source, target, kind in rows if kind == A and source in reach}
        enough = len(reach & answered) >= min_expansions
        exhausted = reach <= answered and all(kind in (A, F, R) for other in reach for kind in outcomes[other])
        if reach & remaining.keys():
            found.append(POSITIVE)
        elif expanded[node] and not reach & refused and (enough or exhausted):
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


def test_a_refused_finish_is_no_proof_and_says_nothing_against_the_state():
    """0 → 1 (refused there), 0 → 2 (accepted there)."""
    edges = LabelledEdges([0, 0, 1, 2], [1, 2, -1, -1], [A, A, OutcomeKind.REFUSED, F])
    labels = label([True, True, True], edges, proved=True)
    assert labels.label == [POSITIVE, UNKNOWN, POSITIVE]
    assert labels.remaining == [2, -1, 1]


T, C = OutcomeKind.TIMED_OUT, OutcomeKind.CRASHED


@pytest.mark.parametrize("min_expansions", [1, 2, 4])
@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [([R], NEGATIVE), ([R, R], NEGATIVE), ([], UNKNOWN), ([T], UNKNOWN), ([T, C], UNKNOWN), ([C, C, C], UNKNOWN)],
)
def test_what_was_not_answered_says_nothing(min_expansions, outcomes, expected):
    """0 → 1 (proved), 0 → 2 → 3: what came of node 3 decides about it and, as all that is below, about node 2."""
    edges = LabelledEdges(
        [0, 0, 1, 2, *(3 for _ in outcomes)], [1, 2, -1, 3, *(-1 for _ in outcomes)], [A, A, F, A, *outcomes]
    )
    labels = label([True] * 4, edges, proved=True, min_expansions=min_expansions)
    assert labels.label[3] == expected
    # With a demand of one expansion, that of node 2 itself is enough.
    assert labels.label[2] == (NEGATIVE if min_expansions == 1 else expected)


def test_a_tactic_without_an_answer_leaves_its_state_to_the_budget():
    """0 → 1 (proved), 0 → 2: one tactic there is rejected, the other runs out of time, and might have been a proof."""
    edges = LabelledEdges([0, 0, 1, 2, 2], [1, 2, -1, -1, -1], [A, A, F, R, T])
    assert label([True] * 3, edges, proved=True, min_expansions=1).label[2] == NEGATIVE
    assert label([True] * 3, edges, proved=True, min_expansions=2).label[2] == UNKNOWN
