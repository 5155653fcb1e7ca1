"""Statements laid out in the arrays of a prepared library, one assertion after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.database.files import read_bytes
from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.database.places import Places
from proofsearch_metamath.library.library import MAX_PATH_DEPTH
from proofsearch_metamath.library.terms import MAX_DEPTH, child_path, place_of
from proofsearch_metamath.proofs.compressed import decode, is_compressed, split_compressed
from proofsearch_metamath.proofs.faults import UnplacedError
from proofsearch_metamath.syntax.grammar import PROVABLE
from proofsearch_metamath.syntax.trees import Grammar, GrammarError, ParseError


class Layout:
    """The arrays of :class:`~proofsearch_metamath.library.tables.Tables` in the making, all but ``sound``.

    Args:
        database: the database; each of its assertions is to be added, in order.
        grammar: its grammar.
    """

    def __init__(self, database: Database, grammar: Grammar) -> None:
        self._database = database
        self._grammar = grammar
        self._symbols: dict[str, int] = {}
        self._floats = {label: number for number, label in enumerate(database.floats)}
        self._essentials = {label: number for number, label in enumerate(database.essentials)}
        self._ragged = {
            name: _Ragged()
            for name in ("essential_symbols", "assertion_symbols", "hypotheses", "disjoint", "trees", "cited")
        }
        self._statements = _Ragged()
        self._provable: list[int] = []
        self._postings: dict[int, list[int]] = {}
        self._places: list[tuple[int, int, int]] = []
        self._is_theorem: list[bool] = []
        self._steps: list[int] = []
        for essential in database.essentials.values():
            self._ragged["essential_symbols"].row(map(self._number, essential.expression))

    def _number(self, symbol: str) -> int:
        return self._symbols.setdefault(symbol, len(self._symbols))

    def add(self, assertion: Assertion) -> None:
        """Lays out the next assertion; a provable one is parsed, with its hypotheses.

        Raises:
            GrammarError, ParseError: an expression can't be parsed, or is nested too deep to be searched.
        """
        ragged = self._ragged
        ragged["assertion_symbols"].row(map(self._number, assertion.expression))
        ragged["hypotheses"].row(
            self._floats[label] if label in self._floats else -1 - self._essentials[label] for label in assertion.order
        )
        ragged["disjoint"].row(self._number(variable) for pair in sorted(assertion.disjoint) for variable in pair)
        self._places.append((assertion.start, assertion.end, assertion.file))
        self._is_theorem.append(assertion.kind == "p")
        cited, applied = _citations(assertion, self._database)
        ragged["cited"].row(cited)
        self._steps.append(applied)
        if assertion.typecode == PROVABLE:
            try:
                self._add_statement(assertion)
            except (GrammarError, ParseError) as error:
                error.file, error.line, error.column = Places(self._database).place_of(assertion)
                raise
            self._provable.append(assertion.position)

    def _add_statement(self, assertion: Assertion) -> None:
        """Parses an assertion and its hypotheses; indexes the conclusion."""
        grammar = self._grammar
        local = {grammar.leaf(floating.variable): -1 - number for number, floating in enumerate(assertion.floats)}
        expressions = [assertion.expression, *(essential.expression for essential in assertion.essentials)]
        for number, expression in enumerate(expressions):
            label = assertion.label if number == 0 else assertion.essentials[number - 1].label
            tree = grammar.parse_expression(expression, label=label)
            if len(tree) > MAX_DEPTH and (depth := _depth(tree, grammar.arities)) > MAX_DEPTH:
                raise GrammarError(
                    f"{label} is nested {depth} deep; a search takes expressions at most {MAX_DEPTH} deep"
                )
            self._ragged["trees"].row([entry if entry >= 0 else local[entry] for entry in tree])
            if number == 0:
                for key in _index_keys(tree, grammar.arities):
                    self._postings.setdefault(key, []).append(len(self._provable))
        self._statements.row([0] * len(expressions))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays by name, once every assertion is added."""
        database, keys = self._database, sorted(self._postings)
        index = _Ragged()
        for key in keys:
            index.row(self._postings[key])
        limit = np.iinfo(np.int64).max
        spans = [[min(bound, limit) for bound in database.float_spans[label]] for label in database.floats]
        floats = [(self._number(f.typecode), self._number(f.variable)) for f in database.floats.values()]
        arrays: dict[str, NDArray[np.generic]] = {
            "float_symbols": np.array(floats, dtype=np.int32).reshape(-1, 2),
            "float_spans": np.array(spans, dtype=np.int64).reshape(-1, 2),
            "places": np.array(self._places, dtype=np.int64).reshape(-1, 3),
            "lines": _lines(database, self._places),
            "is_theorem": np.array(self._is_theorem, dtype=np.bool_),
            "proof_steps": np.array(self._steps, dtype=np.int32),
            "provable": np.array(self._provable, dtype=np.int32),
            "index_keys": np.array(keys, dtype=np.int64),
            "index": index.values(),
            "index_at": index.offsets(),
            "statements_at": self._statements.offsets(),
        }
        for name, ragged in self._ragged.items():
            arrays[name] = ragged.values()
            arrays[f"{name}_at"] = ragged.offsets()
        return arrays

    def symbols(self) -> list[str]:
        """Every symbol, by the number that :meth:`arrays` gives it: to be asked for after them."""
        return list(self._symbols)


