"""The guards around components: what they let through, what they hide, and what they find wrong."""

from __future__ import annotations

import math
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from proofsearch.errors import ComponentError, InputError, one_line, trace_of
from proofsearch.guards import GuardedSession, Owner, answers, described, guarded, interrupts
from proofsearch.protocols import (
    SUMMARY,
    AdmitsMany,
    Calibrated,
    Calibration,
    CountsProcessorTime,
    Decomposes,
    EnumeratesMoves,
    Interruptible,
    Moves,
    Prepares,
    ReleasesStates,
    Renews,
    ReportsUsage,
    StepsMany,
    Usage,
)
from proofsearch.types import (
    Advanced,
    Candidate,
    Finished,
    Goal,
    Outcome,
    ProofState,
    State,
    Theorem,
    Unusable,
    Verdict,
)

STATE = State("a", (Goal("a"),))


def owner(kind: str) -> Owner:
    return Owner(kind, "mine", "plugin-of-mine")


class Scorer:
    """A scorer that does what it was told, with an attribute of its own."""

    own = 1

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    def score(self, requests: Sequence[Any]) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def close(self) -> None:
        pass


class CalibratedScorer(Scorer):
    def calibration(self) -> Calibration:
        return Calibration(0.0, 1.0, 0.0, 1.0, 0.5)


def test_whoever_uses_a_guarded_component_takes_it_for_the_component() -> None:
    """Catches abilities, attributes or classes that get lost, as a plugin that knows its environment would notice."""
    plain, calibrated = Scorer(), CalibratedScorer()
    guard = guarded(plain, owner("scorer"))
    assert isinstance(guard, Scorer)
    assert not isinstance(guard, CalibratedScorer | Calibrated | Prepares)
    assert isinstance(guarded(calibrated, owner("scorer")), Calibrated)
    guard.own = 2
    assert (plain.own, guard.own, hasattr(guard, "other")) == (2, 2, False)
    assert described(guard, "scorer") == "scorer 'mine' of plugin 'plugin-of-mine'"
    assert described(plain, "scorer") == f"scorer {__name__}.Scorer"
    assert described(SimpleNamespace(original=guard), "scorer") == described(guard, "scorer")


@pytest.mark.parametrize("error", [InputError("a.mm:3: no"), MemoryError(), KeyboardInterrupt()])
def test_what_is_not_the_components_fault_passes_through(error: BaseException) -> None:
    """Catches an error for people, a lack of memory or somebody's Ctrl-C in the clothes of a bug."""
    with pytest.raises(type(error)) as caught:
        guarded(Scorer(error), owner("scorer")).score([])
    assert caught.value is error


def test_ctrl_c_is_nothing_that_a_thread_can_raise() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(interrupts(KeyboardInterrupt())))
    thread.start()
    thread.join()
    assert found == [False]
    assert interrupts(KeyboardInterrupt())
    assert not interrupts(type("Odd", (KeyboardInterrupt,), {})())


def test_an_error_is_one_line_with_its_cause_and_its_place_goes_through_a_pickle() -> None:
    class HostileError(Exception):
        def __str__(self) -> str:
            raise ValueError

    with pytest.raises(ComponentError) as caught:
        guarded(Scorer(KeyError("two\nlines")), owner("scorer")).score([])
    error = caught.value
    assert str(error) == "scorer 'mine' of plugin 'plugin-of-mine': score() raised KeyError: 'two\\nlines'"
    assert isinstance(error.__cause__, KeyError)
    assert "in score" in trace_of(error)
    error.trace = trace_of(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), trace_of(again)) == (str(error), error.trace)
    assert one_line(HostileError()) == "HostileError: its message can't be had"
    assert "HostileError" in trace_of(HostileError())


def test_what_a_component_lacks_is_named_when_it_is_asked_for() -> None:
    with pytest.raises(ComponentError, match=r"its factory returned a dict; expected a scorer, with score\(\)"):
        guarded({}, owner("scorer"))
    closing = guarded(SimpleNamespace(close=lambda: None), owner("encoder"))
    with pytest.raises(ComponentError, match=r"has no method encode\(\), which an encoder must have"):
        closing.encode([])


def test_a_loss_is_called() -> None:
    assert guarded(lambda energies, batch: energies + batch, owner("loss"))(1, 2) == 3
    with pytest.raises(ComponentError, match=r"__call__\(\) returned None; expected a scalar tensor"):
        guarded(lambda energies, batch: None, owner("loss"))(1, 2)


def test_arguments_may_be_named() -> None:
    """Catches a check that knows no keywords, for callers that use them."""

    class Named:
        def theorem(self, name: str) -> Any:
            return Theorem(name, "a")

        def verify(self, theorem: Theorem, proof: str) -> Any:
            return Verdict(proof == "right", "mine")

    named = guarded(Named(), owner("environment"))
    assert named.verify(theorem=named.theorem(name="a"), proof="right").proved
    right = [[Candidate("a", -1.0)]]
    generator = guarded(SimpleNamespace(generate=lambda requests, n: right), owner("generator"))
    assert generator.generate(requests=[0], n=1) == right


