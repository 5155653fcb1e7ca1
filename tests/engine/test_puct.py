"""PUCT: visit counts worked out by hand, widening, parts, and that it proves what is provable."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, SearchStatus, search
from proofsearch.engine.puct import Puct, PuctExploration
from proofsearch.graph import check_graph, with_one_expansion_each
from proofsearch.protocols import Calibration, SearchHandle

from .fake import FINISH, REJECT, THEOREM, FakeGenerator, FakeScorer, FakeSession, World, accept_all, order, refuse_all
from .parts import PartsSession, Rules, RulesGenerator, WholeSession, random_rules

EVEN = Calibration(0.0, 1.0, 0.0, 1.0, 0.5)
"""A value v stands for 1 / (1 + exp(-v))."""


class Watched(Puct):
    """Keeps the exploration of the last search."""

    seen: PuctExploration

    def begin(self, search: SearchHandle) -> PuctExploration:
        self.seen = super().begin(search)
        return self.seen


def run(
    world: World, puct: Puct, expansions: int, values: dict[str, float] | None = None, **config: Any
) -> SearchResult:
    result = search(
        THEOREM,
        FakeSession(world),
        FakeGenerator(world),
        None if values is None else FakeScorer(values, 0.0),
        config=SearchConfig.model_validate({"limit": {"expansions": expansions}, **config}),
        accept=refuse_all,
        calibration=None if values is None else EVEN,
        strategy=puct,
    )
    check_graph(result.graph)
    return result


def chains(*shares: float, length: int = 9) -> World:
    """A root whose steps, with these probabilities, lead into long chains: a, a1, a2, … and b, b1, …"""
    world = World()
    for name, share in zip("abcdefgh", shares, strict=False):
        world.edge("root", name, math.log(share))
        for number in range(1, length):
            before = name if number == 1 else f"{name}{number - 1}"
            world.edge(before, f"{name}{number}", 0.0)
    return world


def test_visits_by_the_policy_alone() -> None:
    """All is worth 1/2, so the terms are 1/2 + P·√N/(1 + n) with N visits of the root and n of the edge:

    N = 1: a .5 + .7, b .5 + .3; 2: .995, .924; 3: .904, 1.020; 4: .967, .8; 5: .891, .835; 6: .843, .867.
    """
    puct = Watched(exploration=1.0, discount=1.0)
    result = run(chains(0.7, 0.3), puct, expansions=7)
    assert order(result.graph) == ["root", "a", "a1", "b", "a2", "a3", "b1"]
    graph = result.graph
    a, b = (graph.node_of(graph.state[node].key) for node in (1, 2))
    assert (puct.seen.visits[0], list(puct.seen.edge_visits[:2])) == (7, [4, 2])
    assert [puct.seen.visits[node] for node in (a or 0, b or 0)] == [4, 2]
    assert puct.seen.total[0] == pytest.approx(3.5)


def test_values_are_backed_up() -> None:
    """Worths 1/4 for a and 3/4 for b, and 3/4 below a, at equal probabilities, weight 0.4, without a discount.

    N = 1: a .25 + .2, b .75 + .2, so b; what is below b is worth 1/4, so b then is (.75 + .25) / 2 = .5 after one more
    turn. N = 2: a .25 + .283, b .75 + .141: b1. N = 3: a .25 + .346 = .596, b .5 + .115 = .615: b2, worth 1/4, and b
    then is 1.25 / 3 = .417. N = 4: a .25 + .4 = .65, b .417 + .1: a.
    """
    third = math.log(3)
    values = {"a": -third, "b": third, "b1": -third, "b2": -third, "b3": -third, "a1": third}
    puct = Watched(exploration=0.4, discount=1.0)
    result = run(chains(0.5, 0.5), puct, expansions=5, values=values)
    assert order(result.graph) == ["root", "b", "b1", "b2", "a"]
    b = order(result.graph).index("b")
    node = result.graph.expanded[b]
    assert puct.seen.worth(node) == pytest.approx(1.25 / 3)
    assert puct.seen.total[0] == pytest.approx(0.5 + 0.75 + 0.25 + 0.25 + 0.25)


def test_a_step_costs_the_discount() -> None:
    """Catches a discount that is taken once a turn, or not at all: two steps down it counts twice."""
    puct = Watched(exploration=1.0, discount=0.9)
    run(chains(1.0), puct, expansions=3)
    assert puct.seen.total[0] == pytest.approx(0.5 + 0.9 * 0.5 + 0.9 * 0.9 * 0.5)


def test_a_node_is_expanded_again_as_its_visits_grow() -> None:
    """Catches candidates that are tried twice, and a widening that never comes. 1·√N turns are allowed at a node."""
    world = chains(0.5, 0.3, 0.15, 0.05)
    puct = Watched(exploration=1.0, discount=1.0, widening=1.0)
    session = FakeSession(world)
    generator = FakeGenerator(world)
    result = search(
        THEOREM,
        session,
        generator,
        config=SearchConfig.model_validate({"limit": {"expansions": 5}, "candidates": 2}),
        accept=refuse_all,
        strategy=puct,
    )
    check_graph(result.graph)
    assert order(result.graph) == ["root", "a", "b", "a1", "root"]
    tried = [tactic for text, tactic in session.tried if text == "root"]
    assert tried == ["to a", "to b", "to c", "to d"]
    assert list(result.graph.edge_range(0)) == [0, 1, 5, 6]


def test_a_dead_end_is_left_alone() -> None:
    """Catches turns that go on being wasted below what can't lead on."""
    world = World().edge("root", "dead", -0.1).edge("root", "b", -3.0).edge("dead", REJECT, -0.1)
    world.edge("b", "c", -0.1).edge("c", FINISH, -0.1)
    result = search(
        THEOREM, FakeSession(world), FakeGenerator(world), config=SearchConfig(), accept=accept_all, strategy=Puct()
    )
    assert (result.status, result.tactics) == (SearchStatus.PROVED, ("to b", "to c", "to !finish"))
    assert result.expansions <= 6


