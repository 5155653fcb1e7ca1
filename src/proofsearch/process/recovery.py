"""What becomes of a step whose prover died: it is tried once more, in a new process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from proofsearch.types import Crashed, TimedOut

INTERRUPTED = "interrupted"
"""The message of a step that was ended from outside."""

Result = TypeVar("Result")


class LostError(Exception):
    """A prover's process is gone; the message says how, and what the process said last."""


def tried_again(attempt: Callable[[], Result], interrupted: Callable[[], bool]) -> Result | TimedOut | Crashed:
    """Makes an attempt, and another one where the prover is lost: its end may have been an accident.

    Args:
        attempt: asks a prover that runs, and starts one where none does. It raises :class:`LostError` if the prover
            ends meanwhile.
        interrupted: whether the prover was ended on purpose, for good.

    Returns:
        What the attempt returns; ``TimedOut`` if it was interrupted; ``Crashed`` if the prover was lost twice.
    """
    lost = ""
    for _ in range(2):
        if interrupted():
            break
        try:
            return attempt()
        except LostError as error:
            lost = str(error)
    return TimedOut(INTERRUPTED) if interrupted() else Crashed(lost)
