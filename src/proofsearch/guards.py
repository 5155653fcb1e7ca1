"""Components as the core asks them: what they raise gets a name, and what they answer is checked.

:func:`guarded` puts itself around a component of a plugin. It is asked like the component and passes everything on; but
what the component raises and is not for people becomes a :class:`~proofsearch.errors.ComponentError`, one line that
names the component, its plugin and its method, with the original as its cause, and an answer that the contract doesn't
allow (:mod:`proofsearch.answers`) becomes one too. ``SystemExit`` and its like are caught as well: whoever searches
thousands of theorems doesn't want to be ended by one of them.

What passes through as it is: errors for people, ``MemoryError``, which executors treat in their own way, and Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from proofsearch import answers
from proofsearch.answers import Check
from proofsearch.errors import ComponentError, ProofsearchError, one_line
from proofsearch.protocols import StandsIn
from proofsearch.types import Advanced, Outcome, ProofState

_PASSING = (ProofsearchError, MemoryError)
"""What goes through as it is."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose answers are checked.

    Attributes:
        kind: of component: ``"scorer"``.
        name: that it is registered by.
        plugin: that registered it.
    """

    kind: str
    name: str
    plugin: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of plugin {self.plugin!r}"

    def error(self, what: str, did: str) -> ComponentError:
        """The error for what a method of it did."""
        return ComponentError(f"{self}: {what} {did}")


def guarded(component: Any, owner: Owner) -> Any:
    """A component with a guard around it; for whoever uses it the component itself.

    Args:
        component: what the factory returned.
        owner: what to call it.

    Raises:
        ComponentError: it has nothing of what a component of its kind has.
    """
    required = _REQUIRED[owner.kind]
    if component is None or not any(callable(getattr(component, name, None)) for name in required):
        methods = " and ".join(f"{name}()" for name in required)
        raise owner.error("its factory", answers.returned(component, f"{_a(owner.kind)}, with {methods}"))
    return (_GuardedLoss if owner.kind == "loss" else _Guarded)(component, owner)


def described(component: object, kind: str) -> str:
    """What to call a component in messages, with or without a guard around it."""
    while True:
        owner = vars(component).get("_owner") if is_guarded(component) else None
        if owner is not None:
            return str(owner)
        if not isinstance(component, StandsIn):
            break
        component = component.original
    found = type(component)
    return f"{kind} {found.__module__}.{found.__qualname__}"


def is_guarded(component: object) -> bool:
    """Whether there is a guard around a component; ``isinstance`` sees through it."""
    return issubclass(type(component), _Guarded)


def interrupts(error: BaseException) -> bool:
    """Whether an error is somebody's Ctrl-C, and not a component's way to end.

    Python raises it in the main thread only, and not where the signal is ignored, as in a worker process.
    """
    return (
        type(error) is KeyboardInterrupt
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    )


def asked(owner: Owner, what: str, function: Callable[..., Any], check: Check | None = None) -> Callable[..., Any]:
    """A function of a component with a guard around it.

    Args:
        owner: what to call the component.
        what: what to call the function: ``"score()"``.
        function: what is asked.
        check: what may be wrong with its answer.
    """

    def ask(*given: Any, **named: Any) -> Any:
        before = _forks
        try:
            answer = function(*given, **named)
        except BaseException as error:
            _blame(owner, what, error, before)
        if _forks != before:
            _end_stray(owner, what)
        if check is not None and (complaint := check(answer, *given, **named)) is not None:
            raise owner.error(what, complaint)
        return answer

    return ask


def _blame(owner: Owner, what: str, error: BaseException, before: int) -> NoReturn:
    """Raises an error of a component as that which it is to be."""
    if _forks != before:
        _end_stray(owner, what)
    if isinstance(error, _PASSING) or interrupts(error):
        raise error
    raise owner.error(what, f"raised {one_line(error)}") from error


# ------------------------------------------------------------------------------------------------------------ forks

_forks = 0
"""How many forks lie between this process and the one that imported this module."""


def _forked() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _end_stray(owner: Owner, what: str) -> NoReturn:
    """Ends a process that a component has forked and that came back out of it: there would be two of everything."""
    message = (
        f"warning: {owner}: {what} forked, and came back in the new process too, which was ended; start processes "
        f"with subprocess, or end them inside the component\n"
    )
    os.write(2, message.encode(errors="backslashreplace"))
    os._exit(1)


# ------------------------------------------------------------------------------------------------------- components


class _Guarded:
    """A component with a guard around it: the methods of its contract are guarded, all else is its own."""

    def __init__(self, component: Any, owner: Owner) -> None:
        own = vars(self)
        own["_component"] = component
        own["_owner"] = owner
        for name, guard in _METHODS[owner.kind].items():
            method = getattr(component, name, None)
            if callable(method):
                own[name] = guard(owner, f"{name}()", method)
        for (kind, name), check in _OPTIONAL_PROPERTIES.items():
            if kind == owner.kind:
                # Kept, and not asked for each time: whether it has the ability shows in whether it has the attribute.
                read = partial(getattr, component, name, None)
                found = asked(
                    owner, name, read, lambda answer, check=check: answer if answer is None else check(answer)
                )()
                if found is not None:
                    own[name] = found
        if owner.kind == "encoder" and callable(getattr(component, "encode", None)):
            own["encode"] = _encoding(owner, component)

    # isinstance() is to say of it what it says of the component: optional abilities are asked for in this way.
    @property
    def __class__(self) -> type[Any]:
        return type(vars(self)["_component"])

    @__class__.setter
    def __class__(self, value: type[Any]) -> None:
        raise TypeError("the class of a guarded component can't be changed")

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        if "_component" not in own:
            raise AttributeError(name)
        component, owner = own["_component"], own["_owner"]
        check = _PROPERTIES.get((owner.kind, name))
        if check is not None:
            return asked(owner, name, partial(getattr, component, name), lambda answer: check(answer))()
        if name in _REQUIRED[owner.kind]:
            raise ComponentError(f"{owner} has no method {name}(), which {_a(owner.kind)} must have")
        return getattr(component, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["_component"], name, value)

    def __repr__(self) -> str:
        return f"<{vars(self)['_owner']}>"


class _GuardedLoss(_Guarded):
    """A loss, which is called itself."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        own = vars(self)
        return asked(own["_owner"], "__call__()", own["_component"], answers.loss)(*given, **named)


