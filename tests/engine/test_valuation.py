"""Scores put off in the and-or search. Would catch: an unscored part expanded, a score asked twice or too early."""

from __future__ import annotations

import math
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.engine import SearchStatus
from proofsearch.graph import check_graph
from proofsearch.protocols import Calibration
from proofsearch.types import Verdict

from .fake import FakeScorer, order, refuse_all
from .parts import Rules, random_rules
from .test_and_or import RULES, replayed, run

DEFER = st.integers(0, 4)
CALIBRATION = Calibration(-5.0, 2.0, -4.0, 1.5, 0.5)


def random_values(seed: int, rules: Rules, missing: float = 0.0) -> dict[str, float | None]:
    """A value for each goal, but for a share of them."""
    draws = Random(seed)
    return {name: None if draws.random() < missing else draws.gauss(-5.0, 2.0) for name in rules.of}


def nats_to_go(rules: Rules) -> dict[str, float | None]:
    """Minus what the cheapest proof of each goal costs: an exact value; far below the others where there is none."""
    cost = dict.fromkeys(rules.of, 1e6)
    for _ in range(len(cost) + 1):
        for goal, ways in rules.of.items():
            cost[goal] = min(
                [1e6, *(sum((cost.get(one, 1e6) for one in left), -logprob) for logprob, left in ways.values())]
            )
    return {goal: -least for goal, least in cost.items()}


def branching() -> Rules:
    """Two ways, the likelier one of two parts, and siblings below that lead nowhere."""
    rules = Rules().rule("root", -0.5, "a", "b").rule("root", -1.0, "c").rule("root", -6.0, "d")
    rules.rule("a", -0.5, "a1").rule("a", -0.6, "a2").rule("a", -4.0, "a3").rule("a1", -9.0).rule("a2", -0.1)
    return rules.rule("b", -0.7).rule("c", -12.0).rule("d", -14.0)


def test_none_at_once_a_part_is_scored_when_the_cheapest_proof_needs_it() -> None:
    scorer = FakeScorer({"a": -0.7, "b": -0.7, "c": -12.0, "a1": -9.0, "a2": -0.1})
    found = run(branching(), scorer, config={"defer": 0, "priority": {"kind": "astar", "goal_weight": 0}})
    # Nothing is known at first, so a is scored at once and the others wait with its value: c is cheapest then, and no
    # good. Of a's children a1 is next, and no good, then a2. The last open part is b. Nobody asks about d and a3.
    assert scorer.calls == [["a"], ["c"], ["a1"], ["a2"], ["b"]]
    assert found.tactics == ("root by a b", "a by a2", "a2 by itself", "b by itself")


def test_the_likeliest_of_an_expansion_at_once_the_others_wait_with_their_mean() -> None:
    rules = Rules()
    for name, logprob in (("a", -1.0), ("b", -2.0), ("c", -3.0), ("d", -4.0)):
        rules.rule("root", logprob, name).rule(name, -1.0, f"{name}1").rule(f"{name}1", -9.0, f"{name}2")
    scorer = FakeScorer({"a": -9.0, "b": -3.0, "c": -1.0, "d": -2.0}, default=-0.5)
    found = run(rules, scorer, config={"defer": 2, "priority": {"kind": "astar", "goal_weight": 0}})
    # b costs 2 + 3; c waits with the mean of a and b, 6, and costs 3 + 6: b is next, and b1 after it, scored alone.
    assert scorer.calls[:2] == [["a", "b"], ["b1"]]
    # Behind b1 there are b2's nine nats; then c comes to the front, and d is scored with it.
    assert ["c", "d"] in scorer.calls
    assert order(found.graph)[:3] == ["root", "b", "b1"]


@given(st.integers(0, 10**6), DEFER, st.sampled_from([0.0, 0.1]), st.booleans())
def test_what_is_expanded_was_scored_and_nothing_twice(
    seed: int, together: int, missing: float, calibrated: bool
) -> None:
    rules = random_rules(seed, goals=20)
    scorer = FakeScorer(random_values(seed, rules, missing))
    arguments: dict[str, Any] = {"calibration": CALIBRATION if calibrated else None}
    found = run(rules, scorer, config={"defer": together}, **arguments)
    check_graph(found.graph)
    asked = Counter(text for call in scorer.calls for text in call)
    assert max(asked.values(), default=1) == 1
    assert found.scored == asked.total()
    if not any("not asked" in message for message in found.messages):
        assert set(order(found.graph)[1:]) <= set(asked)
    for node, value in enumerate(found.graph.value):
        if not math.isnan(value):
            assert value == scorer.values[found.graph.state[node].text]
    assert (found.status == SearchStatus.PROVED) == (rules.provable() >= set(rules.root))
    assert found.tactics is None or replayed(rules, found.tactics)


