"""The order of expansion: against the slow oracle, and where it can be said in a sentence."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proofsearch.builtins.scorers import LogprobScorer
from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, SearchStatus, search
from proofsearch.protocols import Calibration, ValueScorer

from .fake import (
    FINISH,
    THEOREM,
    FakeGenerator,
    FakeScorer,
    FakeSession,
    World,
    accept_all,
    order,
    random_world,
    refuse_all,
)
from .oracle import Oracle

KINDS = ["auto", "value", "logprob", "normalized", "mix", "astar", "split"]


def run(world: World, scorer: ValueScorer | None = None, *, calibration: Calibration | None = None, **config: Any):
    settings = SearchConfig.model_validate({"limit": {"expansions": 50}, **config})
    return search(
        THEOREM,
        FakeSession(world),
        FakeGenerator(world),
        scorer,
        config=settings,
        accept=refuse_all,
        calibration=calibration,
    )


def random_values(seed: int, world: World, *, ties: bool, missing: float) -> dict[str, float | None]:
    draws = random.Random(seed + 1)
    names = sorted(set(world.policy) | set(world.steps.values()))
    values: dict[str, float | None] = {}
    for name in names:
        value = float(draws.randint(0, 2)) if ties else draws.gauss(-3, 2)
        values[name] = None if draws.random() < missing else value
    return values


configs = st.fixed_dictionaries(
    {
        "candidates": st.sampled_from([3, 32]),
        "batch": st.sampled_from([1, 1, 2, 5]),
        "max_depth": st.sampled_from([None, None, 3]),
        "priority": st.fixed_dictionaries(
            {
                "kind": st.sampled_from(KINDS),
                "length_exponent": st.sampled_from([0.0, 0.5, 1.0]),
                "value_weight": st.sampled_from([None, 0.25]),
                "warmup": st.sampled_from([2, 7, 64]),
                "heuristic_weight": st.sampled_from([0.5, 1.0]),
                "value_share": st.sampled_from([0.0, 0.3, 1.0]),
                "goal_weight": st.sampled_from([None, 0.0, 1.0]),
            }
        ),
    }
)

SIBLINGS_OF_TWO_DEPTHS = {"batch": 2, "max_depth": 3, "priority": {"kind": "mix", "warmup": 7, "heuristic_weight": 0.5}}
"""In one world a node's first child gets a better, deeper path by the other node of its batch; its siblings don't."""


@example(86666, SIBLINGS_OF_TWO_DEPTHS, 0.0, None)
@given(
    st.integers(0, 10**6),
    configs,
    st.sampled_from([None, 0.0, 0.02, 0.5]),
    st.sampled_from([None, Calibration(-3.0, 2.0, -4.0, 1.5, 0.3, 0.6)]),
)
def test_order_is_that_of_the_slow_search(
    seed: int, config: dict[str, Any], missing: float | None, calibration: Calibration | None
) -> None:
    """Catches any priority that is out of date, any wrong inheritance of values, any slip of the frontier.

    Log-probabilities are drawn from a continuum, so no two paths are equally good. ``missing`` is the share of states
    without a value; above 5 % the scorer is given up on the way.
    """
    world = random_world(seed, finish=0.03)
    scorer = None
    if missing is not None:
        scorer = FakeScorer(random_values(seed, world, ties=False, missing=missing))
    result = run(world, scorer, calibration=calibration, **config)
    settings = SearchConfig.model_validate({"limit": {"expansions": 50}, **config})
    assert order(result.graph) == Oracle(world, settings, scorer, calibration).run()


@given(st.integers(0, 10**6), st.sampled_from(["value", "logprob", "astar"]), st.sampled_from([1, 3]))
def test_ties_break_by_insertion(seed: int, kind: str, batch: int) -> None:
    """Catches a tie broken by anything else than the order in which states were first reached."""
    world = random_world(seed, ties=True)
    scorer = FakeScorer(random_values(seed, world, ties=True, missing=0.0))
    config = {"batch": batch, "priority": {"kind": kind}}
    settings = SearchConfig.model_validate({"limit": {"expansions": 50}, **config})
    assert order(run(world, scorer, **config).graph) == Oracle(world, settings, scorer, None).run()


def comb(length: int, branching: int) -> World:
    """A tree with one proof: at each step of the way ``branching - 1`` wrong turns, each the root of a dead end."""
    world = World()
    for depth in range(length):
        at = "root" if depth == 0 else f"way {depth}"
        for wrong in range(branching - 1):
            world.edge(at, f"wrong {depth}.{wrong}", -0.1 * (wrong + 1))
            world.edge(f"wrong {depth}.{wrong}", f"dead {depth}.{wrong}", -0.1)
        # The policy likes the right step least.
        world.edge(at, FINISH if depth == length - 1 else f"way {depth + 1}", -3.0, tactic="right")
    return world


def prove(world: World, scorer: FakeScorer | None, kind: str = "value") -> SearchResult:
    settings = SearchConfig.model_validate({"priority": {"kind": kind}})
    return search(THEOREM, FakeSession(world), FakeGenerator(world), scorer, config=settings, accept=accept_all)


def test_an_oracle_scorer_expands_only_the_proof() -> None:
    """Catches a value with its sign flipped, or not used."""
    world = comb(6, 5)
    values = {state: (1.0 if state.startswith("way") else 0.0) for state in world.policy}
    result = prove(world, FakeScorer(values, default=0.0))
    assert order(result.graph) == ["root", *(f"way {depth}" for depth in range(1, 6))]
    assert (result.status, result.tactics) == (SearchStatus.PROVED, ("right",) * 6)


def test_an_anti_oracle_expands_the_proof_last() -> None:
    """Catches the same from the other side: whatever can be expanded before the next step of the proof is."""
    world = comb(3, 4)
    values = {state: (-1.0 if state.startswith("way") else 0.0) for state in world.policy}
    expanded = order(prove(world, FakeScorer(values, default=0.0)).graph)
    assert [at for at, state in enumerate(expanded) if state.startswith("way")] == [7, 14]


def test_a_constant_scorer_expands_in_insertion_order() -> None:
    """Catches a hidden tie-breaker, such as log-probability or depth."""
    result = prove(comb(4, 4), FakeScorer({}, default=0.25))
    assert list(result.graph.expanded) == list(range(len(result.graph.expanded)))


def test_logprob_ignores_the_scorer_but_records_its_values() -> None:
    """Catches a log-prob search that a value leaks into, and one that throws values away."""
    world = random_world(3)
    values = random_values(3, world, ties=False, missing=0.0)
    alone = run(world, priority={"kind": "logprob"})
    scored = run(world, FakeScorer(values), priority={"kind": "logprob"})
    assert order(alone.graph) == order(scored.graph)
    assert [scored.graph.value[n] for n in range(1, scored.nodes)] == [
        values[scored.graph.state[n].text] for n in range(1, scored.nodes)
    ]
    assert not any(alone.graph.has_value(n) for n in range(alone.nodes))


@pytest.mark.parametrize("kind", ["value", "mix", "astar", "split"])
def test_without_a_scorer_every_kind_orders_by_logprob(kind: str) -> None:
    """Catches missing values that count as zero."""
    world = random_world(5)
    assert order(run(world, priority={"kind": kind}).graph) == order(run(world, priority={"kind": "logprob"}).graph)


@given(st.integers(0, 10**4), st.sampled_from([0.25, 1.0, 1024.0]), st.sampled_from([-64.0, 0.0, 512.0]))
def test_mix_is_invariant_to_rescaling_values(seed: int, scale: float, shift: float) -> None:
    """Catches a mixture that depends on the units of the value. Values and maps are exact in binary."""
    world = random_world(seed, states=60)
    base = {
        s: None if v is None else round(v * 64) / 64
        for s, v in random_values(seed, world, ties=False, missing=0.02).items()
    }
    mapped = {state: None if value is None else value * scale + shift for state, value in base.items()}
    config = {"priority": {"kind": "mix", "warmup": 16}}
    assert order(run(world, FakeScorer(base), **config).graph) == order(run(world, FakeScorer(mapped), **config).graph)


@given(st.integers(0, 10**4), st.sampled_from([0.25, 2.0, 64.0]))
def test_mix_is_invariant_to_rescaling_logprobs(seed: int, scale: float) -> None:
    """Catches the same for the policy's scale. No value is missing: a scorer given up leaves that scale alone."""
    world, warmer = random_world(seed, states=60), World()
    for state, candidates in world.policy.items():
        for c in candidates:
            warmer.edge(state, world.steps[state, c.tactic], c.logprob * scale, c.num_tokens, c.tactic)
    warmer.goals = world.goals
    scorer = FakeScorer(random_values(seed, world, ties=False, missing=0.0))
    config = {"priority": {"kind": "mix", "warmup": 16}}
    assert order(run(world, scorer, **config).graph) == order(run(warmer, scorer, **config).graph)


