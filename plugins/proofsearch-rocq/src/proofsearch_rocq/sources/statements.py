"""The lemmas of one file, with their proofs.

Lemmas are what ``Lemma``, ``Theorem`` and their like state by a name and prove by a script. A definition that is given
by tactics, an instance, an obligation and a ``Goal`` is none: it has no name, no statement of its own, or a value that
matters. Neither is one of several that are stated at once (``Theorem … with …``), one whose proof is a term behind
``:=``, and one that is given up by ``Abort``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from proofsearch_rocq.lemmas import Ending, Lemma, SourceFile
from proofsearch_rocq.sentences import Sentence, without_comments

KINDS = ("Theorem", "Lemma", "Fact", "Remark", "Corollary", "Proposition", "Property", "Example")
"""The commands that state a lemma."""

PROVED: tuple[Ending, ...] = ("Qed", "Defined", "Save")
"""How the proof of a lemma ends that is proved."""

_NAME = r"[^\W\d][\w']*"
_ATTRIBUTES = r"(?:#\[[^\]]*\]\s*)*(?:(?:Local|Global|Polymorphic|Monomorphic|Private|Time)\s+)*"
_STATES = re.compile(rf"{_ATTRIBUTES}(?:{'|'.join(KINDS)})\s+({_NAME})")
_ENDS = re.compile(r"(?:Time\s+)?(Qed|Defined|Admitted|Abort|Save)\b")
_PROOF = re.compile(r"(?:Time\s+)?Proof\b(?!\s+Mode\b)")
_DEFAULT = re.compile(r"\bwith\s+(.*?)(?:\s+using\b(?!.*\bwith\b).*)?\.$", re.DOTALL)
_OPENS = re.compile(rf"(Module(?:\s+Type)?|Section)\s+(?:(?:Import|Export)\s+)?({_NAME})")
_PARAMETER = re.compile(rf"\(\s*(?:(?:Import|Export)\s+)?({_NAME}(?:\s+{_NAME})*)\s*:")
_CLOSES = re.compile(rf"End\s+{_NAME}")
_STRING = re.compile(r'"[^"]*"')
_WORDS = re.compile(r":=|\b(?:let|fix|cofix|match|with|Definition|Module)\b|[()\[\]{}]")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A module, module type or section that is open.

    Attributes:
        kind: which of them.
        name: its own.
        parameters: the names of a functor's parameters.
    """

    kind: Literal["Module", "Module Type", "Section"]
    name: str
    parameters: tuple[str, ...] = ()

    @property
    def leaves_open(self) -> bool:
        """Whether something in it may be assumed that is no axiom: a functor's parameter, or all of a module type."""
        return bool(self.parameters) or self.kind == "Module Type"


@dataclass
class Enclosures:
    """What is open at a place of a file; kept up to date sentence by sentence."""

    open: list[Enclosure] = field(default_factory=list)

    def read(self, sentence: str) -> None:
        """Goes on behind a sentence, which has no comments."""
        if sentence.startswith(("Module", "Section")):
            found = _OPENS.match(sentence)
            if found is not None and not _has_value(sentence):
                kind: Literal["Module", "Module Type", "Section"] = (
                    "Section" if found[1] == "Section" else "Module Type" if "Type" in found[1] else "Module"
                )
                named = [name for match in _PARAMETER.finditer(sentence) for name in match[1].split()]
                self.open.append(Enclosure(kind, found[2], tuple(named)))
        elif sentence.startswith("End") and self.open and _CLOSES.match(sentence):
            self.open.pop()

    @property
    def modules(self) -> tuple[str, ...]:
        """The names of the open modules and module types, from the outermost."""
        return tuple(enclosure.name for enclosure in self.open if enclosure.kind != "Section")


def enclosures(sentences: Sequence[Sentence]) -> Sequence[Enclosure]:
    """What is open behind some sentences from the beginning of a file."""
    found = Enclosures()
    for sentence in sentences:
        if sentence.text.startswith(("Module", "Section", "End")):
            found.read(without_comments(sentence.text))
    return tuple(found.open)


