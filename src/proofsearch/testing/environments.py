"""What holds for an environment; see :class:`proofsearch.protocols.Environment`.

The checks of its library and its sessions are here, those of moves and parts in :mod:`proofsearch.testing.moves`, those
of what it says of proofs in :mod:`proofsearch.testing.proofs`.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Any

from proofsearch.errors import UsageError
from proofsearch.protocols import (
    Demonstrates,
)
from proofsearch.testing.cases import CONFIG_CHECKS
from proofsearch.testing.checks import Checks, NotApplicable, Violation, brief, expect, spread
from proofsearch.testing.environment_case import NONSENSE, EnvironmentCase, Step, alike, follow, neighbours, shown
from proofsearch.testing.processes import children, ended
from proofsearch.testing.scripts import add_split_check
from proofsearch.types import Advanced, Crashed, Finished, ProofState, Rejected, TimedOut, Tree

_ODD_TACTICS = ("", " ", "\n", "\0", "a\nb", "⊢ 𝔸", ")" * 50, "x" * 20_000, "\ud800")


ENVIRONMENT_CHECKS: Checks[EnvironmentCase] = Checks("environment", CONFIG_CHECKS)
"""What is checked of an environment; :mod:`proofsearch.testing.proofs` adds what it says of proofs."""


# ------------------------------------------------------------------------------------------------------- the library


@ENVIRONMENT_CHECKS.add
def theorems_listed_once(case: EnvironmentCase) -> str:
    """Theorems have different names and known splits, and are listed in the same way each time."""
    listed = list(case.component.theorems())
    expect(listed, "it lists no theorem")
    names = [theorem.name for theorem in listed]
    twice = next((name for name in spread(names, 100) if names.count(name) > 1), None)
    expect(len(set(names)) == len(names), f"a theorem is listed twice{f': {twice!r}' if twice else ''}")
    for theorem in listed:
        expect(theorem.split in ("train", "validation", "test", ""), f"{theorem.name!r}: split is {theorem.split!r}")
    expect(list(case.component.theorems()) == listed, "listed a second time, the theorems are others")
    return f"{len(listed)} theorems"


@ENVIRONMENT_CHECKS.add
def theorems_in_order(case: EnvironmentCase) -> None:
    """If theorems have a position in the library, it rises as they are listed."""
    positions = [theorem.position for theorem in case.component.theorems() if theorem.position is not None]
    if not positions:
        raise NotApplicable("its theorems have no position")
    expect(positions == sorted(positions), "positions fall on the way through the list")
    expect(len(set(positions)) == len(positions), "two theorems have one position")


@ENVIRONMENT_CHECKS.add
def theorems_looked_up(case: EnvironmentCase) -> None:
    """A theorem is found by its name, and an unknown name is an error for people that names it."""
    for theorem in spread(case.component.theorems(), 20):
        found = case.component.theorem(theorem.name)
        expect(found == theorem, f"{theorem.name!r} was listed as {brief(theorem)} and looked up as {brief(found)}")
    try:
        case.component.theorem("no such theorem")
    except UsageError as error:
        expect("no such theorem" in str(error), f"the error doesn't say which theorem: {error}")
    else:
        raise Violation("theorem('no such theorem') returned something, expected a UsageError")


@ENVIRONMENT_CHECKS.add
def steady_fingerprint(case: EnvironmentCase) -> None:
    """The fingerprint maps texts to texts, and is that of another instance with the same options."""
    found = dict(case.component.fingerprint())
    texts = all(isinstance(key, str) and isinstance(value, str) for key, value in found.items())
    expect(found and texts, f"the fingerprint is {brief(found)}, expected texts by text")
    with case.another() as other:
        again = dict(other.fingerprint())
    expect(again == found, f"another instance has {brief(again)}, the first {brief(found)}")


# ---------------------------------------------------------------------------------------------------------- sessions


@ENVIRONMENT_CHECKS.add
def initial_states(case: EnvironmentCase) -> None:
    """A session begins with a state or is finished at once, the same each time it is asked."""
    for theorem in spread(case.component.theorems(), 8):
        with closing(case.component.open(theorem)) as session:
            first = session.initial()
            expect(
                isinstance(first, Advanced | Finished),
                f"{theorem.name!r} begins with {brief(first)}, expected Advanced or Finished",
            )
            again = session.initial()
            expect(shown(first) == shown(again), f"{theorem.name!r} begins with {brief(first)}, then {brief(again)}")


@ENVIRONMENT_CHECKS.add
def well_formed_states(case: EnvironmentCase) -> str:
    """A state has a text, a hashable key and at least one goal, and a goal's tree is a preorder."""
    states = 0
    with case.sessions() as sessions:
        for walk, session in sessions:
            for step in follow(session, walk.tactics):
                state, states = step.state, states + 1
                expect(isinstance(state.text, str) and state.text, f"a state's text is {state.text!r}")
                hash(state.key)
                goals = list(state.goals)
                expect(
                    goals and state.num_goals == len(goals),
                    f"{brief(state.text)}: num_goals is {state.num_goals}, and there are {len(goals)} goals",
                )
                for goal in goals:
                    expect(isinstance(goal.text, str) and goal.text, f"{brief(state.text)}: a goal without a text")
                    expect(
                        goal.tree is None or _is_preorder(goal.tree),
                        f"{brief(goal.text)}: the arities of its tree don't add up",
                    )
    return f"{states} states"


