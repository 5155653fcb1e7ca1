"""A prepared database as flat arrays, and its assertions and hypotheses, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.database.model import Assertion, Essential, Floating, Pair, Symbols
from proofsearch_metamath.proofs.soundness import Flaw


@dataclass(frozen=True, slots=True)
class Syntax:
    """A syntax axiom, or a variable as a tree sees it.

    Attributes:
        label: the ``$a``'s label; for a variable its ``$f``'s.
        symbols: the symbols between the children: one more than there are children.
        order: the child that stands in each gap, as an index into the children.
        typecode: what it makes, as an index.
        position: the assertion's position; -1 for a variable.
    """

    label: str
    symbols: tuple[str, ...]
    order: tuple[int, ...]
    typecode: int
    position: int


ARRAYS = (
    "assertion_symbols",
    "assertion_symbols_at",
    "cited",
    "cited_at",
    "disjoint",
    "disjoint_at",
    "essential_symbols",
    "essential_symbols_at",
    "float_spans",
    "float_symbols",
    "hypotheses",
    "hypotheses_at",
    "index",
    "index_at",
    "index_keys",
    "is_theorem",
    "lines",
    "places",
    "proof_steps",
    "provable",
    "sound",
    "statements_at",
    "trees",
    "trees_at",
)
"""The names of the arrays in :attr:`Tables.arrays`."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The arrays and texts of a prepared library; a *ragged* array ``x`` goes with ``x_at``, its row offsets.

    With N assertions, M provable ones (typecode ``|-``), F ``$f``, E ``$e``, R syntax axioms, V variables:

    Attributes:
        symbols: every symbol, by number.
        typecodes: the typecodes, by index.
        labels: of the assertions, shape (N,).
        float_labels, essential_labels: shapes (F,) and (E,).
        rules: the syntax axioms, shape (R,).
        variables: the variables' symbols, shape (V,); tree leaf −1−v is the v-th.
        sources: the files that the database was read from, the top one first.
        arrays: the integer arrays, by name: ragged by assertion ``assertion_symbols`` (symbols' numbers),
            ``hypotheses`` (a ``$f`` as its number, a ``$e`` as −1 minus its), ``disjoint`` (symbols' numbers, two a
            pair) and ``cited`` (positions of earlier theorems and provable axioms); ``places`` (N, 3): start and end as
            offsets, and file; ``lines``, ``is_theorem``, ``proof_steps``, ``sound`` (N,), the last as in
            :class:`~proofsearch_metamath.proofs.soundness.Soundness`; ``essential_symbols``, ragged by ``$e``;
            ``float_symbols`` (F, 2): typecode and variable; ``float_spans`` (F, 2): positions; ``provable`` (M,):
            positions; ``trees``, ragged by statement; ``statements_at`` (M + 1,): each provable assertion's conclusion
            and hypotheses among the statements; ``index``, ragged by ``index_keys``: which conclusions have what at
            which path.
        flaws: by position, what is wrong with a theorem's own proof.
        sha256: of the sources.
    """

    symbols: Sequence[str]
    typecodes: Sequence[str]
    labels: Sequence[str]
    float_labels: Sequence[str]
    essential_labels: Sequence[str]
    rules: Sequence[Syntax]
    variables: Sequence[str]
    sources: Sequence[Path]
    arrays: Mapping[str, NDArray[np.generic]]
    flaws: Mapping[int, Flaw]
    sha256: str


class Frames(Mapping[str, Assertion]):
    """The assertions by label, each made when it is asked for."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._positions = {label: position for position, label in enumerate(tables.labels)}
        self._made: dict[str, Assertion] = {}

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[str]:
        return iter(self._positions)

    def __contains__(self, label: object) -> bool:
        return label in self._positions

    def position(self, label: str) -> int:
        """Its place among all assertions.

        Raises:
            KeyError: no assertion has that label.
        """
        return self._positions[label]

    def __getitem__(self, label: str) -> Assertion:
        made = self._made.get(label)
        if made is None:
            made = self._make(self._positions[label])
            self._made[label] = made
        return made

    def floating(self, index: int) -> Floating:
        """The ``$f`` of that number."""
        tables = self._tables
        typecode, variable = tables.arrays["float_symbols"][index]
        return Floating(tables.float_labels[index], tables.symbols[typecode], tables.symbols[variable])

    def essential(self, index: int) -> Essential:
        """The ``$e`` of that number."""
        return Essential(self._tables.essential_labels[index], self._expression("essential", index))

    def _expression(self, name: str, index: int) -> Symbols:
        symbols = self._tables.symbols
        return tuple([symbols[number] for number in self._row(f"{name}_symbols", index)])

    def _row(self, name: str, index: int) -> list[int]:
        arrays = self._tables.arrays
        start, end = arrays[f"{name}_at"][index : index + 2].tolist()
        row: list[int] = arrays[name][start:end].tolist()
        return row

    def _make(self, position: int) -> Assertion:
        tables = self._tables
        floats, essentials, order = [], [], []
        for number in self._row("hypotheses", position):
            if number >= 0:
                floats.append(self.floating(number))
                order.append(floats[-1].label)
            else:
                essentials.append(self.essential(-1 - number))
                order.append(essentials[-1].label)
        apart = self._row("disjoint", position)
        symbols = tables.symbols
        pairs: frozenset[Pair] = frozenset(
            (symbols[one], symbols[other]) for one, other in zip(apart[::2], apart[1::2], strict=True)
        )
        start, end, file = tables.arrays["places"][position].tolist()
        return Assertion(
            label=tables.labels[position],
            kind="p" if tables.arrays["is_theorem"][position] else "a",
            position=position,
            expression=self._expression("assertion", position),
            floats=tuple(floats),
            essentials=tuple(essentials),
            order=tuple(order),
            disjoint=pairs,
            scope_disjoint=pairs,
            proof=(),
            start=start,
            end=end,
            comment="",
            file=file,
        )


class Essentials(Mapping[str, Essential]):
    """The ``$e`` by label, each made when it is asked for."""

    def __init__(self, frames: Frames, labels: Sequence[str]) -> None:
        self._frames = frames
        self._numbers = {label: number for number, label in enumerate(labels)}

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __getitem__(self, label: str) -> Essential:
        return self._frames.essential(self._numbers[label])
