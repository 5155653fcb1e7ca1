"""One call of a component: what it raises is named, what it answers is checked, and no process comes back twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from proofsearch.errors import ComponentError, ProofsearchError, one_line
from proofsearch.guards.answers import Check
from proofsearch.interruption import may_interrupt

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


def interrupts(error: BaseException) -> bool:
    """Whether an error is somebody's Ctrl-C or signal, and not a component's way to end."""
    return type(error) is KeyboardInterrupt and may_interrupt()


def attributed(owner: Owner, what: str, function: Callable[..., Any], check: Check | None = None) -> Callable[..., Any]:
    """A function of a component with a guard around it.

    Args:
        owner: what to call the component.
        what: what to call the function: ``"score()"``.
        function: what is called.
        check: what may be wrong with its answer.
    """

    def call(*given: Any, **named: Any) -> Any:
        before = forks
        try:
            answer = function(*given, **named)
        except BaseException as error:
            blame(owner, what, error, before)
        if forks != before:
            end_fork(owner, what)
        if check is not None and (complaint := check(answer, *given, **named)) is not None:
            raise owner.error(what, complaint)
        return answer

    return call


def blame(owner: Owner, what: str, error: BaseException, before: int) -> NoReturn:
    """Raises an error of a component as that which it is to be."""
    if forks != before:
        end_fork(owner, what)
    if isinstance(error, _PASSING) or interrupts(error):
        raise error
    raise owner.error(what, f"raised {one_line(error)}") from error


# ------------------------------------------------------------------------------------------------------------ forks

forks = 0
"""How many forks lie between this process and the one that imported this module."""


def _forked() -> None:
    global forks
    forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def end_fork(owner: Owner, what: str) -> NoReturn:
    """Ends a process that a component has forked and that came back out of it: there would be two of everything."""
    message = (
        f"warning: {owner}: {what} forked, and came back in the new process too, which was ended; start processes "
        f"with subprocess, or end them inside the component\n"
    )
    os.write(2, message.encode(errors="backslashreplace"))
    os._exit(1)
