"""What a tactic is, as the text that a policy writes, and the sentence that the prover gets for it.

A sentence is ``(TACTIC).``, so that it can be no command: ``Axiom`` and ``Admitted`` are no tactics. Bullets and braces
only say which goal is meant; here that is the first, so they are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BULLETS = re.compile(r"(?:\s|[-+*]+(?=\s|[^\W\d]|\(|$)|\{(?!\|))*")
_RANGE = r"\d+(?:\s*-\s*\d+)?"
_SELECTOR = re.compile(rf"(all|!|\[\s*[^\W\d][\w']*\s*\]|{_RANGE}(?:\s*,\s*{_RANGE})*)\s*:(?![=:])")
_SKIPPED = re.compile(r'"(?:[^"]|"")*"|\(\*|\*\)')
_END = re.compile(r"(?<!\.)\.(?:\s|$)|\.\.\.(?:\s|$)")
_PARALLEL = re.compile(r"par\s*:(?![=:])")

_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Tactic:
    """A single tactic, and the goals that it is for.

    Attributes:
        selector: ``""`` for the first goal, else as it is written: ``"2"``, ``"1-3, 5"``, ``"all"``, ``"!"``,
            ``"[name]"``.
        text: without bullets and full stop.
    """

    selector: str
    text: str

    @property
    def sentence(self) -> str:
        """What the prover gets, without a time-out, in parentheses so that it can be no command."""
        return f"{self._before}({self.text})."

    @property
    def plain(self) -> str:
        """The sentence as people write it."""
        return f"{self._before}{self.text}."

    @property
    def _before(self) -> str:
        return f"{self.selector}: " if self.selector else ""

    def restricted(self, names: Sequence[str], chosen: Sequence[int]) -> Tactic:
        """The tactic for some goals of a state, which its selector counts as if there were no others.

        Args:
            names: of the variables of the state's goals.
            chosen: the numbers of these goals in the state, from 1, rising; the first one is 1.

        Raises:
            ValueError: it selects none of these.
        """
        if not self.selector:
            return self
        if self.selector == "all":
            wanted: Sequence[int] = chosen
        elif self.selector == "!":
            if len(chosen) > 1:
                raise ValueError(f"!: is for a single goal, and there are {len(chosen)}")
            wanted = chosen
        elif self.selector.startswith("["):
            wanted = [number for number in chosen if names[number - 1] == self.selector.strip("[] ")]
        else:
            places = [place for first, last in _ranges(self.selector) for place in range(first, last + 1)]
            wanted = [chosen[place - 1] for place in places if 1 <= place <= len(chosen)]
            if len(wanted) < len(places):
                raise ValueError(f"there is no goal {max(places)}")
        if not wanted:
            raise ValueError(f"there is no goal {self.selector}")
        return Tactic("" if list(wanted) == [1] else ", ".join(map(str, wanted)), self.text)


def read_tactic(written: str) -> Tactic:
    """Reads what a policy wrote.

    Raises:
        ValueError: it is no single tactic; the message says why.
    """
    if len(written) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    if any((ord(sign) < 32 and sign not in "\n\t\r") or "\ud800" <= sign <= "\udfff" for sign in written):
        raise ValueError("it has characters that are no text")
    text = written.strip()
    text = text[_BULLETS.match(text).end() :]  # type: ignore[union-attr]  # it matches nothing as well
    selector = ""
    if found := _SELECTOR.match(text):
        selector, text = found[1].strip(), text[found.end() :].strip()
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    if not text:
        raise ValueError("it is empty")
    if _PARALLEL.match(text):
        raise ValueError("par: starts other processes")
    _check_single(text)
    return Tactic(selector, text)


def _ranges(selector: str) -> Iterator[tuple[int, int]]:
    for part in selector.split(","):
        first, _, last = part.partition("-")
        if len(first) > 6 or len(last) > 6:
            raise ValueError(f"there is no goal {part.strip()}")
        yield int(first), int(last or first)


def _check_single(text: str) -> None:
    """Raises a ``ValueError`` unless a text stays in its parentheses and its sentence."""
    bare, depth, at = [], 0, 0
    for found in _SKIPPED.finditer(text):
        if not depth:
            # As in "auto with *)", outside of comments these are a star and a parenthesis.
            bare.append(text[at : found.end()] if found[0] == "*)" else text[at : found.start()])
        at = found.end()
        if found[0] == "(*":
            depth += 1
        elif found[0] == "*)" and depth:
            depth -= 1
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
