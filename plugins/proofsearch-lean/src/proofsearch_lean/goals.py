"""The text of a goal, read: its hypotheses with their types, and what is to be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

TURNSTILE = "⊢"
INACCESSIBLE = "✝"
"""What a name holds that no tactic can write."""

_HYPOTHESIS = re.compile(r"(\S+(?: \S+)*?) : ")
_TOKEN = re.compile(r"[^\W\d][\w'!?✝]*(?:\.[^\W][\w'!?]*|\.\d+)*|«[^»]*»|\d+|:=|[^\w\s]|[\w]")
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class ReadGoal:
    """A goal's parts.

    Attributes:
        types: the tokens of each hypothesis' type by its name, in the goal's order; of a later one where a name is
            there twice, since that hides the others.
        target: the tokens of what is to be shown.
    """

    types: Mapping[str, tuple[str, ...]]
    target: tuple[str, ...]


def words(text: str) -> tuple[str, ...]:
    """The names, numbers and symbols of a text; a name keeps what is behind its dots."""
    return tuple(_TOKEN.findall(text))


@lru_cache(_KEPT)
def read_goal(text: str) -> ReadGoal:
    """Reads a goal as Lean prints it: a ``case`` line, a hypothesis a line, and the target behind ``⊢``.

    Lines that begin with blank space continue what is before them. What isn't understood is left out.
    """
    entries: list[str] = []
    for line in text.split("\n"):
        if line[:1].isspace() and entries:
            entries[-1] += " " + line.strip()
        elif line.strip() and not line.startswith("case "):
            entries.append(line)
    types: dict[str, tuple[str, ...]] = {}
    target: tuple[str, ...] = ()
    for entry in entries:
        if entry.startswith(TURNSTILE):
            target = words(entry[1:])
            continue
        found = _HYPOTHESIS.match(entry)
        if found is not None:
            kind = words(entry[found.end() :])
            for name in found[1].split():
                types.pop(name, None)
                types[name] = kind
    return ReadGoal(types, target)
