"""The checks of environments: a sound one passes, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from childprover import ChildEnvironment, ChildSession
from conforming import failed

from proofsearch import (
    Advanced,
    Candidate,
    Demonstration,
    Goal,
    Outcome,
    ProofState,
    Rejected,
    State,
    Theorem,
    Tree,
    Verdict,
)
from proofsearch.errors import InputError, ProofError
from proofsearch.testing import CountdownConfig, CountdownEnvironment, ListedTactics, check_environment
from proofsearch.testing.countdown import CountdownMoves, CountdownSession

CONFIG = CountdownConfig(size=40)


class Sound(CountdownEnvironment):
    session: Any = CountdownSession

    def __init__(self, config: CountdownConfig, builder: object) -> None:
        super().__init__(config)

    def open(self, theorem: Theorem) -> Any:
        return self.session(self._numbers[theorem.name], self._before(theorem))


class Splits(Sound):
    def split_script(self, script: str) -> Sequence[str]:
        return script.splitlines()


class SplitsByWords(Splits):
    """Makes two tactics of one that has a blank in it, and loses the last."""

    def split_script(self, script: str) -> Sequence[str]:
        return script.split()[:-1]


def with_session(session: type[CountdownSession]) -> type[Sound]:
    return type("Environment", (Sound,), {"session": session})


# ------------------------------------------------------------------------------------------------------- the library


class ListsTwice(Sound):
    def theorems(self) -> Sequence[Theorem]:
        listed = list(super().theorems())
        return [*listed, dataclasses.replace(listed[0], position=None)]


class OddSplit(Sound):
    def theorems(self) -> Sequence[Theorem]:
        return [self.theorem(theorem.name) for theorem in super().theorems()]

    def theorem(self, name: str) -> Theorem:
        return dataclasses.replace(super().theorem(name), split="dev")


class Backwards(Sound):
    def theorems(self) -> Sequence[Theorem]:
        return list(reversed(super().theorems()))


class FindsAnything(Sound):
    def theorem(self, name: str) -> Theorem:
        return self._theorems.get(name, Theorem(name, "0 is 0"))


class Unhelpful(Sound):
    def theorem(self, name: str) -> Theorem:
        if name not in self._theorems:
            raise KeyError(name)
        return super().theorem(name)


class Timestamped(Sound):
    count = itertools.count()

    def fingerprint(self) -> Mapping[str, str]:
        return {"made": str(next(Timestamped.count))}


class CountsFromZero(Sound):
    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        for step in super().demonstrations(theorems):
            yield dataclasses.replace(step, remaining=step.remaining - 1)


class ShowsOthers(Sound):
    """The states that it shows are those after the step."""

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        for step in super().demonstrations(theorems):
            yield dataclasses.replace(step, state=State(f"{step.state.text} ?", tuple(step.state.goals)))


# ---------------------------------------------------------------------------------------------------------- sessions


class BeginsAnew(CountdownSession):
    """Another state each time it is asked for the first."""

    begun = 0

    def initial(self) -> Outcome:
        self.begun += 1
        outcome = super().initial()
        assert isinstance(outcome, Advanced)
        return outcome if self.begun == 1 else Advanced(renamed(outcome.state, "again"))


def renamed(state: ProofState, more: str) -> State:
    return State(f"{state.text} {more}", tuple(state.goals))


class Miscounted(State):
    """A state that says that there is one goal more."""

    @property
    def num_goals(self) -> int:
        return len(self.goals) + 1


class Miscounts(CountdownSession):
    def step(self, state: ProofState, tactic: str) -> Outcome:
        outcome = super().step(state, tactic)
        if not isinstance(outcome, Advanced):
            return outcome
        return Advanced(Miscounted(outcome.state.text, tuple(outcome.state.goals)))


class CrookedTrees(CountdownSession):
    def step(self, state: ProofState, tactic: str) -> Outcome:
        outcome = super().step(state, tactic)
        if not isinstance(outcome, Advanced):
            return outcome
        goals = tuple(Goal(goal.text, Tree(("is", "0"), (2, 0))) for goal in outcome.state.goals)
        return Advanced(State(outcome.state.text, goals))


class OnceOnly(CountdownSession):
    """A step that was made can't be made again."""

    last: object = None

    def step(self, state: ProofState, tactic: str) -> Outcome:
        outcome = super().step(state, tactic)
        if (state.text, tactic) == self.last and isinstance(outcome, Advanced):
            return Advanced(renamed(outcome.state, "again"))
        self.last = state.text, tactic
        return outcome


