"""The checks of what a session can do besides: each finds the session that breaks its rule, and no other check does."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from childprover import Child, ChildEnvironment, ChildSession
from conforming import failed

from proofsearch import Crashed, Outcome, ProofState, Theorem, TimedOut
from proofsearch.protocols import Usage
from proofsearch.testing import ConformanceError, CountdownConfig, CountdownEnvironment, abilities, check_environment
from proofsearch.testing.countdown import CountdownSession

CONFIG = CountdownConfig(size=40)
ABILITIES = [
    "many tactics equal singles",
    "released states steppable",
    "usage is told",
    "processor time grows",
    "a new prover goes on",
    "an interrupt ends steps",
]


def environment(session: type[CountdownSession]) -> Any:
    class Environment(CountdownEnvironment):
        def open(self, theorem: Theorem) -> CountdownSession:
            return session(self._numbers[theorem.name], self._before(theorem))

    return lambda config, builder: Environment(config)


# ---------------------------------------------------------------------------------------------------- many tactics


class Reversed(CountdownSession):
    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        return iter([self.step(state, tactic) for tactic in tactics][::-1])


class LosesLast(CountdownSession):
    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        return super().step_many(state, tactics[:-1])


class Cumulative(CountdownSession):
    """Each tactic is tried where the one before has led."""

    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        for tactic in tactics:
            outcome = self.step(state, tactic)
            yield outcome
            state = getattr(outcome, "state", state)


class StuckWhenStopped(CountdownSession):
    """Takes single steps again only when all outcomes were read."""

    busy = False

    def step(self, state: ProofState, tactic: str) -> Outcome:
        return Crashed("busy") if self.busy else super().step(state, tactic)

    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        outcomes = [self.step(state, tactic) for tactic in tactics]
        self.busy = bool(tactics)
        yield from outcomes
        self.busy = False


# ---------------------------------------------------------------------------------------------------- held states


class Holds(CountdownSession):
    """Holds its states by text, and steps those alone that it holds."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.gone: set[str] = set()

    def step(self, state: ProofState, tactic: str) -> Outcome:
        return Crashed("no such state") if state.text in self.gone else super().step(state, tactic)


class Forgets(Holds):
    def release(self, states: Sequence[ProofState]) -> None:
        self.gone.update(state.text for state in states)


class ReleasesOnce(CountdownSession):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.held: set[str] = set()

    def step(self, state: ProofState, tactic: str) -> Outcome:
        self.held.add(state.text)
        return super().step(state, tactic)

    def release(self, states: Sequence[ProofState]) -> None:
        for state in states:
            self.held.remove(state.text)


class ForgetsWhenRenewed(Holds):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.met: set[str] = set()

    def step(self, state: ProofState, tactic: str) -> Outcome:
        self.met.add(state.text)
        return super().step(state, tactic)

    def renew(self) -> None:
        self.gone |= self.met


class KeepsOldProver(ChildSession):
    """Begins a new process and leaves the one before alone until it is closed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.old: list[Child] = []

    def renew(self) -> None:
        self.old.append(self.child)
        self.child = Child()

    def close(self) -> None:
        for child in (*self.old, self.child):
            child.end()


# ---------------------------------------------------------------------------------------------------- usage


class Megabytes(CountdownSession):
    def usage(self) -> Any:
        return Usage(memory=1.5)  # type: ignore[arg-type]


class Weightless(CountdownSession):
    def usage(self) -> Usage:
        return Usage(memory=0, processes=1)


class Negative(CountdownSession):
    def usage(self) -> Usage:
        return Usage(states=-1)


class EndsWhenAsked(Holds):
    def usage(self) -> Usage:
        self.gone.add(self.initial().state.text)  # type: ignore[union-attr]
        return super().usage()


class GoesBack(CountdownSession):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.left = 9.0

    def processor_seconds(self) -> float:
        self.left -= 1.0
        return self.left


class NoNumber(CountdownSession):
    def processor_seconds(self) -> float:
        return math.nan


class EndsWhenTimed(Holds):
    def processor_seconds(self) -> float:
        self.gone.add(self.initial().state.text)  # type: ignore[union-attr]
        return super().processor_seconds()


# ---------------------------------------------------------------------------------------------------- interrupts


class GoesOn(CountdownSession):
    def interrupt(self) -> None:
        pass


class OnlyOnce(CountdownSession):
    """Ends one step and forgets it."""

    def step(self, state: ProofState, tactic: str) -> Outcome:
        outcome = super().step(state, tactic)
        self._interrupted = False
        return outcome


class RaisesInterrupted(CountdownSession):
    def step(self, state: ProofState, tactic: str) -> Outcome:
        if self._interrupted:
            raise InterruptedError
        return super().step(state, tactic)


class InterruptsAll(CountdownSession):
    stopped: set[int] = set()  # noqa: RUF012

    def interrupt(self) -> None:
        self.stopped.add(0)

    def step(self, state: ProofState, tactic: str) -> Outcome:
        return TimedOut() if self.stopped else super().step(state, tactic)


class Waits(CountdownSession):
    """Has a tactic that runs until it is interrupted."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.event = threading.Event()

    def step(self, state: ProofState, tactic: str) -> Outcome:
        if tactic == "wait":
            self.event.wait()
        return super().step(state, tactic)

    def interrupt(self) -> None:
        super().interrupt()
        self.event.set()


