"""Many steps in one call are single steps: in both implementations, and wherever the reader stops."""

from __future__ import annotations

import gc
import itertools
import random
import weakref
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proofsearch_metamath.compiled import PLAIN_VARIABLE, native
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.search.session import MetamathSession
from proofsearch_metamath.search.state import MetamathState, PlainState

from proofsearch import Advanced, Finished, Outcome, Rejected
from proofsearch.config import LimitConfig, PriorityConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.models.moves import first_admitted
from proofsearch.protocols import AdmitsMany, EnumeratesMoves, GenerationRequest, StepsMany
from proofsearch.types import Candidate

Kind = str
KINDS = ["plain", pytest.param("compiled", marks=pytest.mark.skipif(native() is None, reason="it was not built"))]


def opened_as(
    kind: Kind, environment: MetamathEnvironment, name: str, monkeypatch: pytest.MonkeyPatch
) -> MetamathSession:
    _ = environment.library  # read with the compiled part, where there is one
    with monkeypatch.context() as patch:
        patch.setenv(PLAIN_VARIABLE, "1" if kind == "plain" else "")
        session = environment.open(environment.theorem(name))
    assert isinstance(state_of(session.initial()), PlainState) == (kind == "plain")
    return session


def state_of(outcome: Outcome) -> MetamathState:
    assert isinstance(outcome, Advanced)
    assert isinstance(outcome.state, MetamathState)
    return outcome.state


def shown(outcome: Outcome) -> object:
    """What an outcome says, in any session."""
    if not isinstance(outcome, Advanced):
        return outcome
    state = state_of(outcome)
    return state.text, state.num_goals, state.num_metas, state.focus, len(state.open), len(state.apart)