class OnlyForward(CountdownSession):
    """A prover with one current state: it can take back one step, and what lies before is lost."""

    def __init__(self, number: int, earlier: Mapping[str, int]) -> None:
        super().__init__(number, earlier)
        self.trail: list[str] = []

    def initial(self) -> Outcome:
        self.trail = []
        return super().initial()

    def step(self, state: ProofState, tactic: str) -> Outcome:
        if state.text in self.trail[:-1]:
            return Rejected("the prover has gone on from there")
        if state.text not in self.trail:
            self.trail.append(state.text)
        return super().step(state, tactic)


class Frail(CountdownSession):
    """Nothing applies any more after a tactic that doesn't."""

    broken = False

    def step(self, state: ProofState, tactic: str) -> Outcome:
        if "is no tactic" in tactic:
            self.broken = True
        return super().step(state, "nothing" if self.broken else tactic)


class TakesAnything(CountdownSession):
    def step(self, state: ProofState, tactic: str) -> Outcome:
        return super().step(state, "dec" if "is no tactic" in tactic else tactic)


class Raises(CountdownSession):
    def step(self, state: ProofState, tactic: str) -> Outcome:
        if not tactic:
            raise IndexError("list index out of range")
        return super().step(state, tactic)


class Counting(CountdownSession):
    """Its states have the number of the session in them."""

    count = itertools.count()

    def __init__(self, number: int, earlier: Mapping[str, int]) -> None:
        super().__init__(number, earlier)
        self.name = f"s{next(Counting.count)}"

    def initial(self) -> Outcome:
        outcome = super().initial()
        assert isinstance(outcome, Advanced)
        return Advanced(renamed(outcome.state, self.name))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        outcome = super().step(state, tactic)
        return Advanced(renamed(outcome.state, self.name)) if isinstance(outcome, Advanced) else outcome


class Keyed(State):
    """A state whose key is its own."""

    def __init__(self, state: ProofState, key: Any) -> None:
        super().__init__(state.text, tuple(state.goals))
        object.__setattr__(self, "handle", key)

    @property
    def key(self) -> Any:
        return self.handle


class NewKeys(CountdownSession):
    def step(self, state: ProofState, tactic: str) -> Outcome:
        outcome = super().step(state, tactic)
        return Advanced(Keyed(outcome.state, object())) if isinstance(outcome, Advanced) else outcome


class OneKey(CountdownSession):
    """Its key tells how many goals there are, and no more."""

    def step(self, state: ProofState, tactic: str) -> Outcome:
        outcome = super().step(state, tactic)
        return Advanced(Keyed(outcome.state, outcome.state.num_goals)) if isinstance(outcome, Advanced) else outcome


class Mutable(CountdownSession):
    """A step changes the state that it is made from."""

    def step(self, state: ProofState, tactic: str) -> Outcome:
        outcome = super().step(state, tactic)
        if isinstance(outcome, Advanced):
            outcome = Advanced(Marked(outcome.state.text, tuple(outcome.state.goals), []))
        if isinstance(state, Marked):
            assert isinstance(state.handle, list)
            state.handle.append(1)
        return outcome