class WaitsOn(Waits):
    def interrupt(self) -> None:
        CountdownSession.interrupt(self)


class WaitsToInterrupt(Waits):
    def interrupt(self) -> None:
        self.event.wait()


def test_a_session_with_every_ability_passes() -> None:
    report = check_environment(environment(Waits), CONFIG, endless="wait", only=ABILITIES)
    assert report.names("passed") == ABILITIES


def test_a_session_without_abilities_is_not_asked_for_them() -> None:
    class Plain:
        def __init__(self, inner: CountdownSession) -> None:
            self.initial, self.step, self.close = inner.initial, inner.step, inner.close

    class Environment(CountdownEnvironment):
        def open(self, theorem: Theorem) -> Any:
            return Plain(super().open(theorem))

    report = check_environment(lambda config, builder: Environment(config), CONFIG, only=ABILITIES)
    assert report.names("skipped") == ABILITIES


@pytest.mark.parametrize(
    ("session", "check"),
    [
        (Reversed, "many tactics equal singles"),
        (LosesLast, "many tactics equal singles"),
        (Cumulative, "many tactics equal singles"),
        (StuckWhenStopped, "many tactics equal singles"),
        (Forgets, "released states steppable"),
        (ReleasesOnce, "released states steppable"),
        (Megabytes, "usage is told"),
        (Weightless, "usage is told"),
        (Negative, "usage is told"),
        (EndsWhenAsked, "usage is told"),
        (GoesBack, "processor time grows"),
        (NoNumber, "processor time grows"),
        (EndsWhenTimed, "processor time grows"),
        (ForgetsWhenRenewed, "a new prover goes on"),
        (GoesOn, "an interrupt ends steps"),
        (OnlyOnce, "an interrupt ends steps"),
        (RaisesInterrupted, "an interrupt ends steps"),
    ],
)
def test_a_broken_ability_fails_its_check_alone(session: type[CountdownSession], check: str) -> None:
    assert failed(check_environment, environment(session), CONFIG, count=2) == [check]


def test_an_interrupt_that_ends_other_sessions_is_found() -> None:
    try:
        found = failed(check_environment, environment(InterruptsAll), CONFIG, only=ABILITIES)
    finally:
        InterruptsAll.stopped.clear()
    assert found == ["an interrupt ends steps"]


@pytest.mark.parametrize(("session", "says"), [(WaitsOn, "continues"), (WaitsToInterrupt, "waits for the step")])
def test_a_step_that_does_not_end_is_found(
    session: type[CountdownSession], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abilities, "INTERRUPTED", 0.2)
    with pytest.raises(ConformanceError, match=says):
        check_environment(environment(session), CONFIG, endless="wait", only=ABILITIES)


def test_a_prover_that_is_left_when_it_is_replaced_is_found() -> None:
    class Environment(ChildEnvironment):
        session = KeepsOldProver

    found = failed(check_environment, lambda config, builder: Environment(config), CONFIG, count=2)
    assert found == ["a new prover goes on"]


def test_the_highest_of_two_usages_is_that_of_each_number() -> None:
    one, other = Usage(3, 1, 5), Usage(2, 4, 5)
    assert one.highest(other) == other.highest(one) == Usage(3, 4, 5)
    assert dataclasses.astuple(Usage()) == (0, 0, 0)
