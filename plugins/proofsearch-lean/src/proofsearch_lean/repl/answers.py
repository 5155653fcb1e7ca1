"""What the REPL's answers say of a tactic or a statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofsearch import Finished, Rejected
from proofsearch_lean.transports import Open, Result

UNKNOWN_STATE = "Unknown proof state."
"""What the REPL says of an id that it doesn't have."""


def classify_statement(answer: Mapping[str, Any], first_line: int) -> tuple[Result, int]:
    """What is to be proved, and the id of that state; −1 where the statement has an error.

    Args:
        answer: to a command that ends with the theorem, proved by ``sorry``.
        first_line: the line of the command, from 1, in which the theorem begins.
    """
    if set(answer) == {"message"}:
        return Rejected(str(answer["message"])), -1
    for message in answer.get("messages", ()):
        if message.get("severity") == "error":
            line = message.get("pos", {}).get("line", first_line)
            where = "" if line >= first_line else f"the text before the theorem has an error in line {line}: "
            return Rejected(f"{where}{message.get('data', '')}"), -1
    holes = [hole for hole in answer.get("sorries", ()) if hole.get("proofState") is not None]
    if not holes:
        return Rejected("the REPL knows no goal of it"), -1
    last = max(holes, key=lambda hole: (hole["pos"]["line"], hole["pos"]["column"]))
    return Open((last["goal"],)), last["proofState"]


def classify(answer: Mapping[str, Any]) -> tuple[Result, int]:
    """What became of a tactic, and the id of the state that it leads to; −1 where it leads to none."""
    if set(answer) == {"message"}:
        return Rejected(str(answer["message"]).removeprefix("Lean error:\n")), -1
    for message in answer.get("messages", ()):
        if message.get("severity") == "error":
            return Rejected(str(message.get("data", ""))), -1
    status = str(answer.get("proofStatus", "Completed"))
    goals = tuple(answer.get("goals", ()))
    if answer.get("sorries") or "contains sorry" in status:
        return Rejected("it leaves a hole: sorry"), -1
    if status.startswith("Error"):
        return Rejected(status), -1
    if goals:
        return Open(goals), answer["proofState"]
    if status.startswith("Incomplete"):
        return Rejected(f"no goal is left, but the proof isn't whole: {status}"), -1
    return Finished(), -1
