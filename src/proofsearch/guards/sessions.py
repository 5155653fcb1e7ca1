"""Guards around sessions and the moves that they list: what is asked at every step of a search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from proofsearch.guards import answers, calls
from proofsearch.guards.answers import Check
from proofsearch.guards.calls import Owner, attributed, blame, end_fork
from proofsearch.types import Advanced, Outcome, ProofState


class GuardedSession:
    """A session of a guarded environment; a :class:`proofsearch.protocols.Session`, with the abilities of the original.

    Args:
        session: the original.
        owner: what to call its environment.
    """

    initial: Callable[[], Outcome]
    step: Callable[[ProofState, str], Outcome]
    close: Callable[[], None]

    def __init__(self, session: Any, owner: Owner) -> None:
        known: set[type[Any]] = set()  # classes of states of which one was looked at

        def look(state: object, what: str) -> None:
            if (complaint := answers.state(state)) is not None:
                raise owner.error(what, complaint)
            known.add(type(state))

        initial, step = session.initial, session.step

        def begin() -> Outcome:
            outcome: Outcome = ask()
            if type(outcome) is Advanced:
                look(outcome.state, "initial() of its session")
            return outcome

        def reach(state: ProofState, tactic: str) -> Outcome:
            # Not attributed(): this is called for every step, and must cost next to nothing.
            before = calls.forks
            try:
                outcome: Outcome = step(state, tactic)
            except BaseException as error:
                blame(owner, "step() of its session", error, before)
            if type(outcome) is Advanced:
                if type(outcome.state) not in known:
                    look(outcome.state, "step() of its session")
            elif (complaint := answers.outcome(outcome)) is not None:
                raise owner.error("step() of its session", complaint)
            if calls.forks != before:
                end_fork(owner, "step() of its session")
            return outcome

        ask = attributed(owner, "initial() of its session", initial, answers.outcome)
        self.initial = begin
        self.step = reach
        self.close = attributed(owner, "close() of its session", session.close)
        if callable(getattr(session, "step_many", None)):
            self.step_many = _stepping_many(owner, session.step_many, known, look)
        if callable(getattr(session, "moves", None)):
            moves = attributed(owner, "moves() of its session", session.moves, answers.moves)
            self.moves = lambda state: _guarded_moves(moves(state), owner)
        if callable(getattr(session, "parts", None)):
            self.parts = _taking_apart(owner, session.parts, known, look)
        for name, check in _ABILITIES.items():
            if callable(method := getattr(session, name, None)):
                setattr(self, name, attributed(owner, f"{name}() of its session", method, check))


_ABILITIES: dict[str, Check | None] = {
    "release": None,
    "usage": answers.usage,
    "processor_seconds": answers.duration,
    "renew": None,
    "interrupt": None,
}
"""What a session may be able to do besides and is rarely asked for, and what may be wrong with its answer."""


class _GuardedMoves:
    """Moves of a guarded session; :class:`proofsearch.protocols.Moves`."""

    __slots__ = ("_moves", "_owner")

    def __init__(self, moves: Any, owner: Owner) -> None:
        self._moves = moves
        self._owner = owner

    def listed(self) -> Any:
        return attributed(self._owner, "listed() of its moves", self._moves.listed, answers.tactics)()

    def admits(self, tactic: str) -> bool:
        before = calls.forks
        try:
            return bool(self._moves.admits(tactic))
        except BaseException as error:
            blame(self._owner, "admits() of its moves", error, before)


class _GuardedManyMoves(_GuardedMoves):
    """Moves that can be asked about many tactics at once; :class:`proofsearch.protocols.AdmitsMany`."""

    __slots__ = ()

    def admitted(self, tactics: Iterable[str], n: int) -> list[int]:
        theirs: list[BaseException] = []

        def passed_on() -> Iterator[str]:
            try:
                yield from tactics
            # The tactics are the generator's, and so is what it raises while it makes them.
            except BaseException as error:
                theirs.append(error)
                raise

        before = calls.forks
        try:
            # A list raises nothing, and this is asked at each expansion.
            found: list[int] = self._moves.admitted(tactics if type(tactics) is list else passed_on(), n)
        except BaseException as error:
            if theirs and theirs[0] is error:
                raise
            blame(self._owner, "admitted() of its moves", error, before)
        return found


def _guarded_moves(moves: Any, owner: Owner) -> _GuardedMoves:
    return (_GuardedManyMoves if hasattr(moves, "admitted") else _GuardedMoves)(moves, owner)


def _taking_apart(
    owner: Owner,
    parts: Callable[[ProofState], Sequence[ProofState]],
    known: set[type[Any]],
    look: Callable[[object, str], None],
) -> Callable[[ProofState], Sequence[ProofState]]:
    """The method ``parts`` under guard; ``look`` looks at states whose class isn't ``known``."""
    what = "parts() of its session"

    def take_apart(state: ProofState) -> Sequence[ProofState]:
        # Not attributed(): this is called for every step that advances.
        before = calls.forks
        try:
            found = parts(state)
        except BaseException as error:
            blame(owner, what, error, before)
        if calls.forks != before:
            end_fork(owner, what)
        if not (type(found) is tuple and found) and (complaint := answers.parts(found)) is not None:
            raise owner.error(what, complaint)
        for part in found:
            if type(part) not in known:
                look(part, what)
        return found

    return take_apart


def _stepping_many(
    owner: Owner,
    step_many: Callable[[ProofState, Sequence[str]], Iterable[Outcome]],
    known: set[type[Any]],
    look: Callable[[object, str], None],
) -> Callable[[ProofState, Sequence[str]], Iterator[Outcome]]:
    """The method ``step_many`` under guard; ``look`` looks at states whose class isn't ``known``."""
    what = "step_many() of its session"

    def reach_many(state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        before = calls.forks
        try:
            for outcome in step_many(state, tactics):
                if type(outcome) is Advanced:
                    if type(outcome.state) not in known:
                        look(outcome.state, what)
                elif (complaint := answers.outcome(outcome)) is not None:
                    raise owner.error(what, complaint)
                if calls.forks != before:
                    end_fork(owner, what)
                yield outcome
        except GeneratorExit:  # the search has heard enough
            raise
        except BaseException as error:
            blame(owner, what, error, before)

    return reach_many