def test_mix_with_a_calibration_is_invariant_when_it_moves_along() -> None:
    """Catches a calibration of which only half is used."""
    world = random_world(11, states=60)
    base = random_values(11, world, ties=False, missing=0.0)
    mapped = {state: None if value is None else value * 4 + 8 for state, value in base.items()}
    config = {"priority": {"kind": "mix"}}
    one = run(world, FakeScorer(base), calibration=Calibration(-3, 2, -4, 1.5, 0.3), **config)
    other = run(world, FakeScorer(mapped), calibration=Calibration(-4, 8, -4, 1.5, 0.3), **config)
    assert order(one.graph) == order(other.graph)


@pytest.mark.parametrize("warmup", [2, 3, 5, 6, 7, 11, 13])
@pytest.mark.parametrize("constant", [0.1, 0.7, 1 / 3, 123.456])
def test_mix_with_constant_values_orders_by_logprob(constant: float, warmup: int) -> None:
    """Catches a division by a standard deviation of zero, or by one made of rounding errors."""
    world = random_world(7, states=60)
    mixed = run(world, FakeScorer({}, default=constant), priority={"kind": "mix", "warmup": warmup, "goal_weight": 0})
    plain = run(world, priority={"kind": "logprob", "goal_weight": 0})
    assert order(mixed.graph) == order(plain.graph)


