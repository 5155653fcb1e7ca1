"""Taking states apart: the parts are all there is, hang together, and behave as the whole does."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.search.keys import key_of
from proofsearch_metamath.search.parting import renumbered, split_goals
from proofsearch_metamath.search.session import MetamathSession
from proofsearch_metamath.search.state import MetamathState

from proofsearch import Advanced, Candidate, Finished, Rejected, Verdict
from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.graph import check_graph
from proofsearch.protocols import Decomposes, GenerationRequest

Open = Callable[..., MetamathEnvironment]


def advanced(outcome: object) -> MetamathState:
    assert isinstance(outcome, Advanced), outcome
    assert isinstance(outcome.state, MetamathState)
    return outcome.state


def start(environment: MetamathEnvironment, name: str) -> MetamathState:
    return advanced(environment.open(environment.theorem(name)).initial())


def after(state: MetamathState, *tactics: str) -> MetamathState:
    for tactic in tactics:
        state = advanced(state.session.step(state, tactic))
    return state


def texts(state: MetamathState) -> list[list[str]]:
    """The goals and conditions of each part, without what the whole search is about."""
    return [
        [line for line in part.text.split("\n") if not line.startswith("$e")] for part in state.session.parts(state)
    ]


@pytest.fixture(scope="module")
def several(prefix: MetamathEnvironment) -> list[MetamathState]:
    """States of random walks with several goals."""
    draw = random.Random(11)
    found: list[MetamathState] = []
    for theorem in draw.sample(list(prefix.theorems()), 25):
        outcome = prefix.open(theorem).initial()
        reached = [advanced(outcome)] if isinstance(outcome, Advanced) else []
        for _ in range(25 if reached else 0):
            state = draw.choice(reached)
            moves = state.session.moves(state).listed()
            for tactic in draw.sample(moves, min(8, len(moves))):
                outcome = state.session.step(state, tactic)
                if isinstance(outcome, Advanced):
                    reached.append(advanced(outcome))
        found += [state for state in reached if state.num_goals > 1]
    return found


def test_a_session_takes_states_apart(prefix: MetamathEnvironment) -> None:
    """Catches an ability that the engine doesn't see."""
    assert isinstance(prefix.open(prefix.theorem("syl")), Decomposes)


def test_parts_are_all_there_is(several: list[MetamathState]) -> None:
    """Catches a goal or condition that is lost, two parts that share a metavariable, and one that falls apart again."""
    split = tied = conditions = 0
    for state in several:
        parts = state.session.parts(state)
        assert sorted(goal[0] for part in parts for goal in part.open) == sorted(goal[0] for goal in state.open)
        assert sum(len(part.apart) for part in parts) == len(state.apart)
        assert sum(part.num_metas for part in parts) == len({meta for _, metas in state.open for meta in metas})
        for part in parts:
            assert [one.key for one in part.session.parts(part)] == [part.key]
        split += len(parts) > 1
        tied += any(part.num_goals > 1 for part in parts)
        conditions += bool(state.apart) and len(parts) > 1
    assert min(split, tied, conditions) > 20


def test_the_compiled_parts_are_the_plain_ones(several: list[MetamathState]) -> None:
    """Catches another order of parts, goals or conditions, and metavariables numbered otherwise."""
    joined = 0
    for state in several:
        terms = state.session.terms
        focus = state.open[state.focus]
        groups = sorted(split_goals(state.open, state.apart), key=lambda group: focus not in group[0])
        made = [renumbered(terms, goals, pending) for goals, pending in groups]
        plain = [(key_of(goals, pending), num_metas) for goals, pending, num_metas in made]
        if len(groups) == 1:
            plain = [(state.key, state.num_metas)]
        assert [(part.key, part.num_metas) for part in state.session.parts(state)] == plain
        joined += any(len(goals) > 1 for goals, _ in groups[1:])
    assert joined > 20


def test_the_first_part_has_the_first_goal(several: list[MetamathState]) -> None:
    """Catches a path whose tactics meet another goal of the whole than they did of the part."""
    for state in several:
        first = state.session.parts(state)[0]
        assert first.open[first.focus][0] == state.open[state.focus][0]