def _index_keys(tree: Sequence[int], arities: Sequence[int]) -> list[int]:
    """What a conclusion is found by: (path, op) for what stands near its root, (path, −1) for each variable there."""
    keys: list[int] = []
    stack = [(0, 0)]
    for entry in tree:
        path, depth = stack.pop()
        if depth <= MAX_PATH_DEPTH:
            keys.append(place_of(path, max(entry, -1)))
        if entry < 0:
            continue
        for child in reversed(range(arities[entry])):
            stack.append((child_path(path, child), depth + 1))
    return keys


def _depth(tree: Sequence[int], arities: Sequence[int]) -> int:
    """The height of a flat tree."""
    depth = 0
    waiting: list[int] = []  # how many children each node above still wants
    for entry in tree:
        depth = max(depth, len(waiting) + 1)
        if entry >= 0 and arities[entry]:
            waiting.append(arities[entry])
            continue
        while waiting:
            waiting[-1] -= 1
            if waiting[-1]:
                break
            waiting.pop()
    return depth


def _citations(assertion: Assertion, database: Database) -> tuple[list[int], int]:
    """What a stored proof cites, and how often; nothing has checked it yet.

    Returns:
        The positions of the theorems and the provable axioms before it that it names, ascending; and how many of its
        steps apply a provable one.
    """
    proof, assertions = assertion.proof, database.assertions
    codes: list[int] = []
    try:
        if is_compressed(proof):
            named, letters = split_compressed(proof)
            codes = [code - len(assertion.order) for code in decode(letters)]
        else:
            named = list(proof)
            codes = list(range(len(named)))
    except UnplacedError:  # unfinished or wrong
        named = [label for label in proof if label in assertions]
    positions, provable = set[int](), set[int]()
    for number, label in enumerate(named):
        cited = assertions.get(label)
        if cited is None or cited.position >= assertion.position:
            continue
        if cited.typecode == PROVABLE:
            provable.add(number)
            positions.add(cited.position)
        elif cited.kind == "p":
            positions.add(cited.position)
    return sorted(positions), sum(code in provable for code in codes)


def _lines(database: Database, places: Sequence[tuple[int, int, int]]) -> NDArray[np.generic]:
    """The line, from 1, on which each assertion's label stands in its file."""
    lines = np.zeros(len(places), dtype=np.int32)
    starts = np.array(places, dtype=np.int64).reshape(-1, 3)
    for number, file in enumerate(database.files):
        data = read_bytes(file)
        if b"\r" in data:
            breaks = np.array([match.end() - 1 for match in re.finditer(rb"\r\n|\r|\n", data)], dtype=np.int64)
        else:
            breaks = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
        here = starts[:, 2] == number
        lines[here] = np.searchsorted(breaks, starts[here, 0]) + 1
    return lines


class _Ragged:
    """A ragged array in the making."""

    def __init__(self) -> None:
        self._values: list[int] = []
        self._offsets: list[int] = [0]

    def row(self, values: Iterable[int]) -> None:
        self._values.extend(values)
        self._offsets.append(len(self._values))

    def values(self) -> NDArray[np.generic]:
        return np.array(self._values, dtype=np.int32)

    def offsets(self) -> NDArray[np.generic]:
        return np.array(self._offsets, dtype=np.int64)