@ENVIRONMENT_CHECKS.add
def repeatable_steps(case: EnvironmentCase) -> None:
    """The same tactic at the same state has the same outcome when it is tried again at once."""
    with case.sessions() as sessions:
        for walk, session in sessions:
            outcome = session.initial()
            for tactic in walk.tactics:
                if isinstance(outcome, Advanced):
                    state = outcome.state
                    steps = [Step(state, tactic, session.step(state, tactic)) for _ in range(2)]
                    alike(steps[:1], steps[1:], f"{walk.theorem.name!r}: made a second time")
                    outcome = steps[0].outcome


@ENVIRONMENT_CHECKS.add
def any_earlier_state_steppable(case: EnvironmentCase) -> None:
    """A state is a value: an earlier state of a path can still be stepped."""
    case.given(repeatable_steps)
    with case.sessions() as sessions:
        for walk, session in sessions:
            steps = follow(session, walk.tactics)
            again = [Step(step.state, step.tactic, session.step(step.state, step.tactic)) for step in reversed(steps)]
            alike(steps, again[::-1], f"{walk.theorem.name!r}: from the end back to the root")


@ENVIRONMENT_CHECKS.add
def replay_in_a_fresh_session(case: EnvironmentCase) -> None:
    """The same tactics lead through the same states in a fresh session, and in one of another instance."""
    case.given(initial_states, repeatable_steps)
    with case.sessions() as sessions, case.another() as other:
        for walk, session in sessions:
            first = follow(session, walk.tactics)
            with closing(case.component.open(walk.theorem)) as fresh:
                alike(first, follow(fresh, walk.tactics), f"{walk.theorem.name!r}: in a fresh session")
            with closing(other.open(walk.theorem)) as elsewhere:
                alike(first, follow(elsewhere, walk.tactics), f"{walk.theorem.name!r}: in another instance")


@ENVIRONMENT_CHECKS.add
def states_stay_as_they_are(case: EnvironmentCase) -> None:
    """Text, goals and key of a state are the same after steps from it as before."""
    case.given(repeatable_steps)
    with case.sessions() as sessions:
        for walk, session in sessions:
            outcome = session.initial()
            met: list[tuple[ProofState, Any]] = []
            for tactic in walk.tactics:
                if isinstance(outcome, Advanced):
                    met.append((outcome.state, _seen(outcome.state)))
                    outcome = session.step(outcome.state, tactic)
            for state, before in met:
                now = _seen(state)
                expect(now == before, f"{walk.theorem.name!r}: a state was {brief(before)} and is {brief(now)}")


