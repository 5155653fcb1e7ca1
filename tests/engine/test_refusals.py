"""A refusal is about a path: other ways to the state where it ended are tried, whether known before or found later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, SearchStatus, refusals, search
from proofsearch.graph import check_graph
from proofsearch.types import OutcomeKind, Verdict

from .fake import FINISH, THEOREM, FakeGenerator, FakeSession, World, random_world, refuse_all
from .parts import PartsSession, Rules, RulesGenerator

Accept = Callable[[tuple[str, ...]], tuple[Verdict, None]]


class Without:
    """Accepts every path that holds none of some tactics; ``asked`` is every path in order."""

    def __init__(self, *wrong: str) -> None:
        self.wrong = set(wrong)
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, path: tuple[str, ...]) -> tuple[Verdict, None]:
        self.asked.append(path)
        return Verdict(self.wrong.isdisjoint(path), "strict 1.0", "rests on what is wrong"), None


def run(world: World, accept: Accept, **config: Any) -> SearchResult:
    settings = {"priority": {"kind": "logprob"}, "limit": {"expansions": None}, **config}
    result = search(
        THEOREM,
        FakeSession(world),
        FakeGenerator(world),
        config=SearchConfig.model_validate(settings),
        accept=accept,
    )
    check_graph(result.graph)
    return result


def end(world: World) -> World:
    """A state, ``a``, from which two steps lead to a proof."""
    return world.edge("a", "b", -0.1).edge("b", FINISH, -0.1)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_way_that_is_found_later(batch: int) -> None:
    """Catches a state that is given up with the first path to it: it is expanded once."""
    world = end(World().edge("root", "a", -0.1, tactic="cheat").edge("root", "c", -3.0).edge("c", "a", -0.1))
    accept = Without("cheat")
    result = run(world, accept, batch=batch)
    assert accept.asked == [("cheat", "to b", "to !finish"), ("to c", "to a", "to b", "to !finish")]
    assert (result.status, result.tactics, result.refused) == (SearchStatus.PROVED, accept.asked[1], 1)
    assert result.verdict == Verdict(True, "strict 1.0", "rests on what is wrong")
    assert OutcomeKind.REFUSED not in result.graph.edge_outcome
    assert not result.graph.edge_message


def test_a_way_that_was_known_before() -> None:
    """Catches paths to a state that were no better when they were found, and then never looked at."""
    world = end(World().edge("root", "a", -0.1, tactic="cheat").edge("root", "a", -0.2, tactic="honest"))
    accept = Without("cheat")
    assert run(world, accept).tactics == ("honest", "to b", "to !finish")
    assert len(accept.asked) == 2


def test_a_proof_on_the_last_step_counts() -> None:
    """Catches a limit that comes before success."""
    world = end(World().edge("root", "a", -0.1, tactic="cheat").edge("root", "a", -0.2, tactic="honest"))
    free = run(world, Without("cheat"))
    result = run(world, Without("cheat"), limit={"expansions": free.expansions, "steps": free.steps})
    assert (result.status, result.limit_hit, result.tactics) == (SearchStatus.PROVED, None, free.tactics)


def test_no_path_is_longer_than_the_depth() -> None:
    world = end(World().edge("root", "a", -0.1, tactic="cheat").edge("root", "c", -3.0).edge("c", "a", -0.1))
    assert run(world, Without("cheat"), max_depth=4).status == SearchStatus.PROVED
    assert run(world, Without("cheat"), max_depth=3).status == SearchStatus.EXHAUSTED


def is_provable(world: World, wrong: set[str]) -> bool:
    """Whether some path of right steps finishes."""
    seen, pending = {world.root}, [world.root]
    while pending:
        state = pending.pop()
        for candidate in world.policy.get(state, []):
            target = world.steps[state, candidate.tactic]
            if f"{state} {candidate.tactic}" in wrong or (target.startswith("!") and target != FINISH):
                continue
            if target == FINISH:
                return True
            if target not in seen:
                seen.add(target)
                pending.append(target)
    return False


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_proves_exactly_what_has_a_right_path(seed: int, part: int) -> None:
    """Catches any way that is lost to a refusal; a quarter to three quarters of the steps are wrong."""
    world = random_world(seed, states=7, branching=3, finish=0.2)
    steps = enumerate(sorted(world.steps))
    wrong = {f"{state} {tactic}" for number, (state, tactic) in steps if (number * 7 + seed) % 4 < part}
    asked: list[tuple[str, ...]] = []

    def accept(path: tuple[str, ...]) -> tuple[Verdict, None]:
        asked.append(path)
        state, taken = world.root, list[str]()
        for tactic in path:
            taken.append(f"{state} {tactic}")
            state = world.steps[state, tactic]
        assert state == FINISH
        return Verdict(wrong.isdisjoint(taken), "strict 1.0"), None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refusals, "MAX_WAYS", 10_000)
        patch.setattr(refusals, "MAX_PATHS", 10_000)
        result = run(world, accept)
    assert (result.status == SearchStatus.PROVED) == is_provable(world, wrong)
    assert len(set(asked)) == len(asked)
    assert result.tactics == (asked[-1] if result.status == SearchStatus.PROVED else None)


def test_a_check_that_refuses_everything_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches an exponential number of paths: twenty states in a row, each reached in two ways from the one before."""
    world = World()
    for number in range(20):
        source, target = ("root" if not number else f"n{number}"), f"n{number + 1}"
        world.edge(source, target, -0.1, tactic="one").edge(source, target, -0.2, tactic="other")
    world.edge("n20", FINISH, -0.1)
    assert run(world, refuse_all).refused == 1 + refusals.MAX_WAYS
    monkeypatch.setattr(refusals, "MAX_PATHS", 5)
    assert run(world, refuse_all).refused == 6