class Session:
    """A session of which every step leads to the same state; abilities are given to it."""

    def __init__(self, **abilities: Any) -> None:
        vars(self).update(abilities)

    def initial(self) -> Outcome:
        return Advanced(STATE)

    def step(self, state: ProofState, tactic: str) -> Outcome:
        return Finished() if tactic == "end" else Advanced(state)

    def close(self) -> None:
        pass


class ManyMoves:
    def listed(self) -> Sequence[str]:
        return ["a", "b"]

    def admits(self, tactic: str) -> bool:
        return True

    def admitted(self, tactics: Iterable[str], n: int) -> list[int]:
        return [place for place, _ in zip(range(n), tactics, strict=False)]


def test_a_guarded_session_has_the_abilities_of_the_original() -> None:
    plain = GuardedSession(Session(), owner("environment"))
    assert not isinstance(plain, EnumeratesMoves | Decomposes)
    assert plain.step(STATE, "end") == Finished()
    able = GuardedSession(Session(moves=lambda state: ManyMoves(), parts=lambda state: [state]), owner("environment"))
    assert isinstance(able, EnumeratesMoves)
    assert isinstance(able, Decomposes)
    assert able.parts(STATE) == [STATE]
    moves = able.moves(STATE)
    assert isinstance(moves, Moves)
    assert isinstance(moves, AdmitsMany)
    assert moves.admitted(["a", "b", "c"], 2) == [0, 1]
    few = SimpleNamespace(listed=list, admits=bool)
    assert not isinstance(
        GuardedSession(Session(moves=lambda state: few), owner("environment")).moves(STATE), AdmitsMany
    )


@pytest.mark.parametrize(
    ("ability", "method", "given"),
    [
        (ReleasesStates, "release", [[STATE]]),
        (ReportsUsage, "usage", []),
        (CountsProcessorTime, "processor_seconds", []),
        (Renews, "renew", []),
        (Interruptible, "interrupt", []),
    ],
)
def test_a_guarded_session_can_be_looked_after_as_the_original(ability: Any, method: str, given: list[Any]) -> None:
    """Catches an ability that a run never sees, and a fault of one that nobody is named for."""
    assert not isinstance(GuardedSession(Session(), owner("environment")), ability)
    asked: list[Any] = []
    answer = 1.5 if ability is CountsProcessorTime else Usage()
    able = GuardedSession(Session(**{method: lambda *args: asked.append(args) or answer}), owner("environment"))
    assert isinstance(able, ability)
    getattr(able, method)(*given)
    assert asked == [tuple(given)]

    def fail(*args: Any) -> None:
        raise ValueError("no")

    broken = GuardedSession(Session(**{method: fail}), owner("environment"))
    with pytest.raises(
        ComponentError, match=rf"environment 'mine'.* {method}\(\) of its session raised ValueError: no"
    ):
        getattr(broken, method)(*given)


@pytest.mark.parametrize(
    ("answer", "right"),
    [(0, True), (1.5, True), (-1.0, False), (float("nan"), False), (float("inf"), False), ("1", False)],
)
def test_processor_time_is_a_number_of_seconds(answer: Any, right: bool) -> None:
    assert (answers.duration(answer) is None) is right


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (None, "returned None; expected a Usage"),
        (Usage(memory=-1), "memory is -1; expected a whole number from 0"),
        (Usage(states=1.5), "states is 1.5; expected a whole number"),  # type: ignore[arg-type]
        (Usage(1, 2, 3), None),
    ],
)
def test_what_a_prover_is_said_to_use_is_looked_at(answer: Any, complaint: str | None) -> None:
    found = answers.usage(answer)
    assert found is None if complaint is None else complaint in str(found)


