"""Tactic scripts as text: what a trial elaborates is what a written proof consists of."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from proofsearch_lean.statements import LeanTheorem

INDENT = "  "
"""How far a tactic stands from the margin."""


def heading(theorem: LeanTheorem) -> str:
    """All text before the first tactic; it ends with a line break."""
    last = theorem.statement.rsplit("\n", 1)[-1]
    # A comment at its end would take the rest of the line.
    apart = "\n" + INDENT if "--" in last else " "
    return f"{theorem.preamble}{theorem.statement}{apart}:= by\n"


def indented(tactic: str) -> str:
    """A tactic as it stands in a script: its first line at :data:`INDENT`, the others where they were beside it.

    It has a line break at its end.
    """
    lines = textwrap.dedent(tactic.strip("\n")).rstrip().split("\n")
    return "".join(f"{INDENT}{line}\n" if line.strip() else "\n" for line in lines)


def written(theorem: LeanTheorem, tactics: Sequence[str]) -> str:
    """A whole file that ends with the theorem and the proof that these tactics are."""
    return heading(theorem) + "".join(map(indented, tactics))