@given(RULES, DEFER)
def test_the_same_search_twice(rules: Rules, together: int) -> None:
    values = random_values(0, rules)
    config = {"defer": together}
    assert run(rules, FakeScorer(values), config=config) == run(rules, FakeScorer(values), config=config)


@given(RULES, DEFER)
def test_where_values_are_all_alike_the_search_is_that_of_scoring_at_once(rules: Rules, together: int) -> None:
    """Catches an estimate that is no value's, and a walk that ends elsewhere after a score."""
    config = {"priority": {"kind": "astar", "goal_weight": 0}}
    late, at_once = FakeScorer({}, -1.0), FakeScorer({}, -1.0)
    found = run(rules, late, config={"defer": together, **config})
    expected = run(rules, at_once, config=config)
    assert (order(found.graph), found.tactics) == (order(expected.graph), expected.tactics)
    assert len(late.requests) <= len(at_once.requests)


@pytest.mark.parametrize("together", [0, 2, 4])
def test_an_exact_value_leads_to_the_same_proof(together: int) -> None:
    """Catches a score that comes and doesn't count: below, the right way is not the likeliest."""
    rules = branching()
    late, at_once = (FakeScorer(nats_to_go(rules), default=-1e6) for _ in range(2))
    config = {"priority": {"kind": "astar", "goal_weight": 0}}
    found = run(rules, late, config={"defer": together, **config})
    expected = run(rules, at_once, config=config)
    assert found.tactics == expected.tactics == ("root by a b", "a by a2", "a2 by itself", "b by itself")
    assert found.expansions == expected.expansions
    assert len(late.requests) < len(at_once.requests) or together == 4


@pytest.mark.parametrize("together", [0, 2])
def test_a_scorer_that_is_given_up_in_the_middle(together: int) -> None:
    """Catches a search that waits for scores which don't come, and costs on two scales: what is left is likeliest."""
    rules = Rules()
    for number in range(30):
        rules.rule("root", -1.0 - number / 100, f"g{number}").rule(f"g{number}", -1.0, *(["on"] if number < 29 else []))
    scorer = FakeScorer({f"g{number}": -3.0 for number in range(19)}, default=None)
    found = run(rules, scorer, calibration=CALIBRATION, config={"defer": together})
    assert any("scorer not asked" in message for message in found.messages)
    assert found.status == SearchStatus.PROVED
    assert 20 <= found.scored < 30
    expanded = [name for name in order(found.graph) if name.startswith("g")]
    assert expanded == [f"g{number}" for number in range(30)]


@given(RULES, DEFER, st.integers(0, 3))
def test_after_refusals_parts_are_still_scored_first(rules: Rules, together: int, stern: int) -> None:
    """Catches a part that is scored after it was expanded, where all ways are dead and anything left is tried."""
    asked: list[tuple[str, ...]] = []

    def accept(path: tuple[str, ...]) -> tuple[Verdict, None]:
        asked.append(path)
        return Verdict(stern > 0 and len(path) % 4 >= stern, "by length 1.0", "the length is wrong"), None

    scorer = FakeScorer(random_values(1, rules))
    found = run(rules, scorer, accept=accept, config={"defer": together})
    check_graph(found.graph)
    assert len(set(asked)) == len(asked)
    scored = [text for call in scorer.calls for text in call]
    assert len(set(scored)) == len(scored)
    assert set(order(found.graph)[1:]) <= set(scored)


@pytest.mark.parametrize("together", [0, 2])
def test_what_is_too_deep_is_not_brought_to_the_front(together: int) -> None:
    rules = Rules().rule("root", -1.0, "a").rule("a", -1.0, "b1").rule("a", -1.5, "b2").rule("a", -2.0, "b3")
    scorer = FakeScorer({}, default=-1.0)
    found = run(rules, scorer, accept=refuse_all, config={"defer": together, "max_depth": 2})
    assert order(found.graph) == ["root", "a"]
    assert scorer.calls == ([["a"]] if not together else [["a"], ["b1", "b2"]])


def test_nothing_is_scored_once_a_limit_is_reached() -> None:
    scorer = FakeScorer({}, default=-1.0)
    run(branching(), scorer, config={"defer": 0, "limit": {"expansions": 1}})
    assert scorer.calls == [["a"]]
