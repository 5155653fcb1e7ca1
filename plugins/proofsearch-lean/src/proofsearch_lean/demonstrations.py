"""Proofs of the library as steps of a search: what a policy or a value function learns from.

A ``by`` block is run step by step in a session, as the search would have met it, so that the states are those that a
search has. Steps are those of the block itself: what stands below ``·`` or ``case``, in alternatives or in a nested
``by`` belongs to the step that it is in. A proof that is a term has no steps.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise

from proofsearch import Advanced, Demonstration, Finished, ProofState, Theorem
from proofsearch.models.scripts import within_fence
from proofsearch.protocols import Session
from proofsearch_lean.scripts import left_open
from proofsearch_lean.theorems.scanner import CLOSING, OPENING, ScanError, Token, tokens

_CONTINUING = frozenset(("|", "<;>", "_", "<|", "|>", "|>."))
"""What continues the step before it though it stands where a step begins: alternatives, and steps of ``calc``."""
_TAKING_WORDS = "=> · . by | all_goals any_goals focus repeat repeat' try iterate conv first"
_TAKES_ALL = frozenset(_TAKING_WORDS.split())
"""Behind these, a ``;`` belongs to what they take."""


_STATED = re.compile(r"(?:.*\n)?\s*(?:theorem|lemma|example)\b.*?:=(?=\s*by\b)", re.DOTALL)
_BY = re.compile(r"\A\s*by\b[^\S\n]*")


def steps_of(proof: str) -> list[str]:
    """The tactics of a proof, in order; none where it is no ``by`` block, or more than one.

    Args:
        proof: what stands behind ``:=``.

    Returns:
        Each as a text whose further lines are indented as they are beside its first.
    """
    try:
        read = list(tokens(proof))
    except ScanError:
        return []
    if len(read) < 2 or read[0].text != "by":
        return []
    read = read[1:]
    # What stands beside `by` has no known column, and nothing below it can begin a step of the same block.
    column = read[0].column if read[0].leads else None
    begins = _beginnings(read, column)
    if begins is None:
        return []
    steps = []
    for begin, behind in pairwise([*begins, len(read)]):
        last = behind - 1 if read[behind - 1].text == ";" else behind
        if last > begin:
            steps.append(_moved_to_margin(proof[read[begin].start : read[last - 1].end], column))
    return steps


def split_script(script: str) -> list[str]:
    """The tactics of a proof as a model writes it: the block alone, or behind ``by``, or with its statement.

    What stands around it, such as a code fence, is left out. The first line may have lost its indentation, as where the
    prompt has it.
    """
    text = within_fence(script)
    stated = _STATED.match(text)
    if stated is not None:
        text = text[stated.end() :]
    text = _BY.sub("", text, count=1).strip("\n").rstrip()
    first, _, rest = text.partition("\n")
    margins = [len(line) - len(line.lstrip(" ")) for line in rest.split("\n") if line.strip()]
    if margins and not first.startswith(" ") and not left_open(first):
        first = " " * min(margins) + first
    return steps_of("by\n" + textwrap.indent(textwrap.dedent(f"{first}\n{rest}"), "  ")) if text else []


def _beginnings(read: Sequence[Token], column: int | None) -> list[int] | None:
    """The numbers of the tokens at which steps begin; ``None`` where something follows the block."""
    begins = [0]
    depth, divides = 0, True
    for number, token in enumerate(read):
        if depth <= 0 and number and column is not None and token.leads and token.column <= column:
            if token.column < column:
                return None
            if token.text not in _CONTINUING and begins[-1] != number:
                begins.append(number)
                divides = True
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if depth <= 0 and token.text in _TAKES_ALL:
            divides = False
        if depth <= 0 and divides and token.text == ";" and number + 1 < len(read):
            begins.append(number + 1)
    return begins


def _moved_to_margin(text: str, column: int | None) -> str:
    """A text whose first line stood at a column, moved to the margin; where that isn't known, its other lines are."""
    first, _, rest = text.partition("\n")
    if not rest:
        return first
    if column is None:
        return f"{first}\n{textwrap.indent(textwrap.dedent(rest), '  ')}"
    moved = [line[min(column, len(line) - len(line.lstrip(" "))) :] for line in rest.split("\n")]
    return "\n".join([first, *moved])


def replay(theorem: Theorem, session: Session, steps: Sequence[str]) -> list[Demonstration]:
    """Runs the steps of a proof one by one.

    Returns:
        A demonstration a step; none where a step fails, a goal is left, or nothing is left before the last step.
    """
    met: list[ProofState] = []
    outcome = session.initial()
    for step in steps:
        if not isinstance(outcome, Advanced):
            return []
        met.append(outcome.state)
        outcome = session.step(outcome.state, step)
    if not isinstance(outcome, Finished):
        return []
    return [
        Demonstration(theorem, state, step, len(steps) - number)
        for number, (state, step) in enumerate(zip(met, steps, strict=True))
    ]
