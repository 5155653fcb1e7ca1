"""Tactic scripts as text: what a trial elaborates is what a written proof consists of."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from proofsearch_lean.refusals import refusal
from proofsearch_lean.statements import LeanTheorem

INDENT = "  "
"""How far a tactic stands from the margin."""

_HOLE = re.compile(r"(?<![\w.'])(sorry|admit|sorryAx)(?![\w'])")

_COMMENTS = re.compile(r"/-.*?-/|--[^\n]*", re.DOTALL)

_CONTINUES = re.compile(
    r"(at|with|using|only|generalizing|else|then|from|by|in|where|on|to|termination_by|decreasing_by)(?![\w.'!?])"
    r"|\(\s*\w+\s*:=|[^\w({·.«]|_(?!\w)|\.(?!\s)"
)
"""How nothing begins that is a tactic of its own: such a text would change the tactic in front of it."""

_OPEN_ENDED = re.compile(
    r"(=>|:=|·|<;>|<\||[,|;(\[{⟨]|(?<![\w.'])(by|do|then|else|in|at|with|using|from|all_goals|any_goals|focus|try"
    r"|repeat|repeat1|repeat'|iterate|first|fail_if_success|classical))$"
)
"""How nothing ends that is a whole tactic: such a text would take the next one for its own end."""

_SHIFTED = re.compile(r"\s*(/-.*?-/[^\S\n]*)+\S", re.DOTALL)
"""A comment and a tactic in one line: the tactic stands further right than those around it."""


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


def proof_text(theorem: LeanTheorem, tactics: Sequence[str]) -> str:
    """A whole file that ends with the theorem and the proof that these tactics are."""
    return heading(theorem) + "".join(map(indented, tactics))


def left_open(line: str) -> bool:
    """Whether a line is the beginning of a tactic that goes on in the next, as one is that ends with ``by``."""
    return _OPEN_ENDED.search(_COMMENTS.sub(" ", line).strip()) is not None


def flaw(tactic: str) -> str:
    """Why a text can't be a step, whatever Lean says of it; ``""`` where it can.

    A step has to be tactics of its own: it neither continues what stands before it, as ``at h`` would, nor is left
    open so that what follows becomes a part of it, as ``exact by`` is. It may leave no hole, which Lean reports only
    where no goal is open. And it may say nothing for which every check would refuse it.
    """
    refused = refusal(indented(tactic))
    if refused:
        return refused
    bare = _COMMENTS.sub(" ", tactic).strip()
    if not bare:
        return "it is empty"
    if _SHIFTED.match(tactic):
        return "a comment stands before it in its line; put the comment above it or behind it"
    if _CONTINUES.match(bare):
        return f"no tactic begins with {bare.split()[0][:20]!r}"
    if _OPEN_ENDED.search(bare):
        return f"it is left open: it ends with {bare.split()[-1][-20:]!r}"
    hole = _HOLE.search(bare)
    return f"it holds {hole[0]}" if hole else ""
