"""What the checker says, and what it must say of a proof."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from proofsearch.process.programs import Ended

_EXECUTED = re.compile(r"^Chars (\d+) - (\d+) \[.*\] [\d.]+ secs? \(.*\)$", re.MULTILINE)
_HEADER = re.compile(r"(?:Axioms|Theory|Section Variables|Transparent constants|Opaque constants):")
_OF_SECTION = "Section Variables:"
_NOTHING = "Closed under the global context"
_NAME = re.compile(r"(\S+)(?: :|$)")
_PLACE = re.compile(r"^(?:Constant|Inductive|Constructor) (\S+)(?: \(.*\))?$", re.MULTILINE)


@dataclass
class Document:
    """A file for the checker, and where each sentence of ours stands in it.

    Attributes:
        text: all of it.
        spans: the beginning and end of each sentence of ours, in bytes.
    """

    text: str
    spans: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bytes = len(self.text.encode())

    def add(self, sentence: str) -> None:
        """Adds a sentence on a line of its own."""
        begin = self._bytes + 1
        self._bytes = begin + len(sentence.encode())
        self.text += f"\n{sentence}"
        self.spans.append((begin, self._bytes))


def flaw(ended: Ended, document: Document, timeout: float) -> str:
    """Why the checker didn't read the document as it is meant; ``""`` where it did.

    Beside its exit code, it says for each sentence where it began and ended. A step can print the like, but can't take
    back what is printed: where sentences are others, or more, than those that are ours, they are not believed.
    """
    if ended.stopped == "time":
        return f"the check ran past {timeout:g} s (--rocq-check-timeout)"
    if ended.stopped:
        return "the checker wrote without an end and was stopped"
    if ended.code:
        return ended.last_words(600) or f"the checker ended with code {ended.code}"
    executed = [(int(span[1]), int(span[2])) for span in _EXECUTED.finditer(ended.output)]
    if executed[max(0, len(executed) - len(document.spans)) :] != document.spans:
        return "the proof isn't read as the steps that it shows: something in it begins or ends a sentence of its own"
    return ""


def read_assumptions(said: str) -> tuple[str, ...] | None:
    """What a lemma rests on, beside variables of its section; ``None`` where that isn't what was said.

    Axioms come by their names, and what else is assumed, such as that a definition ends, by the whole line.
    """
    if said.strip() == _NOTHING:
        return ()
    found: list[str] = []
    kind = ""
    for line in said.splitlines():
        if _HEADER.fullmatch(line.rstrip()):
            kind = line.rstrip()
        elif not kind:
            return None
        elif line.strip() and not line[0].isspace() and not line.startswith(":") and kind != _OF_SECTION:
            named = _NAME.match(line)
            found.append(named[1] if named is not None else line.strip())
    return tuple(sorted(found)) if kind else None


def read_place(said: str, name: str, asked: str) -> Sequence[str]:
    """The parts of the full name of what is called ``name``.

    Args:
        said: what ``Locate`` says.
        name: the shortest name that it has.
        asked: the name by which ``Locate`` was asked; where it is a longer one, what is called so in short is another
            thing unless ``Locate`` says otherwise.

    Returns:
        None where nothing is found.
    """
    found = _PLACE.search(said)
    if found is None or (asked != name and not found[0].endswith(f" is {name})")):
        return ()
    return found[1].split(".")
