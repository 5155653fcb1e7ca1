"""Goals as states: the text that models read, which is what makes states equal too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from proofsearch import Goal, State

APART = "\n\n"
"""What stands between the goals of a state."""

_NUMBERED = re.compile(r"\?(m|u|_uniq)\.(\d+)")
"""A metavariable without a name of its own: Lean numbers them by what it did before."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a session came to a state.

    Attributes:
        session: whose state it is.
        path: the tactics from the theorem on.
    """

    session: object
    path: tuple[str, ...]


def state_of(goals: Sequence[str], way: Way) -> State:
    """The state with these goals, as Lean prints them, at least one.

    Metavariables are numbered anew in the order in which they are met, over all goals. Names that a tactic can't write
    (``h✝``) are left as they are: Lean numbers them by the place in the goal already, and models have read them so.
    """
    numbers: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"?{match[1]}.{len(numbers) + 1}")

    texts = [_NUMBERED.sub(numbered, goal.strip("\n")) for goal in goals]
    return State(APART.join(texts), tuple(map(Goal, texts)), way)
