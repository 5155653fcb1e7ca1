"""What a session is told that it need not hold any more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.types import Advanced, Outcome, ProofState

from .fake import THEOREM, FakeGenerator, FakeSession, World, random_world, refuse_all
from .parts import PartsSession, RulesGenerator, random_rules


class Counting(FakeSession):
    """Holds every state that it returns until it is released, and refuses to step what it doesn't hold.

    With ``replays`` it makes that anew.
    """

    def __init__(self, world: World, replays: bool = False) -> None:
        super().__init__(world)
        self.replays = replays
        self.held: dict[int, ProofState] = {}
        self.most = 0

    def initial(self) -> Outcome:
        return self.holding(super().initial())

    def step(self, state: ProofState, tactic: str) -> Outcome:
        assert self.replays or id(state) in self.held, f"{state} was released, and is stepped"
        self.held[id(state)] = state
        return self.holding(super().step(state, tactic))

    def holding(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Advanced):
            self.held[id(outcome.state)] = outcome.state
            self.most = max(self.most, len(self.held))
        return outcome

    def release(self, states: Sequence[ProofState]) -> None:
        assert states, "told of nothing"
        for state in states:
            assert self.replays or id(state) in self.held, f"{state} is released twice"
            self.held.pop(id(state), None)


def run(world: World, session: Any, **config: Any) -> SearchResult:
    setting = SearchConfig.model_validate(config)
    return search(THEOREM, session, FakeGenerator(world), config=setting, accept=refuse_all)


@given(st.integers(0, 10_000), st.sampled_from([None, 2, 4]), st.sampled_from([1, 3]))
def test_what_is_held_are_the_states_that_wait(seed: int, max_depth: int | None, batch: int) -> None:
    """Catches states kept that were expanded, are too deep or were met before, and states released that still wait."""
    world = random_world(seed, finish=0.05)
    # What was too deep is stepped all the same when a likelier way to it turns out to be shorter.
    session = Counting(world, replays=max_depth is not None)
    graph = run(world, session, max_depth=max_depth, batch=batch, limit={"expansions": 25}).graph
    waiting = [graph.state[node] for node in range(graph.num_nodes) if graph.expanded_at[node] < 0]
    assert {id(state) for state in session.held.values()} <= {id(state) for state in waiting}
    deep = {id(graph.state[node]) for node in range(graph.num_nodes) if graph.depth[node] >= (max_depth or 10**6)}
    assert {id(state) for state in waiting} - deep <= set(session.held)


def test_a_search_without_a_frontier_holds_two_states_however_long_it_is() -> None:
    """One new state an expansion, beside one that is known: what is held doesn't grow."""
    world = World()
    texts = ["root", *map(str, range(200))]
    for source, target in pairwise(texts):
        world.edge(source, target, -0.1)
        world.edge(source, "root", -0.2)
    session = Counting(world)
    result = run(world, session, limit={"expansions": 200})
    assert result.expansions == 200
    assert session.most <= 4


@pytest.mark.parametrize("seed", range(10))
def test_parts_that_were_met_before_are_released_too(seed: int) -> None:
    class Releasing(PartsSession):
        released: list[ProofState]

        def release(self, states: Sequence[ProofState]) -> None:
            self.released += states

    rules = random_rules(seed)
    session = Releasing(rules)
    session.released = []
    config = SearchConfig.model_validate({"strategy": "and-or", "limit": {"expansions": 40}})
    graph = search(THEOREM, session, RulesGenerator(rules), config=config, accept=refuse_all).graph
    released = {id(state) for state in session.released}
    assert released >= {id(graph.state[node]) for node in graph.expanded}
    assert not released & {id(graph.state[node]) for node in range(graph.num_nodes) if graph.expanded_at[node] < 0}