def test_a_step_to_parts_is_worth_their_product_and_the_poorest_is_next() -> None:
    rules = Rules().rule("root", -0.1, "x", "y").rule("x", -0.1, "x2").rule("y", -0.1, "y2")
    values = {"x": 2.0, "y": -1.0}
    puct = Watched(exploration=1.0, discount=1.0)
    result = search(
        THEOREM,
        PartsSession(rules),
        RulesGenerator(rules),
        FakeScorer(values, 0.0),
        config=SearchConfig.model_validate({"limit": {"expansions": 2}}),
        accept=refuse_all,
        calibration=EVEN,
        strategy=puct,
    )
    assert order(result.graph) == ["root", "y"]
    x, y = 1 / (1 + math.exp(-2.0)), 1 / (1 + math.exp(1.0))
    assert puct.seen.total[0] == pytest.approx(0.5 + x * y)


@settings(max_examples=60)
@given(st.integers(0, 5_000), st.booleans())
@example(4732, True)  # a part that is proved elsewhere has a step back to itself
def test_it_proves_exactly_what_is_provable(seed: int, apart: bool) -> None:
    """Catches proofs of nothing, ends that come too early, and turns that never end."""
    rules = random_rules(seed)
    session = (PartsSession if apart else WholeSession)(rules)
    result = search(
        THEOREM,
        session,
        RulesGenerator(rules),
        config=SearchConfig.model_validate({"limit": {"expansions": 3_000}}),
        accept=accept_all,
        strategy=Puct(),
    )
    check_graph(result.graph)
    if set(rules.root) <= rules.provable():
        assert result.status == SearchStatus.PROVED
    else:
        assert result.status in (SearchStatus.EXHAUSTED, SearchStatus.LIMIT)
        assert result.status == SearchStatus.EXHAUSTED or not apart


@given(st.integers(0, 1_000))
def test_the_same_search_again(seed: int) -> None:
    """Catches an order that depends on a set."""
    rules = random_rules(seed)
    runs = [
        search(
            THEOREM,
            PartsSession(rules),
            RulesGenerator(rules),
            config=SearchConfig.model_validate({"limit": {"expansions": 50}}),
            strategy=Puct(),
        )
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert order(runs[0].graph) == order(runs[1].graph)


def test_what_was_expanded_again_is_written_as_one_expansion() -> None:
    """Catches edges that a trajectory loses, counts twice, or gives to another node."""
    puct = Puct(exploration=1.0, discount=1.0, widening=1.0)
    result = run(chains(0.5, 0.3, 0.15, 0.05), puct, expansions=9, candidates=2)
    graph = result.graph
    assert graph.expanded_again
    once = with_one_expansion_each(graph)
    check_graph(once)
    assert len(once.expanded) == len(set(graph.expanded)) < len(graph.expanded)
    for node in range(graph.num_nodes):
        assert once.path(node) == graph.path(node)
        for column in ("edge_tactic", "edge_target", "edge_logprob", "edge_source"):
            before, after = getattr(graph, column), getattr(once, column)
            assert [before[edge] for edge in graph.edge_range(node)] == [after[edge] for edge in once.edge_range(node)]