def test_a_better_path_moves_a_waiting_node_forward() -> None:
    """Catches a merge whose priority is not updated."""
    world = World().edge("root", "late", -9.0).edge("root", "a", -1.0).edge("root", "b", -4.0).edge("a", "late", -1.0)
    result = run(world, priority={"kind": "logprob"})
    assert order(result.graph) == ["root", "a", "late", "b"]
    late = result.graph.node_of("late")
    assert late is not None
    assert result.graph.priority[late] == -3.0, "log-probability -2 minus one goal"


def test_a_better_path_does_not_ask_for_the_value_again() -> None:
    """Catches model calls spent twice on one state."""
    world = World().edge("root", "late", -9.0).edge("root", "a", -1.0).edge("a", "late", -1.0).edge("a", "root", -1.0)
    scorer = FakeScorer({}, default=1.0)
    result = run(world, scorer, priority={"kind": "astar"})
    assert scorer.calls == [["late", "a"]]
    assert result.scored == 2


@given(
    st.integers(0, 10**6),
    st.sampled_from([1, 3]),
    st.sampled_from([None, 3]),
    st.sampled_from([None, 0.0, 2.0]),
    st.booleans(),
)
def test_log_probability_as_a_value_is_the_order_by_log_probability(
    seed: int, batch: int, max_depth: int | None, goal_weight: float | None, scored: bool
) -> None:
    """Catches values that stay those of a state's first path: a baseline that is worse than it could be."""
    world = random_world(seed, states=60)
    rest = {"batch": batch, "max_depth": max_depth}
    by_value = run(world, LogprobScorer(), priority={"kind": "auto", "goal_weight": goal_weight}, **rest)
    by_logprob = run(
        world, LogprobScorer() if scored else None, priority={"kind": "logprob", "goal_weight": goal_weight}, **rest
    )
    assert order(by_value.graph) == order(by_logprob.graph)
    assert list(by_value.graph.priority)[1:] == list(by_logprob.graph.priority)[1:]
    assert list(by_value.graph.value)[1:] == list(by_value.graph.logprob)[1:]


@given(st.integers(0, 10**6), st.sampled_from([0.5, 1.0]))
def test_log_probability_by_length_follows_better_paths_too(seed: int, exponent: float) -> None:
    """Catches a remedy for one scorer, or for its default options."""
    world = random_world(seed, states=60)
    by_value = run(world, LogprobScorer(exponent))
    normalized = run(world, priority={"kind": "normalized", "length_exponent": exponent})
    assert order(by_value.graph) == order(normalized.graph)


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_log_probability_put_off_orders_as_it_does_at_once(seed: int, defer: int) -> None:
    """Catches a better path to a state whose score was put off that is lost until its turn."""
    world = random_world(seed, states=60)
    assert order(run(world, LogprobScorer(), defer=defer).graph) == order(run(world, LogprobScorer()).graph)


def test_only_what_depends_on_the_path_is_asked_for_again() -> None:
    class Recording(FakeScorer):
        follows_paths = True

    world = World().edge("root", "late", -9.0).edge("root", "a", -1.0).edge("a", "late", -1.0).edge("late", "end", -1.0)
    scorer = Recording({}, default=1.0)
    result = run(world, scorer, priority={"kind": "logprob"})
    assert scorer.calls == [["late", "a"], ["late"], ["end"]]
    assert [(request.depth, request.logprob) for request in scorer.requests if request.state.text == "late"] == [
        (1, -9.0),
        (2, -2.0),
    ]
    assert result.scored == 4


def test_a_missing_value_takes_the_parents_place() -> None:
    """Catches an unscored child that is treated as worthless, or as best."""
    world = World().edge("root", "good", -5.0).edge("root", "bad", -1.0).edge("good", "odd", -5.0)
    world.edge("odd", "end", -1.0)
    for other in range(30):  # enough scored states that one missing is under 5 %
        world.edge("root", f"other {other}", -1.0)
    values = {"good": 3.0, "bad": 1.0, "end": 0.0, **{f"other {i}": 2.0 for i in range(30)}}
    result = run(world, FakeScorer(values))
    assert order(result.graph)[:3] == ["root", "good", "odd"]
    odd = result.graph.node_of("odd")
    assert odd is not None
    assert not result.graph.has_value(odd)
    assert result.unscored == 1


def test_split_gives_each_order_its_share() -> None:
    """Catches two queues that both feed on one order: values prefer exactly what the policy dislikes."""
    world = World()
    for i in range(20):
        world.edge("root", f"n{i:02}", -1.0 - i)
    values = {f"n{i:02}": float(i) for i in range(20)}
    result = run(world, FakeScorer(values), priority={"kind": "split", "value_share": 0.25})
    # The root takes the first turn; every fourth turn goes by value.
    assert order(result.graph)[:9] == ["root", "n00", "n01", "n19", "n02", "n03", "n04", "n18", "n05"]