@ENVIRONMENT_CHECKS.add
def survives_a_rejected_tactic(case: EnvironmentCase) -> None:
    """A tactic that doesn't apply is ``Rejected``, and the state can be stepped as before."""
    case.given(any_earlier_state_steppable)
    with case.sessions() as sessions:
        for walk, session in sessions:
            steps = follow(session, walk.tactics)
            for step in spread(steps, 3):
                outcome = session.step(step.state, NONSENSE)
                expect(isinstance(outcome, Rejected), f"the tactic {NONSENSE!r} gave {brief(outcome)}")
                again = Step(step.state, step.tactic, session.step(step.state, step.tactic))
                alike([step], [again], f"{walk.theorem.name!r}: after a rejected tactic")


@ENVIRONMENT_CHECKS.add
def odd_tactics_are_values(case: EnvironmentCase) -> None:
    """Whatever text a policy writes, a step returns an outcome and raises nothing."""
    with case.sessions() as sessions:
        walk, session = next(sessions)
        state = follow(session, walk.tactics[:1])[0].state
        for tactic in _ODD_TACTICS:
            outcome = session.step(state, tactic)
            expect(
                isinstance(outcome, Advanced | Rejected | TimedOut | Crashed),
                f"the tactic {brief(tactic)} gave {brief(outcome)}",
            )


@ENVIRONMENT_CHECKS.add
def a_crash_is_a_value(case: EnvironmentCase) -> str:
    """If the prover dies, a step says so or is made all the same, and the state can be stepped again."""
    case.given(any_earlier_state_steppable)
    before = set(children())
    with case.sessions() as sessions:
        walk, session = next(sessions)
        steps = follow(session, walk.tactics)
        provers = [process for process in children() if process not in before]
        if case.crashing is not None:
            outcome = session.step(steps[0].state, case.crashing)
            expect(isinstance(outcome, Crashed), f"the tactic {case.crashing!r} gave {brief(outcome)}")
        elif not provers:
            raise NotApplicable("it runs in this process: there is no prover that could die alone")
        else:
            for process in provers:
                process.kill()
            ended(provers, 10)
        after = session.step(steps[-1].state, steps[-1].tactic)
        expect(
            isinstance(after, Crashed) or shown(after) == shown(steps[-1].outcome),
            f"when the prover had died, a step gave {brief(after)}",
        )
        again = [Step(step.state, step.tactic, session.step(step.state, step.tactic)) for step in steps]
        alike(steps, again, "after the prover had died")
    return f"{len(provers)} processes were killed" if case.crashing is None else ""


@ENVIRONMENT_CHECKS.add
def stable_keys(case: EnvironmentCase) -> str:
    """In one session equal states have equal keys and equal texts, and different states differ in both."""
    case.given(initial_states, any_earlier_state_steppable, states_stay_as_they_are)
    states = 0
    with case.sessions() as sessions:
        for walk, session in sessions:
            first = [step.state for step in follow(session, walk.tactics)]
            again = [step.state for step in follow(session, walk.tactics)]
            for one, other in zip(first, again, strict=False):
                expect(
                    one.key == other.key and hash(one.key) == hash(other.key),
                    f"{walk.theorem.name!r}: reached a second time, {brief(one.text)} has another key",
                )
            met = [*first, *neighbours(session, first)]
            states += len(met)
            texts: dict[Any, str] = {}
            keys: dict[str, Any] = {}
            for state in met:
                text = texts.setdefault(state.key, state.text)
                expect(text == state.text, f"one key has {brief(text)} and {brief(state.text)}")
                key = keys.setdefault(state.text, state.key)
                expect(key == state.key, f"the text {brief(state.text)} has two keys")
    return f"{states} states"


