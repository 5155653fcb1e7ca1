"""From a database to a library's arrays: parse every statement, index the conclusions, verify every proof.

See :mod:`proofsearch_metamath.library.cache` for how they are kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.database.files import read_bytes
from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.database.places import Places
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.library.cache import load, store
from proofsearch_metamath.library.library import MAX_PATH_DEPTH, Library
from proofsearch_metamath.library.tables import Syntax, Tables
from proofsearch_metamath.library.terms import MAX_DEPTH, child_path, place_of
from proofsearch_metamath.proofs.compressed import decode, is_compressed, split_compressed
from proofsearch_metamath.proofs.faults import UnplacedError
from proofsearch_metamath.proofs.soundness import examine
from proofsearch_metamath.syntax.grammar import PROVABLE
from proofsearch_metamath.syntax.trees import Grammar, GrammarError, ParseError

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)``."""


def _silent(what: str, done: int, total: int) -> None:
    """The default progress: none."""


def prepare(path: Path, cache: Path, progress: Progress = _silent) -> Library:
    """The library of a database file: from the cache where it is there and current, made and stored otherwise.

    Args:
        path: the ``.mm`` file.
        cache: the folder that holds prepared libraries.
        progress: told how far it is.

    Raises:
        MetamathError: the database can't be read or its expressions can't be parsed; the message says where.
        OSError: the cache can't be written.
    """
    path = path.resolve()
    name = f"{path.stem}-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    folder = cache / name
    library = load(folder)
    if library is None:
        tables = build(read_database(path, progress=lambda done, total: progress("reading", done, total)), progress)
        store(tables, folder)
        library = load(folder) or Library(tables)
    return library


def build(database: Database, progress: Progress = _silent) -> Tables:
    """Parses every provable statement, verifies every proof and lays everything out in arrays.

    Raises:
        GrammarError, ParseError: its expressions can't be parsed, or are nested too deep to be searched.
    """
    grammar = Grammar.from_database(database)
    typecodes = list(dict.fromkeys([*grammar.typecodes, *(rule.typecode for rule in grammar.rules)]))
    typecode_index = {typecode: number for number, typecode in enumerate(typecodes)}
    rules = []
    for rule in grammar.rules:
        gaps: list[list[str]] = [[]]
        order = []
        for symbol, slot in zip(rule.body, rule.slots, strict=True):
            if slot < 0:
                gaps[-1].append(symbol)
            else:
                order.append(slot)
                gaps.append([])
        rules.append(
            Syntax(
                rule.label,
                tuple(" ".join(gap) for gap in gaps),
                tuple(order),
                typecode_index[rule.typecode],
                rule.position,
            )
        )
    symbol_number: dict[str, int] = {}

    def number_of(symbol: str) -> int:
        return symbol_number.setdefault(symbol, len(symbol_number))

    float_labels = list(database.floats)
    essential_labels = list(database.essentials)
    float_number = {label: number for number, label in enumerate(float_labels)}
    essential_number = {label: number for number, label in enumerate(essential_labels)}
    ragged: dict[str, _Ragged] = {
        name: _Ragged()
        for name in ("essential_symbols", "assertion_symbols", "hypotheses", "disjoint", "trees", "statements", "cited")
    }
    for essential in database.essentials.values():
        ragged["essential_symbols"].row([number_of(symbol) for symbol in essential.expression])
    provable: list[int] = []
    postings: dict[int, list[int]] = {}
    places, is_theorem, steps = [], [], []
    total = len(database.assertions)
    for assertion in database.assertions.values():
        if assertion.position % 500 == 0:
            progress("parsing", assertion.position, total)
        ragged["assertion_symbols"].row([number_of(symbol) for symbol in assertion.expression])
        ragged["hypotheses"].row(
            [
                float_number[label] if label in float_number else -1 - essential_number[label]
                for label in assertion.order
            ]
        )
        ragged["disjoint"].row([number_of(variable) for pair in sorted(assertion.disjoint) for variable in pair])
        places.append((assertion.start, assertion.end, assertion.file))
        is_theorem.append(assertion.kind == "p")
        cited, applied = _citations(assertion, database)
        ragged["cited"].row(cited)
        steps.append(applied)
        if assertion.typecode == PROVABLE:
            try:
                _add_statement(assertion, grammar, len(provable), ragged["trees"], ragged["statements"], postings)
            except (GrammarError, ParseError) as error:
                error.file, error.line, error.column = Places(database).of(assertion)
                raise
            provable.append(assertion.position)
    progress("parsing", total, total)
    keys = sorted(postings)
    index = _Ragged()
    for key in keys:
        index.row(postings[key])
    soundness = examine(database, lambda done, total: progress("verifying", done, total))
    limit = np.iinfo(np.int64).max
    arrays: dict[str, NDArray[np.generic]] = {
        "float_symbols": np.array(
            [(number_of(f.typecode), number_of(f.variable)) for f in database.floats.values()], dtype=np.int32
        ).reshape(-1, 2),
        "float_spans": np.array(
            [[min(bound, limit) for bound in database.float_spans[label]] for label in float_labels], dtype=np.int64
        ).reshape(-1, 2),
        "places": np.array(places, dtype=np.int64).reshape(-1, 3),
        "lines": _lines(database, places),
        "is_theorem": np.array(is_theorem, dtype=np.bool_),
        "proof_steps": np.array(steps, dtype=np.int32),
        "provable": np.array(provable, dtype=np.int32),
        "sound": np.array(soundness.sound, dtype=np.bool_),
        "index_keys": np.array(keys, dtype=np.int64),
        "index": index.values(),
        "index_at": index.offsets(),
    }
    for name in ("essential_symbols", "assertion_symbols", "hypotheses", "disjoint", "trees", "cited"):
        arrays[name] = ragged[name].values()
        arrays[f"{name}_at"] = ragged[name].offsets()
    arrays["statements_at"] = ragged["statements"].offsets()
    return Tables(
        symbols=list(symbol_number),
        typecodes=typecodes,
        labels=list(database.assertions),
        float_labels=float_labels,
        essential_labels=essential_labels,
        rules=rules,
        variables=list(grammar.variables),
        sources=[file.resolve() for file in database.files],
        arrays=arrays,
        flaws=soundness.flaws,
        sha256=database.sha256,
    )


def _add_statement(
    assertion: Assertion,
    grammar: Grammar,
    index: int,
    trees: _Ragged,
    statements: _Ragged,
    postings: dict[int, list[int]],
) -> None:
    """Parses an assertion and its hypotheses; indexes the conclusion."""
    local = {grammar.leaf(floating.variable): -1 - number for number, floating in enumerate(assertion.floats)}
    expressions = [assertion.expression, *(essential.expression for essential in assertion.essentials)]
    for number, expression in enumerate(expressions):
        label = assertion.label if number == 0 else assertion.essentials[number - 1].label
        tree = grammar.parse_expression(expression, label=label)
        if len(tree) > MAX_DEPTH and (depth := _depth(tree, grammar.arities)) > MAX_DEPTH:
            raise GrammarError(f"{label} is nested {depth} deep; a search takes expressions at most {MAX_DEPTH} deep")
        trees.row([entry if entry >= 0 else local[entry] for entry in tree])
        if number == 0:
            for key in _index_keys(tree, grammar.arities):
                postings.setdefault(key, []).append(index)
    statements.row([0] * len(expressions))


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
