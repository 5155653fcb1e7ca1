"""From the characters of a Metamath file to its statements (Metamath book, 4.1.1 to 4.1.3 and appendix E).

No regular expression walks over the whole text: ``$`` occurs only in keywords once the comments are blanked out, so
``str.split`` finds every keyword, and what stands between two keywords is split at white space.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from proofsearch_metamath.errors import ReadError

WHITESPACE = " \t\n\r\f"
"""The white space of the specification; what ``str.isspace`` adds to it is refused with the other characters."""

_ALLOWED = bytes([*WHITESPACE.encode(), *range(0x21, 0x7F)])
_KEYWORDS = frozenset(letter + space for letter in "cvfedap={}.[]" for space in WHITESPACE)
_LABELLED = frozenset("feap")
_LABEL = re.compile(r"[A-Za-z0-9._-]+")
_WORD = re.compile(r"\S+")
_LINE_END = re.compile(r"\r\n|\r|\n")
_NAMES = {"[": "inclusion"}


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file, and the same text with blanks in place of comments.

    Attributes:
        path: where it was read.
        text: the characters as they are in the file.
        code: as long as ``text``, with every character of a comment replaced by a blank.
        comments: offset just after each comment, ascending.
        starts: offset of each comment's ``$(``.
    """

    path: Path
    text: str
    code: str
    comments: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of a character offset; lines end with LF, CR LF or CR."""
        if "\r" not in self.text:
            return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)
        ends = [match.end() for match in _LINE_END.finditer(self.text, 0, offset)]
        return len(ends) + 1, offset - (ends[-1] if ends else 0) + 1

    def error(self, offset: int, kind: str, message: str) -> ReadError:
        """An error at a character offset."""
        line, column = self.line_and_column(offset)
        return ReadError(message, self.path, line, column, kind)

    def word_offset(self, start: int, index: int) -> int:
        """The offset of the ``index``-th word (from 0) at or after ``start``; comments don't count."""
        for number, match in enumerate(_WORD.finditer(self.code, start)):
            if number == index:
                return match.start()
        return len(self.code)

    def comment_before(self, offset: int) -> str:
        """The text of the comment that only white space parts from ``offset``, stripped; ``""`` without one."""
        number = bisect_right(self.comments, offset) - 1
        if number < 0:
            return ""
        end = self.comments[number]
        if end != offset and not self.text[end:offset].isspace():
            return ""
        return self.text[self.starts[number] + 2 : end - 2].strip()


class Statement(NamedTuple):
    """One statement as it stands in a file, before any rule about its symbols is checked.

    Attributes:
        keyword: the letter after ``$``: ``c v f e d a p``, ``{``, ``}``, or ``[`` for an inclusion.
        label: its label, ``""`` for what has none.
        start: offset of the label, or of the keyword where there is no label.
        words: what stands between the keyword and its end (for ``$p``: before ``$=``).
        body: offset just after the keyword.
        proof: the words between ``$=`` and ``$.``.
        end: offset just after the closing ``$.`` or ``$]``.
    """

    keyword: str
    label: str
    start: int
    words: list[str]
    body: int
    proof: list[str]
    end: int


def make_source(path: Path, data: bytes) -> Source:
    """Checks the characters and the comments of a file.

    Raises:
        ReadError: a character that the specification does not allow, or a broken comment.
    """
    foreign = data.translate(None, _ALLOWED)
    if foreign:
        offset = data.index(foreign[:1])
        source = Source(path, data[:offset].decode("ascii"), "")
        if data.startswith(b"\xef\xbb\xbf"):
            raise source.error(offset, "character", "found a UTF-8 byte order mark; save the file as plain ASCII")
        raise source.error(
            offset,
            "character",
            f"found the byte 0x{foreign[0]:02x}; a database holds only printable ASCII characters, spaces, tabs, line "
            "ends and form feeds; replace it",
        )
    text = data.decode("ascii")
    source = Source(path, text, text)
    pieces: list[str] = []
    done = 0
    while (start := text.find("$(", done)) >= 0:
        end = text.find("$)", start + 2)
        _check_comment(source, start, end)
        end += 2
        pieces.append(text[done:start])
        pieces.append(" " * (end - start))
        source.starts.append(start)
        source.comments.append(end)
        done = end
    pieces.append(text[done:])
    return Source(path, text, "".join(pieces), source.comments, source.starts)


def _check_comment(source: Source, start: int, end: int) -> None:
    text = source.text
    if end < 0:
        raise source.error(start, "unclosed-comment", "the file ends inside this comment; close it with $)")
    nested = text.find("$(", start + 2, end)
    if nested >= 0:
        raise source.error(nested, "nested-comment", "found $( inside a comment; comments can't be nested, remove it")
    if (start and not text[start - 1].isspace()) or not text[start + 2].isspace():
        raise source.error(start, "token", "found $( without white space on both sides; put a space around it")
    if not text[end - 1].isspace() or text[end + 2 : end + 3].strip():
        raise source.error(end, "token", "found $) without white space on both sides; put a space around it")