@ENVIRONMENT_CHECKS.add
def sessions_apart(case: EnvironmentCase) -> None:
    """Two sessions at once don't disturb each other."""
    case.given(replay_in_a_fresh_session)
    chosen = [case.walks[0], case.walks[-1]]
    expected = []
    for walk in chosen:
        with closing(case.component.open(walk.theorem)) as session:
            expected.append(follow(session, walk.tactics))
    with ExitStack() as opened:
        first = case.component.open(chosen[0].theorem)
        sessions = [first, opened.enter_context(closing(case.component.open(chosen[1].theorem)))]
        outcomes = [session.initial() for session in sessions]
        made: list[list[Step]] = [[], []]
        for number in range(max(len(walk.tactics) for walk in chosen)):
            for which, walk in enumerate(chosen):
                outcome = outcomes[which]
                if number < len(walk.tactics) and isinstance(outcome, Advanced):
                    outcomes[which] = sessions[which].step(outcome.state, walk.tactics[number])
                    made[which].append(Step(outcome.state, walk.tactics[number], outcomes[which]))
        first.close()
        for one, other in zip(expected, made, strict=True):
            alike(one, other, "taking turns with another session")
        last = made[1][-1]
        again = Step(last.state, last.tactic, sessions[1].step(last.state, last.tactic))
        alike([last], [again], "after another session was closed")


@ENVIRONMENT_CHECKS.add
def demonstrations_replay(case: EnvironmentCase) -> str:
    """Each demonstration is a step of a search: from the initial state on, to the end, with the steps that remain."""
    case.given(replay_in_a_fresh_session)
    environment = case.component
    if not isinstance(environment, Demonstrates):
        raise NotApplicable("its library holds no proofs to learn from")
    theorems = [walk.theorem for walk in case.walks]
    shows = list(environment.demonstrations(theorems))
    for theorem in theorems:
        steps = [step for step in shows if step.theorem == theorem]
        expect(steps, f"of {theorem.name!r}, asked for together with others, nothing is demonstrated")
        remaining = [step.remaining for step in steps]
        expected = list(range(len(steps), 0, -1))
        expect(remaining == expected, f"{theorem.name!r}: remaining is {brief(remaining)}, expected {brief(expected)}")
        with closing(environment.open(theorem)) as session:
            followed = follow(session, [step.tactic for step in steps])
        for number, (step, made) in enumerate(zip(steps, followed, strict=False), start=1):
            expect(
                step.state.text == made.state.text,
                f"{theorem.name!r}, step {number}: shown is {brief(step.state.text)}, met {brief(made.state.text)}",
            )
        end = followed[-1].outcome if followed else None
        expect(isinstance(end, Finished), f"{theorem.name!r}: the steps shown end in {brief(end)}")
    return f"{len(shows)} steps of {len(theorems)} proofs"


add_split_check(ENVIRONMENT_CHECKS)


@ENVIRONMENT_CHECKS.add
def idempotent_close(case: EnvironmentCase) -> None:
    """Closing a session or the environment twice is closing it once."""
    environment = case.make()
    session = environment.open(case.component.theorems()[0])
    session.close()
    session.close()
    environment.close()
    environment.close()


@ENVIRONMENT_CHECKS.add
def leaves_no_process(case: EnvironmentCase) -> None:
    """What was closed leaves no process behind."""
    before = set(children())
    with case.another() as environment:
        for walk in case.walks[:2]:
            with closing(environment.open(walk.theorem)) as session:
                follow(session, walk.tactics)
    left = ended([process for process in children() if process not in before])
    expect(not left, f"left running: {', '.join(map(str, left))}")


def _seen(state: ProofState) -> tuple[Any, ...]:
    return state.text, tuple(state.goals), state.key


def _is_preorder(tree: Tree) -> bool:
    wanted = 1
    for arity in tree.arities:
        if wanted < 1:
            return False
        wanted += arity - 1
    return wanted == 0 and len(tree.symbols) == len(tree.arities)
