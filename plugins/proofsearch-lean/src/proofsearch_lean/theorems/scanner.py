"""Lean source as tokens, with comments left out: enough to tell where declarations and proofs begin and end.

Lean's real grammar can be extended by every file, so nobody but Lean parses it. What this reads is fixed: comments,
which nest, strings with their escapes, characters, names in ``«»``, and brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from proofsearch.errors import InputError

OPENING = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⦃": "⦄", "⟦": "⟧", "⌊": "⌋", "⌈": "⌉", "⟪": "⟫", "‹": "›", "⁅": "⁆"}
"""Brackets, with what closes them."""
CLOSING = frozenset(OPENING.values())

_PART = r"(?:«[^»\n]*»|[^\W\d][\w'!?₀-₉ₐ-ₜᵢ-ᵪ]*)"
_NAME = re.compile(rf"{_PART}(?:\.(?:{_PART}|\d+))*")
_SPACE = re.compile(r"\s+")
_LINE_COMMENT = re.compile(r"--[^\n]*")
_COMMENT_MARK = re.compile(r"/-|-/")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_RAW_STRING = re.compile(r'r(#*)"')
_CHARACTER = re.compile(r"'(?:\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|[^\\'\n])'")
_NUMBER = re.compile(r"\d[\w]*(?:\.\d+)?")
_SYMBOL = re.compile(r":=|=>|<\|>|<\|\||<\|(?:[.])?|\|>\.?|\|\||<;>|::|→|←|.", re.DOTALL)
_HOLE_STRING = re.compile(r'[^"\\{}]+|\\.|[{}"]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, literal or symbol.

    Attributes:
        text: as it stands in the source; of a literal, all of it.
        start, end: offsets into the source; ``end`` is behind the last character.
        column: of its first character in its line, from 0.
        leads: whether nothing but blank space stands before it in its line; a comment counts as blank.
        kind: ``"name"`` for words and keywords, ``"literal"``, ``"symbol"``, or ``"doc"`` for the documentation of a
            declaration.
    """

    text: str
    start: int
    end: int
    column: int
    leads: bool
    kind: str


class ScanError(InputError):
    """Source that ends inside of a comment or a string.

    Attributes:
        offset: where that begins.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def tokens(source: str) -> Iterator[Token]:
    """Reads a source from its start.

    Args:
        source: with line feeds as its only line breaks.

    Raises:
        ScanError: a comment or string has no end.
    """
    place, line, leads = 0, 0, True
    while place < len(source):
        space = _SPACE.match(source, place)
        if space is not None:
            last = source.rfind("\n", place, space.end())
            if last >= 0:
                line, leads = last + 1, True
            place = space.end()
            continue
        end, kind = _token_end(source, place)
        if kind != "comment":
            yield Token(source[place:end], place, end, place - line, leads, kind)
            leads = False
        last = source.rfind("\n", place, end)
        if last >= 0:
            line, leads = last + 1, leads or kind == "comment"
        place = end


def _token_end(source: str, place: int) -> tuple[int, str]:
    """The end of the token that begins at a place, and its kind."""
    first = source[place]
    if first == "-":
        comment = _LINE_COMMENT.match(source, place)
        if comment is not None:
            return comment.end(), "comment"
    if first == "/" and source.startswith("/-", place):
        # /-! … -/ is a command of its own, which belongs to no declaration.
        is_doc = source.startswith("/--", place) and not source.startswith("/--/", place)
        return _comment_end(source, place), "doc" if is_doc else "comment"
    if first == '"':
        return _matched(_STRING, source, place, "string"), "literal"
    if first == "r":
        raw = _RAW_STRING.match(source, place)
        if raw is not None:
            return _raw_end(source, place, raw), "literal"
    if first == "'":
        character = _CHARACTER.match(source, place)
        if character is not None:
            return character.end(), "literal"
    name = _NAME.match(source, place)
    if name is not None:
        if name[0].endswith("!") and source.startswith('"', name.end()):
            return _interpolated_end(source, name.end()), "literal"
        return name.end(), "name"
    number = _NUMBER.match(source, place)
    if number is not None:
        return number.end(), "literal"
    symbol = _SYMBOL.match(source, place)
    assert symbol is not None
    return symbol.end(), "symbol"


def _comment_end(source: str, place: int) -> int:
    depth, at = 0, place
    while True:
        mark = _COMMENT_MARK.search(source, at)
        if mark is None:
            raise ScanError("a comment that begins with /- has no end", place)
        depth += 1 if mark[0] == "/-" else -1
        at = mark.end()
        if depth == 0:
            return at


def _matched(pattern: re.Pattern[str], source: str, place: int, what: str) -> int:
    found = pattern.match(source, place)
    if found is None:
        raise ScanError(f"a {what} has no end", place)
    return found.end()


def _raw_end(source: str, place: int, opening: re.Match[str]) -> int:
    closing = '"' + opening[1]
    at = source.find(closing, opening.end())
    if at < 0:
        raise ScanError("a string has no end", place)
    return at + len(closing)


def _interpolated_end(source: str, place: int) -> int:
    """The end of a string with holes; strings inside of the holes are strings again."""
    at, depth = place + 1, 0
    while True:
        if depth and source.startswith('"', at):
            at = _matched(_STRING, source, at, "string")
            continue
        found = _HOLE_STRING.match(source, at)
        if found is None:
            raise ScanError("a string has no end", place)
        at = found.end()
        if found[0] == '"':
            return at
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        depth = max(depth, 0)