def _split(source: Source) -> tuple[list[str], list[int]]:
    """The text after each ``$`` (from 1; before the first: 0) and the offset of that ``$``."""
    pieces = source.code.split("$")
    offsets = list(accumulate((len(piece) + 1 for piece in pieces), initial=-1))
    last = len(pieces) - 1
    for index, piece in enumerate(pieces):
        if index and piece[:2] not in _KEYWORDS and not (index == last and piece + " " in _KEYWORDS):
            raise _bad_token(source, offsets[index])
        if index < last and piece[-1:] not in WHITESPACE:
            raise _bad_token(source, offsets[index + 1])
    return pieces, offsets


def _bad_token(source: Source, offset: int) -> ReadError:
    start = offset
    while start and not source.code[start - 1].isspace():
        start -= 1
    token = source.code[start:].split(maxsplit=1)[0]
    if token == "$)":
        return source.error(start, "token", "found $) without a $( before it; remove it or open the comment")
    if token == "$" and not source.code[offset + 1 :].strip():
        return source.error(start, "truncated", "the file ends inside a keyword, after $; complete it")
    return source.error(
        start,
        "token",
        f"found {token!r}; $ may stand only in the keywords $c $v $f $e $d $a $p $= $. ${{ $}} $[ $] $( $), with white "
        "space on both sides",
    )


def statements(source: Source) -> Iterator[Statement]:
    """The statements of a file in order.

    Raises:
        ReadError: a keyword, a label or the end of the file stands where it can't.
    """
    pieces, offsets = _split(source)
    code = source.code
    count = len(pieces)
    lead, lead_at = pieces[0].split(), 0
    index = 1
    while index < count:
        piece = pieces[index]
        keyword, at = piece[0], offsets[index]
        words = piece[1:].split()
        label, start = "", at
        if keyword in _LABELLED:
            if len(lead) != 1:
                raise _bad_lead(source, keyword, lead_at, lead, at)
            label = lead[0]
            start = code.find(label, lead_at)
            if not _LABEL.fullmatch(label):
                raise source.error(
                    start,
                    "label",
                    f"found the label {label!r}; a label holds only letters, digits, '.', '-' and '_'; rename it",
                )
        elif lead:
            raise _bad_lead(source, keyword, lead_at, lead, at)
        if keyword in "{}":
            yield Statement(keyword, "", at, [], at + 2, [], at + 2)
            lead, lead_at = words, at + 2
            index += 1
            continue
        if keyword in ".=]":
            raise source.error(at, "stray-keyword", f"found ${keyword} outside of a statement; remove it")
        proof: list[str] = []
        index += 1
        if keyword == "p":
            _expect(source, "=", keyword, start, pieces, offsets, index)
            proof = pieces[index][1:].split()
            index += 1
        _expect(source, "]" if keyword == "[" else ".", keyword, start, pieces, offsets, index)
        end = offsets[index] + 2
        yield Statement(keyword, label, start, words, at + 2, proof, end)
        lead, lead_at = pieces[index][1:].split(), end
        index += 1
    if lead:
        message = f"the file ends inside a statement, after {lead[-1]!r}; complete it"
        raise source.error(source.word_offset(lead_at, 0), "truncated", message)


def _bad_lead(source: Source, keyword: str, lead_at: int, lead: list[str], at: int) -> ReadError:
    if keyword not in _LABELLED:
        where = source.word_offset(lead_at, 0)
        message = f"found {lead[0]!r} before ${keyword}, which takes no label; remove it or begin a statement"
        return source.error(where, "stray-word", message)
    if not lead:
        return source.error(at, "no-label", f"found ${keyword} without a label; put one before it")
    where = source.word_offset(lead_at, 1)
    message = f"found {lead[1]!r} where ${keyword} was expected; a statement has one label"
    return source.error(where, "stray-word", message)


def _expect(
    source: Source, closer: str, keyword: str, start: int, pieces: list[str], offsets: list[int], index: int
) -> None:
    """Checks that the ``index``-th keyword is ``$closer``."""
    name = _NAMES.get(keyword, f"${keyword} statement")
    if index == len(pieces):
        raise source.error(start, "truncated", f"the file ends inside this {name}; expected ${closer}")
    found = pieces[index][0]
    if found == closer:
        return
    if found == "[":
        raise source.error(
            offsets[index], "inclusion", f"found $[ inside a {name}; put the inclusion between two statements"
        )
    if keyword == "p" and closer == "=" and found == ".":
        raise source.error(
            offsets[index], "no-proof", "found $. where the proof was expected; write $= and a proof (or '?') before it"
        )
    raise source.error(
        offsets[index], "unclosed-statement", f"found ${found} inside a {name}; expected ${closer}, close it first"
    )