class Marked(State):
    """A state that shows, in its text, whether anything was done with it."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name == "key" and self.handle:
            return f"{self.text} used"
        return super().__getattribute__(name)


class Common(CountdownSession):
    """All sessions are one: the last that was begun."""

    now: Any = None

    def initial(self) -> Outcome:
        Common.now = self
        return super().initial()

    def step(self, state: ProofState, tactic: str) -> Outcome:
        if Common.now is not self:
            return super().step(state, "nothing")
        return super().step(state, tactic)


class Unlisted(CountdownSession):
    def moves(self, state: ProofState) -> CountdownMoves:
        class Moves(CountdownMoves):
            def listed(self) -> list[str]:
                return [tactic for tactic in super().listed() if tactic != "half"]

        return Moves(self, state)


class AdmitsAll(CountdownSession):
    def moves(self, state: ProofState) -> CountdownMoves:
        class Moves(CountdownMoves):
            def admits(self, tactic: str) -> bool:
                return tactic in self.listed()

        return Moves(self, state)


class AdmitsOneTooMany(CountdownSession):
    def moves(self, state: ProofState) -> CountdownMoves:
        class Moves(CountdownMoves):
            def admitted(self, tactics: Iterable[str], n: int) -> list[int]:
                return [place for place, tactic in enumerate(tactics) if self.admits(tactic)][: n + 1]

        return Moves(self, state)


class LosesPart(CountdownSession):
    def parts(self, state: ProofState) -> Sequence[ProofState]:
        return super().parts(state)[:1]


class LastPartFirst(CountdownSession):
    def parts(self, state: ProofState) -> Sequence[ProofState]:
        return super().parts(state)[::-1]


class ClosedOnce(CountdownSession):
    closed = False

    def close(self) -> None:
        assert not self.closed
        self.closed = True


# ------------------------------------------------------------------------------------------------------------ proofs


class Suffixless(Sound):
    proof_suffix = "countdown"


class RefusesAll(Sound):
    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        return Verdict(False, "strict", "no")


class Anonymous(Sound):
    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        return dataclasses.replace(super().verify(theorem, proof), checker="")


class WritesUnfinished(Sound):
    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        try:
            return super().write_proof(theorem, tactics)
        except ProofError:
            return f"{theorem.name}: {theorem.statement}\nunfinished\n"


class WritesTooMuch(Sound):
    """Drops what follows the end of a path."""

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        for length in range(1, len(tactics)):
            try:
                return super().write_proof(theorem, tactics[:length])
            except ProofError:
                pass
        return super().write_proof(theorem, tactics)


class AnyStatement(Sound):
    """Checks the steps, but not of which theorem they are."""

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        named = self._theorems.get(proof.partition(":")[0])
        return super().verify(named or theorem, proof)


class Prefixes(Sound):
    """Takes a proof that was cut off."""

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        verdict = super().verify(theorem, proof)
        return Verdict(True, verdict.checker) if proof and "open are" in verdict.message else verdict


class RaisesOnRubbish(Sound):
    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        if not proof:
            raise IndexError("the proof has no header")
        return super().verify(theorem, proof)


class Sorry(Sound):
    """Accepts a step that proves anything."""

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        return Verdict(True, "gullible") if "sorry" in proof else super().verify(theorem, proof)


class CitesItself(Sound):
    def _before(self, theorem: Theorem) -> Mapping[str, int]:
        return {**super()._before(theorem), theorem.name: self._numbers[theorem.name]}


class CitesLater(Sound):
    def _before(self, theorem: Theorem) -> Mapping[str, int]:
        return {name: number for name, number in self._numbers.items() if name != theorem.name}


# --------------------------------------------------------------------------------------------------- children that die


class Dies(ChildSession):
    """Doesn't notice that its prover has died."""

    def step(self, state: ProofState, tactic: str) -> Outcome:
        self.child.ask(tactic)
        return CountdownSession.step(self, state, tactic)


class StaysDead(ChildSession):
    """Notices, and never starts it again."""

    dead = False

    def step(self, state: ProofState, tactic: str) -> Outcome:
        if not self.dead:
            outcome = super().step(state, tactic)
            self.dead = self.child.process is None
            return outcome
        return super(ChildSession, self).step(state, "nothing")


class LeavesChild(ChildSession):
    left: list[Any] = []  # noqa: RUF012

    def close(self) -> None:
        self.left.append(self.child)


def child_environment(session: type[ChildSession]) -> Any:
    class Environment(ChildEnvironment):
        pass

    Environment.session = session
    return lambda config, builder: Environment(config)


def test_a_sound_environment_passes() -> None:
    report = check_environment(Sound, CONFIG, cheats={"zero-1": ["zero-1: 39 is 0\nsorry\n"]})
    assert report.names("failed") == []
    assert report.names("skipped") == ["a crash is a value", "scripts come back"]


@pytest.mark.parametrize(
    ("environment", "check"),
    [
        (ListsTwice, "theorems listed once"),
        (OddSplit, "theorems listed once"),
        (Backwards, "theorems in order"),
        (FindsAnything, "theorems looked up"),
        (Unhelpful, "theorems looked up"),
        (Timestamped, "steady fingerprint"),
        (CountsFromZero, "demonstrations replay"),
        (ShowsOthers, "demonstrations replay"),
        (SplitsByWords, "scripts come back"),
        (with_session(BeginsAnew), "initial states"),
        (with_session(Miscounts), "well formed states"),
        (with_session(CrookedTrees), "well formed states"),
        (with_session(OnceOnly), "repeatable steps"),
        (with_session(OnlyForward), "any earlier state steppable"),
        (with_session(Frail), "survives a rejected tactic"),
        (with_session(Raises), "odd tactics are values"),
        (with_session(Counting), "replay in a fresh session"),
        (with_session(NewKeys), "stable keys"),
        (with_session(OneKey), "stable keys"),
        (with_session(Mutable), "states stay as they are"),
        (with_session(Common), "sessions apart"),
        (with_session(Unlisted), "moves hold"),
        (with_session(AdmitsAll), "moves hold"),
        (with_session(AdmitsOneTooMany), "moves hold"),
        (with_session(LosesPart), "parts hold"),
        (with_session(LastPartFirst), "parts hold"),
        (with_session(ClosedOnce), "idempotent close"),
        (Suffixless, "proof suffix"),
        (RefusesAll, "a proof is accepted"),
        (Anonymous, "a proof is accepted"),
        (WritesUnfinished, "unfinished is no proof"),
        (WritesTooMuch, "unfinished is no proof"),
        (AnyStatement, "verify refuses a cheat"),
        (Prefixes, "verify refuses a cheat"),
        (RaisesOnRubbish, "verify refuses a cheat"),
        (CitesItself, "a theorem hides itself"),
    ],
)
def test_a_broken_environment_fails_that_check_alone(environment: type[Sound], check: str) -> None:
    assert failed(check_environment, environment, CONFIG) == [check]


