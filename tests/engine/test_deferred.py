"""Deferred evaluation. Would catch: an unscored node expanded, a score asked twice or for nothing, a lost node."""

from __future__ import annotations

import math
from collections import Counter
from math import nan
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, SearchStatus, search
from proofsearch.engine.optimistic import OPTIMISM, Optimistic
from proofsearch.errors import UsageError
from proofsearch.graph import SearchGraph
from proofsearch.protocols import Calibration

from .fake import THEOREM, FakeGenerator, FakeScorer, FakeSession, World, order, random_world, refuse_all
from .test_order import KINDS, random_values


def run(world: World, scorer: FakeScorer, *, calibration: Calibration | None = None, **config: Any) -> SearchResult:
    settings = SearchConfig.model_validate({"limit": {"expansions": 60}, **config})
    session, generator = FakeSession(world), FakeGenerator(world)
    return search(THEOREM, session, generator, scorer, config=settings, accept=refuse_all, calibration=calibration)


def small() -> World:
    world = World()
    for name, logprob in (("a", -1.0), ("b", -2.0)):
        world.edge("root", name, logprob)
    for name, logprob in (("a1", -1.0), ("a2", -2.0), ("a3", -3.0)):
        world.edge("a", name, logprob)
    world.edge("a2", "a21", -1.0)
    return world


def test_the_likeliest_are_scored_and_the_others_wait_with_their_mean_until_they_are_next() -> None:
    scorer = FakeScorer({"a": -1.0, "b": -3.0, "a1": -9.0, "a2": -2.0, "a3": 0.0, "a4": -0.5, "a21": -2.5})
    world = small().edge("a", "a4", -4.0)
    found = run(world, scorer, defer=2, priority={"kind": "value", "goal_weight": 0})
    # a3 and a4 wait with the mean of a1 and a2, -5.5, until everything better is expanded. Then both are scored.
    assert scorer.calls == [["a", "b"], ["a1", "a2"], ["a21"], ["a3", "a4"]]
    assert order(found.graph) == ["root", "a", "a2", "a21", "b", "a3", "a4", "a1"]


def test_without_a_value_among_the_scored_siblings_the_others_wait_with_their_parents() -> None:
    scorer = FakeScorer({"a": -1.0, "b": -3.0, "a2": -2.0, "a3": -2.0, "a21": -4.0}, default=None)
    found = run(small(), scorer, defer=1, priority={"kind": "value", "goal_weight": 0})
    # Of a's children a1 comes first, and gets no value: it and the others are as good as a.
    assert scorer.calls[:2] == [["a"], ["a1"]]
    assert order(found.graph)[:3] == ["root", "a", "a1"]


@given(
    st.integers(0, 10**6),
    st.sampled_from([kind for kind in KINDS if kind != "split"]),
    st.integers(0, 4),
    st.sampled_from([0.0, 0.02]),
)
def test_what_is_expanded_was_scored_and_nothing_twice(seed: int, kind: str, together: int, missing: float) -> None:
    world = random_world(seed)
    scorer = FakeScorer(random_values(seed, world, ties=False, missing=missing))
    found = run(world, scorer, defer=together, priority={"kind": kind, "goal_weight": 0})
    asked = Counter(text for call in scorer.calls for text in call)
    assert max(asked.values(), default=1) == 1
    assert found.scored == asked.total()
    trusted = not any("not asked" in message for message in found.messages)
    if trusted:
        assert set(order(found.graph)[1:]) <= set(asked)
    eager = run(world, FakeScorer(scorer.values), priority={"kind": kind, "goal_weight": 0})
    if found.status == eager.status == SearchStatus.EXHAUSTED:
        assert sorted(order(found.graph)) == sorted(order(eager.graph))
    for node, value in enumerate(found.graph.value):
        if not math.isnan(value):
            assert value == scorer.values[found.graph.state[node].text]


@given(st.integers(0, 10**6), st.integers(0, 4))
def test_where_values_are_all_alike_the_order_is_that_of_scoring_at_once(seed: int, together: int) -> None:
    world = random_world(seed)
    priority = {"kind": "astar", "goal_weight": 0}
    late, at_once = FakeScorer({}, 1.0), FakeScorer({}, 1.0)
    found = run(world, late, defer=together, priority=priority)
    assert order(found.graph) == order(run(world, at_once, priority=priority).graph)
    assert len(late.requests) <= len(at_once.requests)


