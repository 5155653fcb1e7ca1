"""What a session can do beside stepping, and what a scorer is told of the step to a state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.types import Outcome, ProofState

from .fake import FINISH, REJECT, THEOREM, FakeGenerator, FakeScorer, FakeSession, World, random_world, refuse_all


class Batching(FakeSession):
    """Tries many tactics in one call; ``made`` counts the outcomes that were asked for."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.made = 0
        self.asked: list[list[str]] = []

    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        self.asked.append(list(tactics))
        for tactic in tactics:
            self.made += 1
            yield self.step(state, tactic)


class Releasing(FakeSession):
    """Notes which states are released."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.released: list[str] = []

    def release(self, states: Sequence[ProofState]) -> None:
        self.released += [state.text for state in states]


def run(world: World, session: Any, accept: Any = refuse_all, scorer: Any = None, **config: Any) -> SearchResult:
    setting = SearchConfig.model_validate(config)
    return search(THEOREM, session, FakeGenerator(world), scorer, config=setting, accept=accept)


@given(st.integers(0, 10_000), st.sampled_from([None, 7, 30]))
def test_many_tactics_in_one_call_are_the_same_search(seed: int, steps: int | None) -> None:
    """Catches outcomes taken for those of other tactics, and steps made that a limit forbids."""
    world = random_world(seed, finish=0.1)
    limit = {"steps": steps, "expansions": 40}
    one, many = FakeSession(world), Batching(world)
    first, second = run(world, one, limit=limit), run(world, many, limit=limit)
    assert first == second
    assert list(first.graph.edge_tactic) == list(second.graph.edge_tactic)
    assert list(first.graph.expanded) == list(second.graph.expanded)
    assert one.tried == many.tried


def test_no_outcome_is_asked_for_after_a_proof() -> None:
    """Catches a search that reads all outcomes of a call before it looks at them."""
    world = World(goals={"root": 1})
    world.edge("root", REJECT, -0.1, tactic="first")
    world.edge("root", FINISH, -0.2, tactic="second")
    world.edge("root", REJECT, -0.3, tactic="third")
    session = Batching(world)
    result = search(THEOREM, session, FakeGenerator(world), config=SearchConfig())
    assert result.tactics == ("second",)
    assert (session.made, session.asked) == (2, [["first", "second", "third"]])


def test_what_was_expanded_and_what_is_too_deep_is_released() -> None:
    """Catches states that a prover keeps for ever, and states released that are still to be expanded."""
    world = World(goals={})
    world.edge("root", "a", -1.0)
    world.edge("root", "b", -2.0)
    world.edge("a", "deep", -1.0)
    session = Releasing(world)
    run(world, session, max_depth=2, limit={"expansions": 2})
    assert session.released == ["root", "a", "deep"]


@pytest.mark.parametrize("strategy", ["best-first", "and-or"])
def test_a_scorer_sees_the_step_that_led_to_a_state(strategy: str) -> None:
    """Catches the tactic of another edge, the log-probability of a whole path, and a parent that is none."""
    world = random_world(1)
    scorer = FakeScorer({}, 0.0)
    run(world, FakeSession(world), scorer=scorer, strategy=strategy, limit={"expansions": 15})
    assert scorer.requests
    for request in scorer.requests:
        if strategy == "and-or":
            # A part is scored as a beginning, whatever led to it.
            assert (request.tactic, request.tactic_logprob, request.parent) == (None, 0.0, None)
            continue
        assert request.parent is not None
        edges = world.policy[request.parent.text]
        (logprob,) = [edge.logprob for edge in edges if edge.tactic == request.tactic]
        assert request.tactic_logprob == logprob
        assert world.steps[request.parent.text, request.tactic] == request.state.text


class OneMove:
    """A state whose one move is its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def listed(self) -> list[str]:
        return [self.text]

    def admits(self, tactic: str) -> bool:
        return True


class Listing(FakeSession):
    """Lists the moves of a state, and notes for which it was asked."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.listed: list[str] = []

    def moves(self, state: ProofState) -> OneMove:
        self.listed.append(state.text)
        return OneMove(state.text)


class WantsMoves(FakeScorer):
    reads_moves = True


@pytest.mark.parametrize("wants", [False, True])
def test_a_scorer_is_told_the_moves_if_it_wants_them(wants: bool) -> None:
    """Catches moves of another state, and sessions asked for moves that nobody reads."""
    world = random_world(3, finish=0.0)
    session = Listing(world)
    scorer = (WantsMoves if wants else FakeScorer)({}, 1.0)
    result = run(world, session, scorer=scorer, limit={"expansions": 20})
    moves = [request.moves for request in scorer.requests]
    assert moves
    if wants:
        assert [one.listed() for one in moves if one is not None] == [[one.state.text] for one in scorer.requests]
    else:
        assert set(moves) == {None}
        assert len(session.listed) == result.expansions
