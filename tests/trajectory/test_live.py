"""Recorded states are found again in a session, by the steps that led to them."""

from __future__ import annotations

from pathlib import Path

from proofsearch.testing import CountdownConfig, CountdownEnvironment
from proofsearch.testing.recordings import record
from proofsearch.trajectory.live import LiveStates
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedState
from proofsearch.types import Advanced


def test_every_state_is_found_again_and_can_be_stepped(tmp_path: Path) -> None:
    environment = CountdownEnvironment(CountdownConfig())
    theorems = [theorem for theorem in environment.theorems() if theorem.split == "train"][:4]
    live = LiveStates(environment)
    seen = 0
    for search in read_searches([record(environment, theorems, tmp_path / "searches.parquet")]):
        session = environment.open(search.theorem)
        for recorded in search.states():
            found = live.state(search.theorem, recorded)
            assert found is not None and not isinstance(found, RecordedState)
            assert found.text == recorded.text
            seen += 1
        edges = search.edges
        for edge in range(len(edges)):
            state = live.state(search.theorem, search.state(int(edges.source[edge])))
            assert state is not None
            outcome = session.step(state, edges.tactic[edge])
            if edges.target[edge] >= 0 and not edges.also:
                assert isinstance(outcome, Advanced)
                assert outcome.state.text == search.text[int(edges.target[edge])]
        session.close()
    assert seen > len(theorems)
    live.close()
    live.close()


def test_a_state_that_is_not_there_any_more_is_not_found(tmp_path: Path) -> None:
    environment = CountdownEnvironment(CountdownConfig())
    theorems = [theorem for theorem in environment.theorems() if theorem.split == "train"][:1]
    [search] = read_searches([record(environment, theorems, tmp_path / "searches.parquet")])
    search.text[1] = "no such state"
    live = LiveStates(environment)
    assert live.state(search.theorem, search.state(0)) is not None
    assert live.state(search.theorem, search.state(1)) is None
    assert live.state(search.theorem, RecordedState("k", "of no search", 1, [])) is None
    live.close()