def test_fewer_states_are_scored() -> None:
    world = random_world(3, states=2000, branching=32)
    values = random_values(3, world, ties=False, missing=0.0)
    late, at_once = FakeScorer(values), FakeScorer(values)
    run(world, late, defer=2, priority={"kind": "logprob"})
    run(world, at_once, priority={"kind": "logprob"})
    assert 0 < len(late.requests) < len(at_once.requests) / 2


def test_a_sibling_that_became_too_deep_stays_off_the_frontier() -> None:
    world = World()
    world.edge("root", "a", -1.0).edge("root", "b", -1.5).edge("a", "x", -9.0).edge("a", "y", -9.5)
    world.edge("b", "c", -0.1).edge("c", "x", -0.1)  # a better way to x, three steps deep
    found = run(world, FakeScorer({}, 0.0), defer=2, max_depth=3, priority={"kind": "logprob", "goal_weight": 0})
    assert order(found.graph) == ["root", "a", "b", "c", "y"]


def test_nothing_is_scored_once_a_limit_is_reached() -> None:
    scorer = FakeScorer({}, 0.0)
    run(small(), scorer, defer=1, limit={"expansions": 2}, priority={"kind": "logprob"})
    assert scorer.calls == [["a"], ["a1"]]


@pytest.mark.parametrize("kind", ["reranked", "split"])
def test_some_priorities_need_every_score_at_once(kind: str) -> None:
    with pytest.raises(UsageError, match=f"--defer: the priority {kind} needs all scores at once"):
        run(small(), FakeScorer({}, 0.0), defer=2, priority={"kind": kind})


def test_none_at_once_each_waits_with_what_its_parent_promises_and_is_scored_when_it_is_next() -> None:
    scorer = FakeScorer({"a": -1.0, "b": -3.0, "a1": -9.0, "a2": -2.0, "a3": 0.0, "a21": -2.5})
    found = run(small(), scorer, defer=0, priority={"kind": "value", "goal_weight": 0})
    # Nothing is known of the root: b waits with the value of a, so it is next, and is no good. Of a's children each is
    # looked at in turn, while the others wait with a's value or better.
    assert scorer.calls == [["a"], ["b"], ["a1"], ["a2"], ["a3"], ["a21"]]
    assert order(found.graph) == ["root", "a", "a3", "a2", "a21", "b", "a1"]


def test_none_at_once_a_calibrated_value_scores_few_more_than_are_expanded() -> None:
    world = random_world(3, states=2000, branching=32)
    values = random_values(3, world, ties=False, missing=0.0)
    calibration = Calibration(0.0, 1.0, -10.0, 5.0, 0.02, 0.1)
    few, more = FakeScorer(values), FakeScorer(values)
    lazy, eager = (
        run(world, scorer, defer=defer, calibration=calibration, priority={"kind": "mix"})
        for scorer, defer in ((few, 0), (more, 4))
    )
    assert lazy.expansions == eager.expansions
    assert lazy.expansions - 1 <= len(few.requests) < len(more.requests)
    assert {len(call) for call in few.calls} == {1}


def test_what_children_are_worth_is_learnt_from_those_that_were_scored() -> None:
    """Children are worth half of their parents and 3 less, with a spread of 1 around that."""
    random = Random(0)
    deferred = Optimistic(None)
    columns = SimpleNamespace(value=[nan], best_edge=[-1], edge_source=[], logprob=[0.0])

    def child(parent: int) -> int:
        columns.best_edge.append(len(columns.edge_source))
        columns.edge_source.append(parent)
        columns.value.append(nan)
        columns.logprob.append(-1.0)
        return len(columns.value) - 1

    graph = cast(SearchGraph, columns)
    parent = child(0)
    for _ in range(500):
        columns.value[parent] = random.uniform(-10, 10)
        node = child(parent)
        assert deferred.add([range(node, node + 1)], graph) == []
        assert deferred.take(node, graph) == [node]
        columns.value[node] = columns.value[parent] / 2 - 3 + random.gauss(0, 1)
        deferred.estimate(graph)
        assert node not in deferred
    for value in (-8.0, 0.0, 8.0):
        columns.value[parent] = value
        node = child(parent)
        deferred.add([range(node, node + 1)], graph)
        assert deferred.estimates[node] == pytest.approx(value / 2 - 3 + OPTIMISM, abs=0.2)
