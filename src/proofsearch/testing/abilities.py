"""What holds for what a session can do besides; see :mod:`proofsearch.protocols.abilities`."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import astuple

from proofsearch.protocols import (
    CountsProcessorTime,
    EnumeratesMoves,
    Interruptible,
    ReleasesStates,
    Renews,
    ReportsUsage,
    Session,
    StepsMany,
    Usage,
)
from proofsearch.testing.checks import NotApplicable, brief, expect, spread
from proofsearch.testing.environment_case import NONSENSE, EnvironmentCase, Step, alike, follow, shown
from proofsearch.testing.environments import (
    ENVIRONMENT_CHECKS,
    any_earlier_state_steppable,
    odd_tactics_are_values,
    repeatable_steps,
    replay_in_a_fresh_session,
    survives_a_rejected_tactic,
)
from proofsearch.testing.processes import children, ended
from proofsearch.types import Advanced, Crashed, Outcome, ProofState, TimedOut

INTERRUPTED = 20.0
"""Seconds after which a step that was interrupted is taken for one that won't end."""


@ENVIRONMENT_CHECKS.add
def many_tactics_equal_singles(case: EnvironmentCase) -> str:
    """Many tactics in one call have the outcomes of single steps, in order, and reading can stop after any of them."""
    case.given(any_earlier_state_steppable, repeatable_steps, survives_a_rejected_tactic)
    tried = 0
    with case.sessions() as sessions:
        for walk, session in sessions:
            if not isinstance(session, StepsMany):
                raise NotApplicable("its sessions don't try many tactics in one call")
            steps = follow(session, walk.tactics)
            for step in spread(steps, 4):
                state, tactics = step.state, _tactics(session, step, walk.tactics)
                singles = [shown(session.step(state, tactic)) for tactic in tactics]
                where = f"{walk.theorem.name!r}, {brief(state.text)}"
                found = [shown(outcome) for outcome in session.step_many(state, tactics)]
                expect(len(found) == len(tactics), f"{where}: {len(found)} outcomes of {len(tactics)} tactics")
                for tactic, one, other in zip(tactics, singles, found, strict=True):
                    expect(one == other, f"{where}: {tactic!r} among many gave {brief(other)}, alone {brief(one)}")
                expect(not list(session.step_many(state, [])), f"{where}: no tactic has an outcome")
                for stop in sorted({1, len(tactics) // 2, len(tactics) - 1} - {0}):
                    begun = iter(session.step_many(state, tactics))
                    read = [shown(next(begun)) for _ in range(stop)]
                    again = Step(state, step.tactic, session.step(state, step.tactic))
                    expect(read == singles[:stop], f"{where}: read to the {stop}., the outcomes are others")
                    alike([step], [again], f"{where}: after reading {stop} outcomes of {len(tactics)}")
                tried += len(tactics)
    return f"{tried} tactics"


def _tactics(session: Session, step: Step, path: Sequence[str]) -> list[str]:
    """Some tactics to try at a state, each once, among them one that applies and one that doesn't."""
    listed = session.moves(step.state).listed() if isinstance(session, EnumeratesMoves) else ()
    return list(dict.fromkeys([NONSENSE, *spread(path, 4), step.tactic, *spread(listed, 8)]))


@ENVIRONMENT_CHECKS.add
def released_states_steppable(case: EnvironmentCase) -> str:
    """A released state can be stepped as before; it may be released again, and so may a state of another session."""
    case.given(any_earlier_state_steppable, repeatable_steps)
    released = 0
    foreign: list[ProofState] = []
    with case.sessions() as sessions:
        for walk, session in sessions:
            if not isinstance(session, ReleasesStates):
                raise NotApplicable("its sessions don't release states")
            steps = follow(session, walk.tactics)
            states = [step.state for step in steps]
            session.release(states[::2])
            session.release([*states, *states])
            session.release([])
            session.release(foreign)
            again = [Step(step.state, step.tactic, session.step(step.state, step.tactic)) for step in reversed(steps)]
            alike(steps, again[::-1], f"{walk.theorem.name!r}: released, from the end back to the root")
            for step, other in zip(steps, again[::-1], strict=True):
                # The states that the replay has made are released while those before and after them are in use.
                if isinstance(other.outcome, Advanced):
                    session.release([other.outcome.state])
                alike([step], [Step(step.state, step.tactic, session.step(step.state, step.tactic))], "released anew")
            foreign, released = states, released + len(states)
    return f"{released} states"


@ENVIRONMENT_CHECKS.add
def usage_is_told(case: EnvironmentCase) -> str:
    """What the prover uses is whole numbers from 0, with memory where it has processes; asking disturbs no step."""
    case.given(any_earlier_state_steppable, repeatable_steps)
    said = ""
    with case.sessions() as sessions:
        for walk, session in sessions:
            if not isinstance(session, ReportsUsage):
                raise NotApplicable("its sessions don't say what their prover uses")
            steps = follow(session, walk.tactics)
            for step in spread(steps, 4):
                used = session.usage()
                _expect_usage(used)
                again = Step(step.state, step.tactic, session.step(step.state, step.tactic))
                alike([step], [again], f"{walk.theorem.name!r}: asked what it uses")
                said = f"{used.memory / 1e6:.0f} MB in {used.processes} processes, {used.states} states"
    return said


def _expect_usage(used: Usage) -> None:
    expect(isinstance(used, Usage), f"usage() gave {brief(used)}, expected a Usage")
    whole = all(type(number) is int and number >= 0 for number in astuple(used))
    expect(whole, f"usage() gave {used}, expected whole numbers from 0")
    expect(used.memory > 0 or not used.processes, f"usage() gave {used}: processes without memory")


@ENVIRONMENT_CHECKS.add
def processor_time_grows(case: EnvironmentCase) -> str:
    """The prover's processor time is a number of seconds that never goes back; asking disturbs no step."""
    case.given(any_earlier_state_steppable, repeatable_steps)
    seconds = 0.0
    with case.sessions() as sessions:
        for walk, session in sessions:
            if not isinstance(session, CountsProcessorTime):
                raise NotApplicable("its sessions don't say how long their prover computed")
            steps = follow(session, walk.tactics)
            before = 0.0
            for step in spread(steps, 4):
                now = session.processor_seconds()
                right = type(now) in (int, float) and before <= now < math.inf  # false for nan
                expect(right, f"processor_seconds() gave {now} after {before}, expected seconds that don't go back")
                again = Step(step.state, step.tactic, session.step(step.state, step.tactic))
                alike([step], [again], f"{walk.theorem.name!r}: asked how long its prover computed")
                before = now
            seconds += before
    return f"{seconds:.2f} s"


@ENVIRONMENT_CHECKS.add
def a_new_prover_goes_on(case: EnvironmentCase) -> str:
    """With a new prover every state can be stepped as before, and nothing is left of the one before."""
    case.given(any_earlier_state_steppable, repeatable_steps)
    count = 0
    before = set(children())
    with case.sessions() as sessions:
        for walk, session in sessions:
            if not isinstance(session, Renews):
                raise NotApplicable("its sessions don't replace their prover")
            steps = follow(session, walk.tactics)
            old = [process for process in children() if process not in before]
            session.renew()
            last = steps[-1]
            again = [Step(last.state, last.tactic, session.step(last.state, last.tactic))]
            alike([last], again, f"{walk.theorem.name!r}: with a new prover, the last step")
            left = ended(old)
            expect(not left, f"{walk.theorem.name!r}: left of the prover before: {', '.join(map(str, left))}")
            session.renew()
            again = [Step(step.state, step.tactic, session.step(step.state, step.tactic)) for step in steps]
            alike(steps, again, f"{walk.theorem.name!r}: with a new prover")
            before.update(children())
            count += len(old)
    return f"{count} processes were replaced"


@ENVIRONMENT_CHECKS.add
def an_interrupt_ends_steps(case: EnvironmentCase) -> str:
    """Interrupted, a step ends soon as timed out or crashed, each later one at once, and other sessions continue."""
    case.given(any_earlier_state_steppable, repeatable_steps, odd_tactics_are_values, replay_in_a_fresh_session)
    with case.sessions() as sessions:
        walk, session = next(sessions)
        if not isinstance(session, Interruptible):
            raise NotApplicable("its sessions don't end a step from another thread")
        steps = follow(session, walk.tactics)
        first = steps[0].state
        tactic = steps[0].tactic if case.endless is None else case.endless
        outcomes: list[Outcome] = []
        raised: list[BaseException] = []

        def step_on() -> None:
            try:
                outcomes.append(session.step(first, tactic))
            # To be raised again where it can be seen.
            except BaseException as error:
                raised.append(error)

        running = threading.Thread(target=step_on, daemon=True)
        if case.endless is not None:
            running.start()
            running.join(INTERRUPTED / 100)  # it is to be under way; were it not yet, that would be no fault
        _in_thread(session.interrupt)
        if case.endless is None:
            running.start()
        running.join(INTERRUPTED)
        expect(not running.is_alive(), f"the step {tactic!r} continues {INTERRUPTED:g} s after it was interrupted")
        if raised:
            raise raised[0]
        _expect_interrupted(outcomes[0], tactic)
        _expect_interrupted(session.step(first, steps[0].tactic), steps[0].tactic)
        with closing(case.component.open(walk.theorem)) as other:
            alike(steps, follow(other, walk.tactics), "in another session, after an interrupt")
    return "" if case.endless is not None else "no endless tactic was given: only later steps were tried"


def _in_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(INTERRUPTED)
    expect(not thread.is_alive(), "interrupt() waits for the step; expected that it returns at once")


def _expect_interrupted(outcome: Outcome, tactic: str) -> None:
    expect(
        isinstance(outcome, TimedOut | Crashed),
        f"interrupted, the step {tactic!r} gave {brief(outcome)}, expected TimedOut or Crashed",
    )
