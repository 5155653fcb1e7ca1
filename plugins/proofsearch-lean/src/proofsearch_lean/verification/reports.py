"""What Lean says as it elaborates a file: its messages, with their places."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from proofsearch.process.programs import Ended

_COMMAND = re.compile(r"\[Elab\.command\]")

_HEARTBEATS = re.compile(r"maximum number of heartbeats|\(deterministic\) timeout")


@dataclass(frozen=True, slots=True)
class Message:
    """A message of Lean's about a place in a file.

    Attributes:
        line: where it is about, from 1.
        column: of that place, from 0.
        severity: ``"error"``, ``"warning"`` or ``"information"``.
        text: what it says.
    """

    line: int
    column: int
    severity: str
    text: str

    @property
    def traces_command(self) -> bool:
        """Whether it says that a command was elaborated, which stands at its place."""
        return self.severity == "information" and _COMMAND.match(self.text) is not None

    @property
    def is_about_heartbeats(self) -> bool:
        """Whether it is an error that a greater budget could put right."""
        return self.severity == "error" and _HEARTBEATS.search(self.text) is not None


def read_messages(ended: Ended) -> list[Message] | None:
    """The messages in what ``lean --json`` wrote; ``None`` where something else is among them.

    A script may not write to Lean's output past its messages; where it seems to have, nothing there can be believed.
    """
    messages = []
    for line in ended.output.split("\n"):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            place = found["pos"]
            messages.append(Message(place["line"], place["column"], found["severity"], found["data"]))
        except (ValueError, KeyError, TypeError):
            return None
    return messages


def errors(messages: Sequence[Message]) -> list[Message]:
    """The messages that are errors."""
    return [message for message in messages if message.severity == "error"]
