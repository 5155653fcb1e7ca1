"""What holds for sessions that enumerate moves and take states apart."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from proofsearch.protocols import (
    AdmitsMany,
    Decomposes,
    EnumeratesMoves,
)
from proofsearch.testing.checks import NotApplicable, brief, expect, spread
from proofsearch.testing.environment_case import NONSENSE, EnvironmentCase, Step, follow, neighbours
from proofsearch.testing.environments import (
    ENVIRONMENT_CHECKS,
    any_earlier_state_steppable,
    replay_in_a_fresh_session,
    stable_keys,
    states_stay_as_they_are,
    well_formed_states,
)
from proofsearch.types import Advanced, Finished, Outcome


@ENVIRONMENT_CHECKS.add
def moves_hold(case: EnvironmentCase) -> str:
    """Listed moves are a superset of those that apply, in a fixed order; ``admits`` says what a step does."""
    case.given(any_earlier_state_steppable)
    tried = 0
    with case.sessions() as sessions:
        for walk, session in sessions:
            if not isinstance(session, EnumeratesMoves):
                raise NotApplicable("its sessions don't enumerate moves")
            for step in spread(follow(session, walk.tactics), 4):
                moves, state = session.moves(step.state), brief(step.state.text)
                listed = list(moves.listed())
                expect(list(session.moves(step.state).listed()) == listed, f"{state}: listed again, moves are others")
                expect(len(set(listed)) == len(listed), f"{state}: a move is listed twice")
                expect(step.tactic in listed, f"{state}: {step.tactic!r} applies and is not listed")
                for tactic in [step.tactic, *spread(listed, 12)]:
                    applies = isinstance(session.step(step.state, tactic), Advanced | Finished)
                    admitted = moves.admits(tactic)
                    expect(applies == admitted, f"{state}: admits({tactic!r}) is {admitted}, and applies is {applies}")
                    tried += 1
                expect(not moves.admits(NONSENSE), f"{state}: admits({NONSENSE!r}) is true")
                if isinstance(moves, AdmitsMany):
                    some = [NONSENSE, *spread(listed, 12)]
                    wanted = [place for place, tactic in enumerate(some) if moves.admits(tactic)]
                    for n in (1, len(some)):
                        found = moves.admitted(some, n)
                        expect(found == wanted[:n], f"{state}: admitted says {found}, admits one by one {wanted[:n]}")
    return f"{tried} moves tried"


@ENVIRONMENT_CHECKS.add
def parts_hold(case: EnvironmentCase) -> str:
    """A state's parts have all its goals, the first one first, and a step does to it what it does to the first part."""
    case.given(
        well_formed_states,
        any_earlier_state_steppable,
        stable_keys,
        states_stay_as_they_are,
        replay_in_a_fresh_session,
    )
    seen = several = 0
    with case.sessions() as sessions:
        for walk, session in sessions:
            if not isinstance(session, Decomposes):
                raise NotApplicable("its sessions don't take states apart")
            steps = spread(follow(session, walk.tactics), 6)
            for state in spread(list(neighbours(session, [step.state for step in steps])), 12):
                listed = session.moves(state).listed() if isinstance(session, EnumeratesMoves) else ()
                steps += [Step(state, tactic, session.step(state, tactic)) for tactic in spread(listed, 4)]
            for step in steps:
                several += _parted(session, step)
                seen += 1
    return f"{seen} steps, {several} of them from a state with several parts"


def _parted(session: Any, step: Step) -> bool:
    """Whether a step's state has several parts, which were checked.

    Raises:
        Violation: they aren't parts of it.
    """
    state, parts = brief(step.state.text), list(session.parts(step.state))
    keys = [part.key for part in parts]
    expect(parts, f"{state}: it has no parts")
    expect([part.key for part in session.parts(step.state)] == keys, f"{state}: asked again, its parts are others")
    expect(len(parts) > 1 or keys == [step.state.key], f"{state}: its one part is another state")
    goals, of_parts = step.state.num_goals, sum(part.num_goals for part in parts)
    expect(goals == of_parts, f"{state}: it has {goals} goals, its parts {of_parts}")
    for part in parts:
        again = [one.key for one in session.parts(part)]
        expect(again == [part.key], f"{state}: its part {brief(part.text)} has parts itself")
    if isinstance(step.outcome, Advanced | Finished):
        alone = session.step(parts[0], step.tactic)
        same = {*keys[1:], *_parts_after(session, alone)} == _parts_after(session, step.outcome)
        expect(
            isinstance(alone, Advanced | Finished) and same,
            f"{state}: {step.tactic!r} leaves other parts of it than of its first part, {brief(parts[0].text)}",
        )
    return len(parts) > 1


def _parts_after(session: Decomposes, outcome: Outcome) -> set[Hashable]:
    return {part.key for part in session.parts(outcome.state)} if isinstance(outcome, Advanced) else set()
