"""What a tactic is, as the text that a policy writes, and the sentence that the prover gets for it.

A sentence is ``(TACTIC).``, so that it can be no command: ``Axiom`` and ``Admitted`` are no tactics. Bullets and braces
only say which goal is meant; here that is always the first, so they are left out.
"""

from __future__ import annotations

import re

_BULLETS = re.compile(r"(?:\s|[-+*]+(?=\s|[^\W\d]|\(|$)|\{(?!\|))*")
_SELECTOR = re.compile(
    r"((?:all|!|\[\s*[^\W\d][\w']*\s*\]|\d+(?:\s*-\s*\d+)?(?:\s*,\s*\d+(?:\s*-\s*\d+)?)*)\s*:)(?![=:])"
)
_SKIPPED = re.compile(r'"(?:[^"]|"")*"|\(\*|\*\)')
_END = re.compile(r"(?<!\.)\.(?:\s|$)|\.\.\.(?:\s|$)")
_PARALLEL = re.compile(r"par\s*:(?![=:])")

_LONGEST = 20_000


def sentence_of(tactic: str) -> str:
    """The sentence for a tactic, without a time-out, in parentheses so that it can be no command.

    Raises:
        ValueError: it is no single tactic; the message says why.
    """
    selector, text = _taken_apart(tactic)
    return f"{selector}({text})."


def plain(tactic: str) -> str:
    """The sentence for a tactic as people write it.

    Raises:
        ValueError: it is no single tactic; the message says why.
    """
    return "{}{}.".format(*_taken_apart(tactic))


def _taken_apart(tactic: str) -> tuple[str, str]:
    """Goal selector, with a space behind it, and tactic."""
    if len(tactic) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    if any((ord(sign) < 32 and sign not in "\n\t\r") or "\ud800" <= sign <= "\udfff" for sign in tactic):
        raise ValueError("it has characters that are no text")
    text = tactic.strip()
    text = text[_BULLETS.match(text).end() :]  # type: ignore[union-attr]  # it matches nothing as well
    selector = ""
    if found := _SELECTOR.match(text):
        selector, text = f"{found[1]} ", text[found.end() :].strip()
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    if not text:
        raise ValueError("it is empty")
    if _PARALLEL.match(text):
        raise ValueError("par: starts other processes")
    _check_single(text)
    return selector, text


def _check_single(text: str) -> None:
    """Raises a ``ValueError`` unless a text stays in its parentheses and its sentence."""
    bare, depth, at = [], 0, 0
    for found in _SKIPPED.finditer(text):
        if not depth:
            bare.append(text[at : found.start()])
        at = found.end()
        if found[0] == "(*":
            depth += 1
        elif found[0] == "*)":
            depth -= 1
            if depth < 0:
                raise ValueError("a comment ends that never began")
    if depth:
        raise ValueError("a comment has no end")
    bare.append(text[at:])
    outside = " ".join(bare)
    if '"' in outside:
        raise ValueError("a string has no end")
    if _END.search(outside):
        raise ValueError("it is more than one sentence")
    level = 0
    for sign in outside:
        level += (sign == "(") - (sign == ")")
        if level < 0:
            raise ValueError("a parenthesis is closed that was never opened")