def tactics_at(state: MetamathState, draw: random.Random, count: int) -> list[str]:
    """Some that may apply, some that don't, some that are none; a few of them twice."""
    listed = state.session.moves(state).listed()
    labels = state.session.choices._library.provable_labels
    odd = ["hyp 1", "hyp 2", "hyp 99", "hyp", "", "no such label", state.session.target.theorem.name, labels[-1]]
    found = [
        draw.choice(listed if listed and draw.random() < 0.6 else labels if draw.random() < 0.5 else odd)
        for _ in range(count)
    ]
    return found + draw.sample(found, min(3, len(found)))


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**32), stops=st.lists(st.integers(0, 12), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_steps_are_single_steps(
    prefix: MetamathEnvironment, monkeypatch: pytest.MonkeyPatch, kind: Kind, seed: int, stops: list[int]
) -> None:
    draw = random.Random(seed)
    name = draw.choice(["syl", "mpd", "19.24", "simplbi2com", "vtoclgf", "syl3an9b", "eqtr3d", "eqeq12d", "spimt"])
    session, alone = (opened_as(kind, prefix, name, monkeypatch) for _ in range(2))
    assert isinstance(session, StepsMany)
    states, twins = [state_of(session.initial())], [state_of(alone.initial())]
    for stop in stops:
        number = draw.randrange(len(states))
        state, twin = states[number], twins[number]
        tactics = tactics_at(state, draw, 10)
        expected = [alone.step(twin, tactic) for tactic in tactics]
        if draw.random() < 0.5:
            moves = session.moves(state)
            assert isinstance(moves, AdmitsMany)
            admitted = [place for place, outcome in enumerate(expected) if not isinstance(outcome, Rejected)]
            assert moves.admitted(tactics, stop) == admitted[:stop]
        outcomes = iter(session.step_many(state, tactics))
        begun = list(itertools.islice(outcomes, stop))
        assert [shown(outcome) for outcome in begun] == [shown(outcome) for outcome in expected[: len(begun)]]
        if draw.random() < 0.5:  # whatever is stepped meanwhile, the others come out as they would have
            other = draw.choice(states)
            session.step(other, tactics[0])
            begun += outcomes
            assert [shown(outcome) for outcome in begun] == [shown(outcome) for outcome in expected]
        for outcome, other_outcome in zip(begun, expected, strict=False):
            if isinstance(outcome, Advanced):
                again = session.step(state, tactics[begun.index(outcome)])
                assert state_of(again).key == state_of(outcome).key
                states.append(state_of(outcome))
                twins.append(state_of(other_outcome))


def test_what_is_compared_holds_every_kind_of_outcome(prefix: MetamathEnvironment) -> None:
    """Else the test above could pass without having met any."""
    draw = random.Random(1)
    met: set[object] = set()
    for theorem in draw.sample(list(prefix.theorems()), 30):
        session = prefix.open(theorem)
        initial = session.initial()
        if isinstance(initial, Advanced):
            for outcome in session.step_many(initial.state, tactics_at(state_of(initial), draw, 40)):
                met.add(outcome.message.split()[0] if isinstance(outcome, Rejected) else type(outcome))
    assert {Advanced, Finished, "does", "no"} <= met


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_made_when_they_are_asked_for(
    prefix: MetamathEnvironment, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    session = opened_as(kind, prefix, "syl", monkeypatch)
    asked: list[str] = []

    def tactics() -> Iterator[str]:
        for tactic in ("a1i", "mpd", "ax-mp"):
            asked.append(tactic)
            yield tactic

    outcomes = iter(session.step_many(state_of(session.initial()), tactics()))
    assert asked == []
    next(outcomes)
    assert asked == ["a1i"]
    assert len(list(outcomes)) == 2


class Latest:
    """The latest moves that apply."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        answers = []
        for request in requests:
            assert request.moves is not None
            tactics = request.moves.listed()[:-100:-1]
            places = first_admitted(request.moves, tactics, n)
            answers.append([Candidate(tactics[place], -0.1 * (1 + place)) for place in places])
        return answers

    def close(self) -> None:
        """Nothing to free."""


class OneByOne:
    """A session without the ability."""

    def __init__(self, session: MetamathSession) -> None:
        self.initial, self.step, self.moves, self.close = session.initial, session.step, session.moves, session.close


def test_a_search_is_the_same_with_and_without_it(prefix: MetamathEnvironment) -> None:
    config = SearchConfig(candidates=8, limit=LimitConfig(expansions=24), priority=PriorityConfig(goal_weight=1.0))
    theorem = prefix.theorem("syl3an9b")
    graphs = []
    for wrap in (OneByOne, lambda session: session):
        session = wrap(prefix.open(theorem))
        assert isinstance(session, StepsMany) == (wrap is not OneByOne)
        assert isinstance(session, EnumeratesMoves)
        graph = search(theorem, session, Latest(), config=config).graph
        graphs.append(([state.text for state in graph.state], graph.edge_tactic, bytes(graph.edge_outcome)))
    assert graphs[0] == graphs[1]
    assert len(graphs[0][0]) > 50


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_keeps_a_session_alive(
    prefix: MetamathEnvironment, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    """States lead to their session and the session to no state: memory comes back without the collector."""
    session = opened_as(kind, prefix, "syl", monkeypatch)
    state = state_of(session.initial())
    kept = list(session.step_many(state, ["mpd", "a1i", "ax-mp"]))
    assert session.moves(state).admitted(["mpd", "nothing"], 2) == [0]
    watched = weakref.ref(session)
    gc.disable()
    try:
        del session, state
        assert watched() is not None, "its states can still be stepped"
        del kept
        assert watched() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", KINDS)
def test_states_of_others_are_refused(prefix: MetamathEnvironment, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    session, other = (opened_as(kind, prefix, "syl", monkeypatch) for _ in range(2))
    with pytest.raises(ValueError, match="another session"):
        session.step_many(state_of(other.initial()), ["mpd"])
    with pytest.raises(TypeError, match="its own states"):
        session.step_many(object(), ["mpd"])  # type: ignore[arg-type]
