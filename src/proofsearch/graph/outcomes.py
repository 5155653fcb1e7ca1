"""What an edge of the search graph can come to."""

from __future__ import annotations

from dataclasses import dataclass

from proofsearch.errors import PluginError
from proofsearch.types import Advanced, Crashed, Finished, OutcomeKind, Rejected, TimedOut


@dataclass(frozen=True, slots=True)
class Refused:
    """A finished path whose proof the independent check refused; stands in for the step's ``Finished``."""

    message: str = ""


KINDS: dict[type, OutcomeKind] = {
    Advanced: OutcomeKind.ADVANCED,
    Finished: OutcomeKind.FINISHED,
    Rejected: OutcomeKind.REJECTED,
    TimedOut: OutcomeKind.TIMED_OUT,
    Crashed: OutcomeKind.CRASHED,
    Refused: OutcomeKind.REFUSED,
}
"""The kind of every outcome that an edge can have."""

WITH_MESSAGE = (Rejected, TimedOut, Crashed, Refused)


def kind_of(outcome: object) -> OutcomeKind:
    """The kind of what a session's step returned.

    Raises:
        PluginError: it is not one of the types of :data:`~proofsearch.types.Outcome`.
    """
    kind = KINDS.get(type(outcome))
    if kind is None:
        raise PluginError(
            f"the environment's session returned {outcome!r} for a step; expected an instance of Advanced, Finished, "
            "Rejected, TimedOut or Crashed itself (not of a subclass): see proofsearch.types.Outcome"
        )
    return kind
