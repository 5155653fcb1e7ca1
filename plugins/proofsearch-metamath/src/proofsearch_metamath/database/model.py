"""What a Metamath database says, as plain data.

The words are those of the Metamath book (Megill and Wheeler, 2019, chapter 4): a *floating* hypothesis
(``$f``) types a variable, an *essential* hypothesis (``$e``) is a premise, an *assertion* is an axiom
(``$a``) or a theorem (``$p``), and its *frame* holds what a use of it must satisfy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Symbols = tuple[str, ...]
"""An expression: its typecode first, then the symbols, for example ``("|-", "(", "ph", "->", "ps", ")")``."""

Pair = tuple[str, str]
"""Two variables that a ``$d`` keeps apart, the lesser (by ``str`` order) first."""


@dataclass(frozen=True, slots=True)
class Floating:
    """A ``$f`` statement, which reads ``label $f typecode variable $.`` in a database."""

    label: str
    typecode: str
    variable: str


@dataclass(frozen=True, slots=True)
class Essential:
    """A ``$e`` statement, which reads ``label $e expression $.`` in a database."""

    label: str
    expression: Symbols


@dataclass(frozen=True, slots=True, eq=False)
class Assertion:
    """An axiom (``$a``) or theorem (``$p``) with its frame.

    Attributes:
        label: its name, unique in the database.
        kind: ``"a"`` for an axiom, a definition or a piece of syntax; ``"p"`` for what has a proof.
        position: its place among the assertions of the database, from 0.
        expression: what it asserts, typecode first.
        floats: the mandatory ``$f`` hypotheses, in order of appearance.
        essentials: the ``$e`` hypotheses, in order of appearance.
        order: the mandatory hypotheses' labels (``$f`` and ``$e`` mixed) in order of appearance: the order in
            which a proof pushes them.
        disjoint: the mandatory ``$d`` pairs (both variables mandatory).
        scope_disjoint: all ``$d`` pairs in force where it stands, dummy variables included.
        proof: the tokens between ``$=`` and ``$.``; empty for an axiom.
        start, end: character offsets, in the file named by ``file``, of its label and just after its ``$.``.
        comment: the comment that stands directly before it, without the ``$(`` and ``$)``; ``""`` without one.
        file: index into :attr:`Database.files`.
    """

    label: str
    kind: Literal["a", "p"]
    position: int
    expression: Symbols
    floats: tuple[Floating, ...]
    essentials: tuple[Essential, ...]
    order: tuple[str, ...]
    disjoint: frozenset[Pair]
    scope_disjoint: frozenset[Pair]
    proof: tuple[str, ...]
    start: int
    end: int
    comment: str
    file: int = 0

    @property
    def typecode(self) -> str:
        """The first symbol of what it asserts, for example ``"|-"`` or ``"wff"``."""
        return self.expression[0]


@dataclass(slots=True)
class Database:
    """A whole database, in the order in which it was read.

    Attributes:
        files: the files read, the top one first.
        constants, variables: the declared symbols.
        floats: every ``$f`` by label, in order of appearance (with those of inner scopes).
        essentials: every ``$e`` by label.
        assertions: every ``$a`` and ``$p`` by label, in order; the ``i``-th has ``position == i``.
        sha256: hex digest of the files' bytes, in the order of ``files``.
        float_spans: for each ``$f`` the range ``(first, end)`` of the positions of assertions where it is active:
            ``first <= position < end``. ``end`` is ``sys.maxsize`` for what is never closed.
    """

    files: list[Path]
    constants: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    floats: Mapping[str, Floating] = field(default_factory=dict)
    essentials: Mapping[str, Essential] = field(default_factory=dict)
    assertions: Mapping[str, Assertion] = field(default_factory=dict)
    sha256: str = ""
    float_spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)