def test_a_step_on_the_whole_is_a_step_on_the_first_part(several: list[MetamathState]) -> None:
    """Catches parts that aren't independent, and parts that are other states than what is reached without the rest."""
    draw = random.Random(5)
    compared = closed = 0
    for state in draw.sample(several, 400):
        session = state.session
        parts = session.parts(state)
        moves = session.moves(state).listed()
        for tactic in draw.sample(moves, min(25, len(moves))) if len(parts) > 1 else ():
            whole, alone = session.step(state, tactic), session.step(parts[0], tactic)
            if isinstance(alone, Rejected):
                assert isinstance(whole, Rejected)
                continue
            if isinstance(whole, Rejected):
                assert "goals" in whole.message
                continue
            left = {part.key for part in parts[1:]}
            if isinstance(alone, Advanced):
                left |= {part.key for part in session.parts(alone.state)}
            assert {part.key for part in session.parts(advanced(whole))} == left
            compared += 1
            closed += isinstance(alone, Finished)
    assert compared > 200
    assert closed


def test_a_part_is_the_state_that_its_goals_alone_are(opened: Open) -> None:
    """Catches metavariables that keep the numbers of the whole; the theorem's own conclusion is reached again here."""
    environment = opened("th $p |- ( ( ph -> ps ) -> ( ph -> ph ) ) $= ? $.")
    root = start(environment, "th")
    whole = after(root, "ax-mp")
    assert texts(whole) == [["|- ( &W1 -> ( ( ph -> ps ) -> ( ph -> ph ) ) )", "|- &W1"]]
    assert whole.session.parts(whole)[0] is whole  # they share &W1
    both = after(whole, "a1i")
    assert texts(both) == [["|- ( ( ph -> ps ) -> ( ph -> ph ) )"], ["|- &W1"]]
    assert both.session.parts(both)[0].key == root.key
    more = after(whole, "syl")
    assert texts(more) == [["|- ( &W1 -> ( ( ph -> ps ) -> ( ph -> ph ) ) )", "|- &W2", "|- ( &W2 -> &W1 )"]]


def test_a_condition_ties_goals_together(opened: Open) -> None:
    """Catches a ``$d`` between two parts that neither would see violated."""
    more = """
        ${ $d x A $. k.1 $e |- x = B $. k.2 $e |- A = C $. k $a |- B = C $. $}
        ${ l.1 $e |- x = B $. l.2 $e |- A = C $. l $a |- B = C $. $}
        th $p |- A = B $= ? $.
    """
    environment = opened(more)
    state = start(environment, "th")
    assert len(texts(after(state, "k"))) == 1
    assert len(texts(after(state, "l"))) == 2


class FirstMoves:
    """A policy that suggests what is listed first, likeliest first: poor, and the same everywhere."""

    def generate(self, requests: list[GenerationRequest], n: int) -> list[list[Candidate]]:
        found = []
        for request in requests:
            assert request.moves is not None
            admitted = [tactic for tactic in request.moves.listed() if request.moves.admits(tactic)][:n]
            found.append([Candidate(tactic, -0.2 * place - 0.5) for place, tactic in enumerate(admitted)])
        return found

    def close(self) -> None:
        pass


def prove(environment: MetamathEnvironment, name: str, mode: str) -> SearchResult:
    theorem = environment.theorem(name)
    session = environment.open(theorem)
    assert isinstance(session, MetamathSession)

    def accept(tactics: tuple[str, ...]) -> tuple[Verdict, None]:
        return environment.verify(theorem, environment.write_proof(theorem, tactics)), None

    config = SearchConfig.model_validate({"mode": mode, "limit": {"expansions": 40}, "candidates": 12})
    return search(theorem, session, FirstMoves(), config=config, accept=accept)


def test_proofs_from_parts_are_verified(prefix: MetamathEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches proofs of parts that make no proof; and a search that goes another way without the compiled part."""
    names = [theorem.name for theorem in prefix.theorems()][:400:10]
    results = [prove(prefix, name, "and-or") for name in names]
    for result in results:
        check_graph(result.graph)
        assert result.refused == 0
    proved = [result for result in results if result.status == "proved"]
    assert len(proved) >= 5
    assert any(result.graph.edge_also for result in proved)
    assert max(len(result.tactics or ()) for result in proved) >= 3
    monkeypatch.setenv("PROOFSEARCH_PLAIN_PYTHON", "1")
    for name, result in list(zip(names, results, strict=True))[:8]:
        assert prove(prefix, name, "and-or") == result