def _encoding(owner: Owner, encoder: Any) -> Callable[..., Any]:
    columns: list[int | None] = []

    def check(rows: object, states: Any) -> str | None:
        if not columns:
            found = getattr(encoder, "width", None)
            columns.append(found if answers.width(found) is None else None)
        return answers.encoded(rows, states, columns[0])

    return asked(owner, "encode()", encoder.encode, check)


def _each(check: Check) -> Callable[[Owner, str, Callable[..., Any]], Callable[..., Any]]:
    """A guard for what returns an iterator: every turn of it is guarded, and what it gives is checked."""

    def guard(owner: Owner, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Iterator[Any]:
            found = asked(owner, what, function)(*given, **named)
            if not isinstance(found, Iterable):
                raise owner.error(what, answers.returned(found, "an iterator"))
            iterator = asked(owner, what, iter)(found)
            end = object()
            turn = asked(owner, what, partial(next, iterator, end))
            try:
                while (one := turn()) is not end:
                    if (complaint := check(one)) is not None:
                        raise owner.error(what, complaint)
                    yield one
            finally:
                # An executor stops its workers where its caller goes away.
                if hasattr(iterator, "close"):
                    asked(owner, what, iterator.close)()

        return run

    return guard


def _plain(check: Check | None = None) -> Callable[[Owner, str, Callable[..., Any]], Callable[..., Any]]:
    return lambda owner, what, function: asked(owner, what, function, check)


def _opening(owner: Owner, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    ask = asked(owner, what, function, answers.session)
    return lambda *given, **named: GuardedSession(ask(*given, **named), owner)


_Guard = Callable[[Owner, str, Callable[..., Any]], Callable[..., Any]]

_METHODS: Mapping[str, Mapping[str, _Guard]] = {
    "environment": {
        "theorems": _plain(answers.theorems),
        "theorem": _plain(answers.theorem),
        "open": _opening,
        "write_proof": _plain(answers.text),
        "verify": _plain(answers.verdict),
        "fingerprint": _plain(answers.fingerprint),
        "explain": _plain(answers.text),
        "demonstrations": _each(answers.demonstration),
        "prepare": _plain(),
        "close": _plain(),
    },
    "generator": {"generate": _plain(answers.candidates), "prepare": _plain(), "close": _plain()},
    "scorer": {
        "score": _plain(answers.values),
        "calibration": _plain(answers.calibration),
        "prepare": _plain(),
        "close": _plain(),
    },
    "encoder": {"fingerprint": _plain(answers.text), "prepare": _plain(), "close": _plain()},
    "loss": {},
    "trainer": {"train": _plain(answers.path)},
    "executor": {"run": _each(answers.job_result), "hear_with": _plain(), "close": _plain()},
}
"""The methods of each kind's contract and the guard around each."""

_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "environment": ("theorems", "theorem", "open", "write_proof", "verify", "fingerprint", "close"),
    "generator": ("generate", "close"),
    "scorer": ("score", "close"),
    "encoder": ("encode", "fingerprint", "close"),
    "loss": ("__call__",),
    "trainer": ("train",),
    "executor": ("run", "close"),
}
"""The methods without which a component is none of its kind."""

_PROPERTIES: Mapping[tuple[str, str], Check] = {
    ("environment", "proof_suffix"): answers.suffix,
    ("encoder", "width"): answers.width,
}


_OPTIONAL_PROPERTIES: Mapping[tuple[str, str], Check] = {("scorer", "follows_paths"): answers.flag}


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


# --------------------------------------------------------------------------------------------------------- sessions


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
            # Not asked(): this is called for every step, and must cost next to nothing.
            before = _forks
            try:
                outcome: Outcome = step(state, tactic)
            except BaseException as error:
                _blame(owner, "step() of its session", error, before)
            if type(outcome) is Advanced:
                if type(outcome.state) not in known:
                    look(outcome.state, "step() of its session")
            elif (complaint := answers.outcome(outcome)) is not None:
                raise owner.error("step() of its session", complaint)
            if _forks != before:
                _end_stray(owner, "step() of its session")
            return outcome

        ask = asked(owner, "initial() of its session", initial, answers.outcome)
        self.initial = begin
        self.step = reach
        self.close = asked(owner, "close() of its session", session.close)
        if callable(getattr(session, "moves", None)):
            moves = asked(owner, "moves() of its session", session.moves, answers.moves)
            self.moves = lambda state: _guarded_moves(moves(state), owner)
        if callable(getattr(session, "parts", None)):
            parts = asked(owner, "parts() of its session", session.parts, answers.parts)

            def take_apart(state: ProofState) -> Any:
                found = parts(state)
                for part in found:
                    if type(part) not in known:
                        look(part, "parts() of its session")
                return found

            self.parts = take_apart


class _GuardedMoves:
    """Moves of a guarded session; :class:`proofsearch.protocols.Moves`."""

    __slots__ = ("_moves", "_owner")

    def __init__(self, moves: Any, owner: Owner) -> None:
        self._moves = moves
        self._owner = owner

    def listed(self) -> Any:
        return asked(self._owner, "listed() of its moves", self._moves.listed, answers.tactics)()

    def admits(self, tactic: str) -> bool:
        before = _forks
        try:
            return bool(self._moves.admits(tactic))
        except BaseException as error:
            _blame(self._owner, "admits() of its moves", error, before)


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

        before = _forks
        try:
            found: list[int] = self._moves.admitted(passed_on(), n)
        except BaseException as error:
            if theirs and theirs[0] is error:
                raise
            _blame(self._owner, "admitted() of its moves", error, before)
        return found


def _guarded_moves(moves: Any, owner: Owner) -> _GuardedMoves:
    return (_GuardedManyMoves if hasattr(moves, "admitted") else _GuardedMoves)(moves, owner)