# -- parts -------------------------------------------------------------------------------------------------------


def run_parts(rules: Rules, accept: Accept) -> SearchResult:
    result = search(
        THEOREM,
        PartsSession(rules),
        RulesGenerator(rules),
        config=SearchConfig.model_validate({"strategy": "and-or", "limit": {"expansions": None}}),
        accept=accept,
    )
    check_graph(result.graph)
    return result


def test_another_way_to_a_part() -> None:
    """Catches a part that is given up with the first whole that it completes."""
    rules = Rules().rule("root", -0.1, "p").rule("root", -2.0, "q").rule("p", -0.1, "x").rule("q", -0.1, "x")
    accept = Without("root by p")
    result = run_parts(rules.rule("x", -0.1), accept)
    assert accept.asked == [("root by p", "p by x", "x by itself"), ("root by q", "q by x", "x by itself")]
    assert (result.status, result.tactics) == (SearchStatus.PROVED, accept.asked[1])
    proof = {result.graph.edge_tactic[edge] for edge in result.graph.solved_by.values()}
    assert proof == set(accept.asked[1])


def test_another_way_to_a_part_that_rests_on_a_proved_one() -> None:
    """Catches a refused step that led to parts and is taken for one that finished."""
    rules = Rules().rule("root", -0.1, "a", "p").rule("root", -20.0, "a", "q").rule("a", -9.0)
    rules.rule("p", -0.1, "x").rule("q", -0.1, "x").rule("x", -0.1, "a")
    graph = run_parts(rules, refuse_all).graph
    (edge,) = [edge for edge in range(graph.num_edges) if graph.edge_tactic[edge] == "x by a"]
    assert graph.edge_outcome[edge] == OutcomeKind.REFUSED
    accept = Without("root by a p")
    result = run_parts(rules, accept)
    assert result.status == SearchStatus.PROVED
    assert (len(accept.asked), result.tactics) == (2, accept.asked[1])
    graph = result.graph
    (edge,) = [edge for edge in range(graph.num_edges) if graph.edge_tactic[edge] == "x by a"]
    assert graph.edge_outcome[edge] == OutcomeKind.ADVANCED
    assert [graph.state[node].text for node in graph.targets(edge)] == ["a"]


def test_a_way_that_nobody_looked_at_yet() -> None:
    """Catches an end because the refused step is dead by its cost, and with it all that leads there."""
    rules = Rules().rule("root", -0.1, "p", "y").rule("root", -20.0, "q", "y").rule("y", -9.0, "z").rule("z", -0.1)
    rules.rule("p", -0.1, "x").rule("q", -0.1, "x").rule("x", -0.1, "y")
    accept = Without("root by p y")
    assert run_parts(rules, accept).status == SearchStatus.PROVED
    assert [path[0] for path in accept.asked] == ["root by p y", "root by q y"]


def test_a_second_way_that_is_wrong_too() -> None:
    rules = Rules().rule("root", -0.1, "p").rule("root", -0.2, "q").rule("root", -0.3, "r").rule("x", -0.1)
    for part in "pqr":
        rules.rule(part, -0.1, "x")
    accept = Without("root by p", "root by q")
    assert run_parts(rules, accept).tactics == ("root by r", "r by x", "x by itself")
    assert len(accept.asked) == 3
    assert run_parts(rules, refuse_all).status == SearchStatus.EXHAUSTED
