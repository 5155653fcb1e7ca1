"""A scanner of ``.v`` files: where sentences end, what is a comment, a string, a bullet.

It follows the prover's own lexer: comments nest, strings may stand in comments, a full stop ends a sentence where white
space or the end of the file follows. It knows nothing of notations, and needs to know nothing: a full stop that is part
of one, as in ``x .. y``, is told by the same rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACE = re.compile(r"\s*")
_BULLET = re.compile(r"-+|\++|\*+|\}|(?:(?:\d+|\[\s*[^\W\d][\w']*\s*\])\s*:\s*)?\{")
"""What ends by itself where a sentence may begin."""
_NEXT = re.compile(r'"|\(\*|(?<!\.)\.(?:\.\.)?(?=\s|\Z)')
"""The next event in a sentence: a string or comment begins, or the sentence ends."""
_IN_COMMENT = re.compile(r'"|\(\*|\*\)')
_STRING = re.compile(r'"[^"]*(?:"|\Z)')
"""A doubled quotation mark in a string ends one string and begins another: it comes to the same."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the prover reads at a time: a command, tactic, bullet or brace.

    Attributes:
        text: without comments before it, its full stop included.
        start, end: its place in the file's text, in characters, ``end`` excluded.
    """

    text: str
    start: int
    end: int


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of a text, in order; comments between them belong to none.

    What stands behind the last full stop, where it is more than comments, is a sentence too: the prover will say what
    is wrong with it.
    """
    return tuple(_sentences(text))


def _sentences(text: str) -> Iterator[Sentence]:
    at = 0
    while True:
        at = _skip(text, at)
        if at >= len(text):
            return
        bullet = _BULLET.match(text, at)
        end = bullet.end() if bullet is not None else _end(text, at)
        yield Sentence(text[at:end].rstrip(), at, end)
        at = end


def _skip(text: str, at: int) -> int:
    """The end of white space and comments."""
    while True:
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing as well
        if not text.startswith("(*", at):
            return at
        at = _end_of_comment(text, at)


def _end(text: str, at: int) -> int:
    """The end of the sentence that begins there, behind its full stop."""
    while (found := _NEXT.search(text, at)) is not None:
        if found[0] == '"':
            at = _end_of_string(text, found.start())
        elif found[0] == "(*":
            at = _end_of_comment(text, found.start())
        else:
            return found.end()
    return len(text)


def _end_of_comment(text: str, at: int) -> int:
    depth, at = 1, at + 2
    while depth and (found := _IN_COMMENT.search(text, at)) is not None:
        if found[0] == '"':
            at = _end_of_string(text, found.start())
        else:
            depth += 1 if found[0] == "(*" else -1
            at = found.end()
    return len(text) if depth else at


def _end_of_string(text: str, at: int) -> int:
    return _STRING.match(text, at).end()  # type: ignore[union-attr]  # it is called at a quotation mark


def without_comments(sentence: str) -> str:
    """A sentence with a space in place of each comment."""
    kept: list[str] = []
    at = begun = 0
    while (found := _NEXT.search(sentence, at)) is not None:
        if found[0] == '"':
            at = _end_of_string(sentence, found.start())
        elif found[0] == "(*":
            at = _end_of_comment(sentence, found.start())
            kept += [sentence[begun : found.start()].rstrip(), " "]
            begun = at + len(_SPACE.match(sentence, at)[0])  # type: ignore[index]  # it matches nothing as well
        else:
            at = found.end()
    return "".join((*kept, sentence[begun:]))