def lemmas_of(file: SourceFile, by_file: bool) -> Iterator[Lemma]:
    """The lemmas of a file, in their order.

    Args:
        file: to be read.
        by_file: whether the fixed split assigns the file as a whole, or each lemma by itself.
    """
    within = Enclosures()
    text, line, counted = file.text, 1, 0
    stated: tuple[int, str, int] | None = None
    seen: set[str] = set()
    for index, sentence in enumerate(file.sentences):
        first = sentence.text[:1]
        if not (first.isupper() or first == "#"):
            continue
        bare = without_comments(sentence.text) if "(*" in sentence.text else sentence.text
        within.read(bare)
        if (states := _STATES.match(bare)) is not None:
            line, counted = line + text.count("\n", counted, sentence.start), sentence.start
            stated = None if _has_value(bare) or _has_several(bare) else (index, states[1], line)
            continue
        if stated is None:
            continue
        ends = _ENDS.match(bare)
        term = _PROOF.match(bare) is not None and _term(bare) is not None
        if ends is None and not term:
            continue
        ending: Ending = "Qed" if ends is None else ends[1]  # type: ignore[assignment]  # the pattern's alternatives
        if ending != "Abort":
            yield _lemma(file, within, stated, index, ending, by_file, seen)
        stated = None
    if stated is not None:
        yield _lemma(file, within, stated, -1, "", by_file, seen)


def _lemma(
    file: SourceFile,
    within: Enclosures,
    stated: tuple[int, str, int],
    last: int,
    ending: Ending,
    by_file: bool,
    seen: set[str],
) -> Lemma:
    first, short, line = stated
    name = ".".join((file.module, *within.modules, short))
    while name in seen:
        name += "'"
    seen.add(name)
    # A proof that is a term is its own last sentence.
    end = len(file.sentences) if last < 0 else last + (1 if _ENDS.match(file.sentences[last].text) is None else 0)
    return Lemma(
        name=name,
        short=short,
        file=file,
        first=first,
        last=last,
        line=line,
        statement=_plain(file.sentences[first].text),
        script=tuple(_script([_plain(sentence.text) for sentence in file.sentences[first + 1 : end]])),
        ending=ending,
        split=split_of(file.module if by_file else name) if ending in PROVED else "",
    )


def _script(sentences: Sequence[str]) -> Iterator[str]:
    """The steps of a proof; what ``Proof with`` says that ``…`` stands for is written out."""
    default = ""
    for sentence in sentences:
        if _PROOF.match(sentence):
            term = _term(sentence)
            if term is not None:
                yield f"exact ({term})."
            elif found := _DEFAULT.search(sentence):
                default = found[1]
        elif sentence.endswith("..."):
            yield f"({sentence[:-3].rstrip()}); ({default})." if default else f"{sentence[:-3].rstrip()}."
        else:
            yield sentence


def _term(proof: str) -> str | None:
    """The term of ``Proof TERM.``; ``None`` where a script follows."""
    said = proof.partition("Proof")[2].removesuffix(".").strip()
    return None if not said or re.match(r"(?:with|using)\b", said) else said


def _plain(sentence: str) -> str:
    """Without comments, and on one line unless it holds a string, in which a line break may matter."""
    if "(*" in sentence:
        sentence = without_comments(sentence)
    return sentence if '"' in sentence else " ".join(sentence.split())


def _has_value(sentence: str) -> bool:
    """Whether ``:=`` gives what is named a value, rather than a ``let``, a recursion, or a constraint on a module."""
    depth = binders = values = 0
    before = ""
    for word in _WORDS.findall(_STRING.sub("", sentence)):
        if word in "([{":
            depth += 1
        elif word in ")]}":
            depth -= 1
        elif not depth:
            values += word == ":="
            binders += word in ("let", "fix", "cofix") or (before == "with" and word in ("Definition", "Module"))
        before = word
    return values > binders


def _has_several(sentence: str) -> bool:
    """Whether ``with`` joins a second lemma, rather than belonging to a ``match``."""
    words = _WORDS.findall(_STRING.sub("", sentence))
    return words.count("with") > words.count("match")


def split_of(name: str) -> str:
    """The fixed split, by the hash of a name: 80% train, 10% validation, 10% test."""
    bucket = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % 10
    return {0: "test", 1: "validation"}.get(bucket, "train")