def test_many_steps_go_through_one_by_one() -> None:
    """Catches an ability that gets lost behind the guard, and a guard that asks for more than its reader does."""
    asked: list[str] = []
    ended: list[str] = []

    def step_many(state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        try:
            for tactic in tactics:
                asked.append(tactic)
                yield Finished() if tactic == "end" else Advanced(state)
        finally:
            ended.append("ended")

    assert not isinstance(GuardedSession(Session(), owner("environment")), StepsMany)
    session = GuardedSession(Session(step_many=step_many), owner("environment"))
    assert isinstance(session, StepsMany)
    assert list(session.step_many(STATE, ["a", "end"])) == [Advanced(STATE), Finished()]
    asked.clear()
    ended.clear()
    outcomes = session.step_many(STATE, ["a", "b", "c"])
    assert next(iter(outcomes)) == Advanced(STATE)
    assert (asked, ended) == (["a"], [])
    del outcomes
    assert ended == ["ended"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (lambda: iter([Advanced(STATE), "done"]), "returned 'done'; expected an Advanced"),
        (lambda: iter([Advanced(SimpleNamespace(key="a"))]), "which has no num_goals"),
        (lambda: (1 // 0 for _ in "a"), "raised ZeroDivisionError"),
        (lambda: None, "raised TypeError"),
    ],
)
def test_what_is_wrong_with_many_steps_is_the_environments(given: Callable[[], Any], complaint: str) -> None:
    session = GuardedSession(Session(step_many=lambda state, tactics: given()), owner("environment"))
    with pytest.raises(ComponentError, match=rf"environment 'mine'.*step_many\(\) of its session.*{complaint}"):
        list(session.step_many(STATE, ["a", "b"]))


def test_what_a_generator_raises_while_moves_ask_it_is_its_own_fault() -> None:
    """Catches an environment that is blamed for the policy."""

    def tactics() -> Iterator[str]:
        yield "a"
        raise LookupError("the policy's")

    moves = GuardedSession(Session(moves=lambda state: ManyMoves()), owner("environment")).moves(STATE)
    with pytest.raises(LookupError, match="the policy's"):
        moves.admitted(tactics(), 2)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (np.ones((2, 3), np.float32), None),
        (np.full((2, 3), 1e30, np.float32), None),  # finite, though its squares are not
        (np.ones((2, 4), np.float32), "returned an array of shape (2, 4) for 2 states; expected (2, 3)"),
        (np.ones((1, 3), np.float32), "returned an array of shape (1, 3) for 2 states; expected (2, 3)"),
        (np.array([[0, 0, 0], [0, math.inf, 0]], np.float32), "returned rows that are not finite for 1 of 2 states"),
        (np.ones((2, 3), np.int32), "returned an ndarray; expected an array of floats with a row for each state"),
        ([[1.0] * 3] * 2, "returned a list; expected an array of floats with a row for each state"),
    ],
)
def test_rows_are_held_to_what_was_promised(rows: Any, complaint: str | None) -> None:
    assert answers.encoded(rows, [STATE, STATE], 3) == complaint


@pytest.mark.parametrize(
    "right",
    [
        [[Candidate("a", -1.0)]],
        [()],
        [[Candidate("a", np.float32(-1.0), np.int64(2))]],  # type: ignore[arg-type]
        [[type("Mine", (Candidate,), {})("a", -1.0)]],
        [[Candidate(np.str_("a"), 0.0)]],
    ],
)
def test_candidates_of_other_makes_are_taken(right: Any) -> None:
    assert answers.candidates(right, [0], 4) is None


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ([[0.0] * len(SUMMARY), None], None),
        (np.zeros((2, len(SUMMARY))), None),
        ([[0.0] * len(SUMMARY)], "summaries of 1 states for 2"),
        ([[0.0], None], f"expected {len(SUMMARY)} numbers"),
        ([1.0, None], f"expected {len(SUMMARY)} numbers"),
        (None, "a list with a row of numbers"),
    ],
)
def test_summaries_are_rows_of_numbers(answer: Any, complaint: str | None) -> None:
    found = answers.summaries(answer, [0, 0], 8)
    assert (found is None) == (complaint is None)
    assert (complaint or "") in (found or "")


@pytest.mark.parametrize("right", [[1.0, None], (1, 2), np.array([1.0, 2.0]), [np.float32(1.0), math.nan]])
def test_values_of_other_makes_are_taken(right: Any) -> None:
    assert answers.values(right, [0, 0]) is None


def environment(**abilities: Callable[..., Any]) -> SimpleNamespace:
    """An environment of which nothing is asked but these abilities."""
    required = ("theorems", "theorem", "open", "write_proof", "verify", "fingerprint", "close")
    return SimpleNamespace(**dict.fromkeys(required, lambda: None), **abilities)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ([("exact h", 1.0), ("exact k", 0.25)], None),
        ([], None),
        (None, "returned None; expected a list of pairs of a tactic and a weight in (0, 1]"),
        ([("exact h", 0.0)], "weight in (0, 1]"),
        ([("exact h", 1.5)], "weight in (0, 1]"),
        (["exact h"], "weight in (0, 1]"),
    ],
)
def test_adapted_tactics_are_looked_at(answer: Any, complaint: str | None) -> None:
    ask = guarded(environment(adapted=lambda tactic, there, here: answer), owner("environment")).adapted
    if complaint is None:
        assert ask("exact h", Goal("a"), Goal("b")) == answer
    else:
        with pytest.raises(ComponentError) as error:
            ask("exact h", Goal("a"), Goal("b"))
        assert complaint in str(error.value)


def test_what_an_audit_yields_is_looked_at() -> None:
    found = Unusable("name", "file:1", "why")
    audited = guarded(environment(audit=lambda theorems: iter([found, "name"])), owner("environment")).audit([])
    assert next(audited) == found
    with pytest.raises(ComponentError, match="expected Unusable only"):
        next(audited)
