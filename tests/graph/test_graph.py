"""The graph's invariants while random searches build it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import LimitConfig, PriorityConfig, SearchConfig
from proofsearch.engine import SearchGraph, SearchResult, search
from proofsearch.errors import PluginError
from proofsearch.graph import check_graph
from proofsearch.types import Finished, OutcomeKind, Rejected, Theorem
from tests.engine.fake import (
    CRASH,
    FINISH,
    REJECT,
    THEOREM,
    FakeGenerator,
    FakeSession,
    FakeState,
    World,
    random_world,
    refuse_all,
)


class Checking:
    """An observer that checks every invariant after every expansion, and that the graph never contradicts itself."""

    def __init__(self) -> None:
        self.logprobs: list[float] = []

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        check_graph(graph)

    def expanded(self, graph: SearchGraph, node: int) -> None:
        check_graph(graph)
        for before, after in zip(self.logprobs, graph.logprob, strict=False):
            assert after >= before, "a best path got worse"
        self.logprobs = graph.logprob.tolist()

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        check_graph(graph)


def explore(world: World, **config: object) -> SearchGraph:
    limits = LimitConfig(expansions=60)
    settings = SearchConfig.model_validate({"limit": limits, "priority": PriorityConfig(kind="logprob"), **config})
    observers = [Checking()]
    return search(
        THEOREM, FakeSession(world), FakeGenerator(world), config=settings, accept=refuse_all, observers=observers
    ).graph


# Priorities other than log-probability expand nodes before their best path is known, so that gains must be carried on.
kinds = st.sampled_from(["logprob", "normalized"])


@given(st.integers(0, 10**6), st.booleans(), kinds, st.sampled_from([1, 3]))
def test_invariants_hold_after_every_expansion(seed: int, ties: bool, kind: str, batch: int) -> None:
    """Catches a lost merge, a best path that is not the best, a cycle among best edges, columns out of step."""
    explore(
        random_world(seed, ties=ties, finish=0.05), batch=batch, priority=PriorityConfig.model_validate({"kind": kind})
    )


@given(st.integers(0, 10**6), st.booleans())
def test_every_path_replays_to_its_node(seed: int, ties: bool) -> None:
    """Catches a path that mixes tactics of two parents."""
    world = random_world(seed, ties=ties)
    graph = explore(world, priority=PriorityConfig(kind="normalized"))
    for node in range(graph.num_nodes):
        at, logprob, num_tokens = world.root, 0.0, 0
        path = graph.path(node)
        for tactic in path:
            candidate = next(c for c in world.policy[at] if c.tactic == tactic)
            at, logprob = world.steps[at, tactic], logprob + candidate.logprob
            num_tokens += candidate.num_tokens
        assert (at, num_tokens, len(path)) == (graph.state[node].text, graph.num_tokens[node], graph.depth[node])
        assert logprob == pytest.approx(graph.logprob[node], abs=1e-9)


@given(st.integers(0, 10**6))
def test_edges_say_what_happened(seed: int) -> None:
    """Catches an outcome, message or target on the wrong edge."""
    world = random_world(seed, finish=0.05)
    graph = explore(world)
    marks = {FINISH: OutcomeKind.REFUSED, REJECT: OutcomeKind.REJECTED, "!time-out": OutcomeKind.TIMED_OUT}
    marks[CRASH] = OutcomeKind.CRASHED
    edge = 0
    for node in graph.expanded:
        state = graph.state[node].text
        assert list(graph.edge_range(node)) == list(range(edge, edge + len(world.policy.get(state, []))))
        for candidate in world.policy.get(state, []):
            target = world.steps[state, candidate.tactic]
            assert graph.edge_source[edge] == node
            assert graph.edge_tactic[edge] == candidate.tactic
            assert graph.edge_logprob[edge] == candidate.logprob
            assert graph.edge_num_tokens[edge] == candidate.num_tokens
            assert graph.edge_outcome[edge] == marks.get(target, OutcomeKind.ADVANCED)
            assert graph.edge_target[edge] == (-1 if target in marks else graph.node_of(target))
            says_why = target in (FINISH, REJECT, CRASH)
            assert (edge in graph.edge_message) == says_why, "messages are kept exactly where there is one"
            edge += 1
    assert edge == graph.num_edges


@given(st.integers(0, 10**6))
def test_parents_are_all_distinct_sources(seed: int) -> None:
    """Catches a stale or repeating reverse index."""
    graph = explore(random_world(seed))
    for node in range(graph.num_nodes):
        sources = [s for s, t in zip(graph.edge_source, graph.edge_target, strict=True) if t == node]
        assert graph.parents(node) == tuple(dict.fromkeys(sources))


def expansion(graph: SearchGraph, source: str, *targets: tuple[str, float]) -> list[str]:
    """Expands a node by hand; returns the texts of the nodes whose best path changed."""
    node = graph.node_of(source)
    assert node is not None
    before = graph.num_nodes
    changed = graph.expand(
        node,
        [f"to {target}" for target, _ in targets],
        [logprob for _, logprob in targets],
        [1] * len(targets),
        [FakeState(target) for target, _ in targets],
        {},
        1.0,
    )
    graph.priority.extend([math.nan] * (graph.num_nodes - before))
    check_graph(graph)
    return [graph.state[node].text for node in changed]


def test_a_better_path_is_carried_through_expanded_nodes() -> None:
    """Catches 'best cost kept' that stops at the merged node itself."""
    graph = SearchGraph(FakeState("root"))
    assert expansion(graph, "root", ("a", -5.0), ("b", -1.0)) == []
    assert expansion(graph, "a", ("c", -1.0), ("root", 0.0)) == []
    assert expansion(graph, "c", ("d", -1.0), ("a", 0.0)) == []
    assert expansion(graph, "b", ("a", -1.0)) == ["a", "c", "d"]
    d = graph.node_of("d")
    assert d is not None
    assert (graph.logprob[d], graph.depth[d], graph.path(d)) == (-4.0, 4, ("to b", "to a", "to c", "to d"))


def test_the_first_of_equal_paths_is_kept() -> None:
    """Catches a tie that flips the best edge, which would make the search depend on chance."""
    graph = SearchGraph(FakeState("root"))
    expansion(graph, "root", ("a", -1.0), ("b", 0.0))
    assert expansion(graph, "b", ("a", -1.0)) == []
    a = graph.node_of("a")
    assert a is not None
    assert graph.path(a) == ("to a",)
    assert graph.parents(a) == (0, 2)


def test_one_expansion_may_reach_a_state_twice() -> None:
    """Catches a second node for the twin, and the worse of the two log-probabilities."""
    graph = SearchGraph(FakeState("root"))
    tactics, kinds = ["a", "b", "c", "d"], [-3.0, -9.0, -1.0, -2.0]
    states = [FakeState("x"), FakeState("x"), FakeState("y")]
    assert list(graph.expand(0, tactics, kinds, [1, 1, 2, 1], states, {1: Rejected("no")}, 1.0)) == [1]
    graph.priority.extend([math.nan] * 2)
    check_graph(graph)
    assert (graph.num_nodes, list(graph.edge_target), graph.path(1), graph.logprob[1]) == (3, [1, -1, 1, 2], ("c",), -1)


def test_depth_follows_a_gain_that_rounding_swallows() -> None:
    """Catches a depth that goes stale: the parent's sum gains 1e-20, the child's stays as it was."""
    graph = SearchGraph(FakeState("root"))
    expansion(graph, "root", ("a", -2e-20), ("b", 0.0))
    expansion(graph, "a", ("c", -1.0))
    expansion(graph, "b", ("a", -1e-20))  # check() compares depths
    c = graph.node_of("c")
    assert c is not None
    assert (graph.logprob[c], graph.depth[c]) == (-1.0, 3)


def test_an_unknown_outcome_is_the_environments_error() -> None:
    """Catches a session that returns None for a step being blamed on the engine."""
    graph = SearchGraph(FakeState("root"))
    broken: Any = {0: None}
    with pytest.raises(PluginError, match="returned None for a step"):
        graph.expand(0, ["t"], [-1.0], [1], [], broken, 0.0)


@pytest.mark.parametrize(
    "damage",
    [
        lambda graph: graph.logprob.__setitem__(1, -0.5),
        lambda graph: graph.depth.__setitem__(2, 7),
        lambda graph: graph.num_tokens.__setitem__(2, 7),
        lambda graph: graph.best_edge.__setitem__(1, 1),
        lambda graph: graph.value.append(0.0),
        lambda graph: graph.edge_target.__setitem__(0, -1),
        lambda graph: graph.expanded_at.__setitem__(1, 3),
        lambda graph: graph.state.__setitem__(1, FakeState("root")),
    ],
)
def test_check_notices_damage(damage: Callable[[SearchGraph], None]) -> None:
    """Catches a check() that checks nothing, on which the property tests above rely."""
    graph = SearchGraph(FakeState("root"))
    expansion(graph, "root", ("a", -1.0), ("b", -2.0))
    damage(graph)
    with pytest.raises(AssertionError):
        check_graph(graph)


def test_a_finished_step_makes_no_node() -> None:
    """Catches a proof that is searched on from."""
    graph = SearchGraph(FakeState("root"))
    graph.expand(0, ["t", "u"], [-1.0, -2.0], [1, 1], [], {0: Finished()}, 0.0)
    check_graph(graph)
    assert (graph.num_nodes, graph.num_edges, list(graph.edge_outcome)) == (1, 1, [OutcomeKind.FINISHED])
