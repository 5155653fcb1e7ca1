"""Guards around whole components: which methods they guard, and what else of the component shows through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from proofsearch.errors import ComponentError
from proofsearch.guards import answers
from proofsearch.guards.answers import Check
from proofsearch.guards.calls import Owner, attributed
from proofsearch.guards.sessions import GuardedSession
from proofsearch.protocols import StandsIn


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
    if owner.kind == "priority":
        return component  # the order looks at everything that it returns
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
                found = attributed(
                    owner, name, read, lambda answer, check=check: answer if answer is None else check(answer)
                )()
                if found is not None:
                    own[name] = found
        if owner.kind == "encoder":
            for name in _ENCODE:
                if callable(getattr(component, name, None)):
                    own[name] = _encoding(owner, component, name)

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
            return attributed(owner, name, partial(getattr, component, name), lambda answer: check(answer))()
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
        return attributed(own["_owner"], "__call__()", own["_component"], answers.loss)(*given, **named)


def _encoding(owner: Owner, encoder: Any, name: str) -> Callable[..., Any]:
    columns: list[int | None] = []

    def check(rows: object, states: Any) -> str | None:
        if not columns:
            found = getattr(encoder, "width", None)
            columns.append(found if answers.width(found) is None else None)
        return answers.encoded(rows, states, columns[0])

    return attributed(owner, f"{name}()", getattr(encoder, name), check)


def _each(check: Check) -> Callable[[Owner, str, Callable[..., Any]], Callable[..., Any]]:
    """A guard for what returns an iterator: every turn of it is guarded, and what it gives is checked."""

    def guard(owner: Owner, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Iterator[Any]:
            found = attributed(owner, what, function)(*given, **named)
            if not isinstance(found, Iterable):
                raise owner.error(what, answers.returned(found, "an iterator"))
            iterator = attributed(owner, what, iter)(found)
            end = object()
            turn = attributed(owner, what, partial(next, iterator, end))
            try:
                while (item := turn()) is not end:
                    if (complaint := check(item)) is not None:
                        raise owner.error(what, complaint)
                    yield item
            finally:
                # An executor stops its workers where its caller goes away.
                if hasattr(iterator, "close"):
                    attributed(owner, what, iterator.close)()

        return run

    return guard


def _plain(check: Check | None = None) -> Callable[[Owner, str, Callable[..., Any]], Callable[..., Any]]:
    return lambda owner, what, function: attributed(owner, what, function, check)


def _opening(owner: Owner, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    ask = attributed(owner, what, function, answers.session)
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
        "proof_steps": _plain(answers.count),
        "usage": _plain(answers.usage),
        "renew": _plain(),
        "demonstrations": _each(answers.demonstration),
        "audit": _each(answers.unusable),
        "adapted": _plain(answers.adaptations),
        "split_script": _plain(answers.split),
        "prepare": _plain(),
        "close": _plain(),
    },
    "generator": {
        "generate": _plain(answers.candidates),
        "propose_scripts": _plain(answers.scripts),
        "statistics": _plain(answers.statistics),
        "summaries": _plain(answers.summaries),
        "represent": _plain(answers.represented),
        "fingerprint": _plain(answers.text),
        "prepare": _plain(),
        "close": _plain(),
    },
    "scorer": {
        "score": _plain(answers.values),
        "calibration": _plain(answers.calibration),
        "prepare": _plain(),
        "close": _plain(),
    },
    "encoder": {
        "fingerprint": _plain(answers.text),
        "policy_fingerprint": _plain(answers.text),
        "prepare": _plain(),
        "close": _plain(),
    },
    "loss": {},
    "strategy": {"begin": _plain()},
    "observer": {
        "started": _plain(),  # not expanded(): that is called for every expansion, by who takes whatever it raises
        "finished": _plain(),
        "run_started": _plain(),
        "searched": _plain(),
        "run_finished": _plain(),
        "close": _plain(),
    },
    "trainer": {"train": _plain(answers.path), "check": _plain()},
    "executor": {"run": _each(answers.job_result), "relay_progress_to": _plain(), "close": _plain()},
}
"""The methods of each kind's contract and the guard around each."""

_ENCODE = ("encode", "encode_requests")
"""The methods of encoders that return rows."""

_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "environment": ("theorems", "theorem", "open", "write_proof", "verify", "fingerprint", "close"),
    "generator": ("generate", "close"),
    "scorer": ("score", "close"),
    "encoder": ("encode", "fingerprint", "close"),
    "loss": ("__call__",),
    "strategy": ("begin",),
    "priority": ("__call__",),
    "observer": ("close",),
    "trainer": ("train",),
    "executor": ("run", "close"),
}
"""The methods without which a component is none of its kind."""

_PROPERTIES: Mapping[tuple[str, str], Check] = {
    ("environment", "proof_suffix"): answers.suffix,
    ("encoder", "width"): answers.width,
}


_OPTIONAL_PROPERTIES: Mapping[tuple[str, str], Check] = {
    ("scorer", "follows_paths"): answers.flag,
    ("scorer", "reads_moves"): answers.flag,
}


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
