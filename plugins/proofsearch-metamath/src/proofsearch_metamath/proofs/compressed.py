"""The letters of a compressed proof (Metamath book, appendix B).

``A`` to ``T`` end a number, ``U`` to ``Y`` lead it, and ``Z`` tags the step before it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from proofsearch_metamath.proofs.faults import UnplacedError

TAG = -1
"""Stands for ``Z`` among the numbers: the step just before it can be referred to from here on."""

_CODE = re.compile(r"[U-Y]*[A-T]|Z")
_CUT_SHORT = tuple(letter + "Z" for letter in "UVWXY")


class _Numbers(dict[str, int]):
    """Each code to its number, from 0, worked out when it is first met."""

    def __missing__(self, code: str) -> int:
        if code == "Z":
            number = TAG
        elif len(code) > 12:  # beyond any proof that fits in memory, and slow to work out
            return sys.maxsize
        else:
            number = 0
            for letter in code[:-1]:
                number = number * 5 + ord(letter) - ord("T")
            number = number * 20 + ord(code[-1]) - ord("A")
        self[code] = number
        return number


_number = _Numbers().__getitem__


def is_compressed(proof: Sequence[str]) -> bool:
    """Whether a proof's tokens are in the compressed format."""
    return bool(proof) and proof[0] == "("


def split_compressed(proof: Sequence[str]) -> tuple[list[str], str]:
    """The labels in the parentheses of a compressed proof, and its letters as one word.

    Raises:
        UnplacedError: the parenthesis is not closed.
    """
    try:
        end = list(proof).index(")")
    except ValueError:
        raise UnplacedError(
            "parenthesis", "found no ) after the labels of the compressed proof; close them", 0
        ) from None
    return list(proof[1:end]), "".join(proof[end + 1 :])


def decode(letters: str) -> list[int]:
    """The numbers that the letters of a compressed proof stand for, from 0, with :data:`TAG` for ``Z``.

    Raises:
        UnplacedError: a letter stands where it can't; ``character`` is its offset in ``letters``.
    """
    if "?" in letters:
        raise UnplacedError("incomplete", "found '?', an unfinished proof; finish it", character=letters.index("?"))
    if not letters:
        raise UnplacedError("no-steps", "found no letters after the labels of the compressed proof; write its steps")
    if not (letters.isascii() and letters.isalpha() and letters.isupper()):
        bad = next(index for index, letter in enumerate(letters) if not "A" <= letter <= "Z")
        raise UnplacedError("letter", f"found {letters[bad]!r} in a compressed proof; expected A to Z", character=bad)
    if letters[0] == "Z":
        raise UnplacedError("tag", "found Z before any step; put it after the step that it tags")
    if "ZZ" in letters:
        raise UnplacedError("tag", "found Z twice after one step; remove one", character=letters.index("ZZ") + 1)
    for code in _CUT_SHORT:
        if code in letters:
            message = f"found Z after {code[0]}, where a number continues; expected A to Y"
            raise UnplacedError("letter", message, character=letters.index(code) + 1)
    if "U" <= letters[-1] <= "Y":
        message = f"the proof ends after {letters[-1]}, where a number continues; expected A to T to end it"
        raise UnplacedError("letter", message, character=len(letters) - 1)
    return list(map(_number, _CODE.findall(letters)))


def code_span(letters: str, index: int) -> tuple[int, int]:
    """The beginning and end of the ``index``-th number or tag in ``letters``."""
    for number, match in enumerate(_CODE.finditer(letters)):
        if number == index:
            return match.span()
    return len(letters), len(letters)
