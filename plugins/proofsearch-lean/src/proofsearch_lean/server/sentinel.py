"""What a text's diagnostics say of its last tactic: the sentinel rule.

Behind the tactic stands a line ``done``, which fails exactly where goals are open. So an error anywhere else is the
tactic's own; none but that of ``done`` means that goals are left; none at all that the proof is finished. It is put on
a line of its own because at the end of a tactic that ends in a nested ``by`` the server knows no goals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from proofsearch import Finished, Rejected
from proofsearch.process.jsonrpc import Message
from proofsearch_lean.scripts import INDENT
from proofsearch_lean.transports import Open, Result

SENTINEL = f"{INDENT}done\n"
"""The line behind the tactics."""

COLUMN = len(INDENT)
"""The column of the sentinel's first character, from 0."""

_UNSOLVED = "unsolved goals"
_ERROR, _WARNING = 1, 2
_SORRY = re.compile(r"declaration uses\b.*\bsorry")
_LONGEST = 2000
"""Characters of a message that are kept: some errors print whole terms."""


def classify(diagnostics: Sequence[Message], goals: Sequence[str], statement: int, sentinel: int) -> Result:
    """What became of the last tactic.

    Args:
        diagnostics: of the whole text.
        goals: those in front of the sentinel, as the server gives them.
        statement: the line, from 0, in which the theorem begins.
        sentinel: the line of the sentinel.
    """
    at_sentinel = False
    for diagnostic in diagnostics:
        if diagnostic.get("severity") != _ERROR:
            continue
        message, start = diagnostic["message"], diagnostic["range"]["start"]
        if start == {"line": sentinel, "character": COLUMN} and message.startswith(_UNSOLVED):
            at_sentinel, printed = True, message
        elif start["line"] < statement:
            return Rejected(f"the text before the theorem has an error in line {start['line'] + 1}: {_short(message)}")
        else:
            return Rejected(_short(message))
    if at_sentinel:
        return Open(tuple(goals) or tuple(printed.removeprefix(_UNSOLVED).strip("\n").split("\n\n")))
    for diagnostic in diagnostics:
        # A theorem before it whose proof is missing is its own affair: the check says what a proof rests on.
        own = diagnostic["range"]["start"]["line"] >= statement
        if own and diagnostic.get("severity") == _WARNING and _SORRY.search(diagnostic["message"]):
            return Rejected("it leaves a hole: the declaration uses sorry")
    return Finished()


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]} …"
