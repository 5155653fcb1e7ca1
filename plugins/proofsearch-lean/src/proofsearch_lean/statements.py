"""A theorem as it stands in Lean source, cut at the place where its proof begins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeanTheorem:
    """A theorem to be proved, with all that stands before it.

    Attributes:
        name: its full name, namespaces included: what ``#print axioms`` takes.
        statement: from the declaration's first word (``theorem``, or the modifiers and attributes before it) to just
            before its ``:=``; without blank space at either end.
        preamble: all text before the statement: imports, ``open``, ``variable``, earlier declarations with their
            proofs. Empty, or ends with a line break.
        split: ``"train"``, ``"validation"``, ``"test"`` or ``""``.
        file: where it came from, for people: a path as it was given, or the name of a data set.
        line: of the statement in it, from 1; 0 where that says nothing.
        proof: what stands after ``:=`` in the source, without blank space at either end; ``None`` where that is
            ``sorry`` or isn't known.
    """

    name: str
    statement: str
    preamble: str = ""
    split: str = ""
    file: str = ""
    line: int = 0
    proof: str | None = None