def test_citing_a_later_theorem_is_found_where_it_closes_a_state() -> None:
    proofs = {"zero-5": ["half", "dec", "half", *("dec", "half", "half", "dec", "half", "half", "dec")]}
    assert check_environment(Sound, CONFIG, proofs=proofs).conforms
    assert failed(check_environment, CitesLater, CONFIG, proofs=proofs) == ["a theorem hides itself"]


def test_a_cheat_of_ones_own_must_be_refused() -> None:
    cheats = {"zero-1": ["zero-1: 39 is 0\nsorry\n"]}
    assert failed(check_environment, Sorry, CONFIG, cheats=cheats) == ["given cheats are refused"]


def test_a_prover_in_a_process_may_die() -> None:
    report = check_environment(child_environment(ChildSession), CONFIG, count=2)
    assert "a crash is a value" in report.names("passed")
    assert check_environment(child_environment(ChildSession), CONFIG, count=2, crashing="die").conforms


@pytest.mark.parametrize("session", [Dies, StaysDead])
def test_a_session_that_is_not_there_any_more_after_its_prover_is_found(session: type[ChildSession]) -> None:
    found = failed(check_environment, child_environment(session), CONFIG, count=2)
    assert found == ["a crash is a value"]


def test_a_process_that_is_left_behind_is_found() -> None:
    try:
        assert failed(check_environment, child_environment(LeavesChild), CONFIG, count=2) == ["leaves no process"]
    finally:
        for child in LeavesChild.left:
            child.end()


class Plain:
    """An environment and sessions that can do what they must and nothing else."""

    proof_suffix = ".plain"

    def __init__(self, config: CountdownConfig, builder: object) -> None:
        whole = Sound(config, builder)
        self.theorems, self.theorem = whole.theorems, whole.theorem
        self.write_proof, self.verify, self.fingerprint = whole.write_proof, whole.verify, whole.fingerprint
        self.whole = whole

    def open(self, theorem: Theorem) -> Any:
        return self.whole.open(theorem)

    def close(self) -> None:
        pass


class Unmoved(Plain):
    def open(self, theorem: Theorem) -> Any:
        session = super().open(theorem)
        return SimpleNamespace(initial=session.initial, step=session.step, close=session.close)


class Guesses(ListedTactics):
    def generate(self, requests: Any, n: int) -> Any:
        return [[Candidate("half", -0.5), Candidate("dec", -0.9)] for _ in requests]


def test_proofs_are_found_by_a_short_search_where_none_are_shown() -> None:
    report = check_environment(Plain, CONFIG)
    assert "demonstrations replay" in report.names("skipped")
    assert {"any earlier state steppable", "moves hold"} <= set(report.names("passed"))
    report = check_environment(Unmoved, CONFIG)
    assert "any earlier state steppable" in report.names("skipped")
    report = check_environment(Unmoved, CONFIG, generator=Guesses())
    assert {"any earlier state steppable", "verify refuses a cheat"} <= set(report.names("passed"))
    assert "moves hold" in report.names("skipped")


def test_an_environment_that_cannot_read_its_library_is_not_checked() -> None:
    class Unread(Sound):
        def theorems(self) -> Sequence[Theorem]:
            raise InputError("library: no such file")

    with pytest.raises(InputError, match="no such file"):
        check_environment(Unread, CONFIG)


def test_how_scripts_are_cut_is_checked_where_the_environment_says() -> None:
    assert "scripts come back" in check_environment(Splits, CONFIG).names("passed")
    assert "scripts come back" in check_environment(Sound, CONFIG).names("skipped")
