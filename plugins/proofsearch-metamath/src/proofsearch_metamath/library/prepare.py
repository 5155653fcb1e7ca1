"""From a database to a library's arrays: parse every statement, index the conclusions, verify every proof.

See :mod:`proofsearch_metamath.library.cache` for how they are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from proofsearch_metamath.database.model import Database
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.library.cache import load, store
from proofsearch_metamath.library.layout import Layout
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.tables import Syntax, Tables
from proofsearch_metamath.proofs.soundness import examine
from proofsearch_metamath.syntax.grammar import Rule
from proofsearch_metamath.syntax.trees import Grammar

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)``."""


def _no_status(what: str, done: int, total: int) -> None:
    """The default progress: none."""


def prepare(path: Path, cache: Path, progress: Progress = _no_status) -> Library:
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


def build(database: Database, progress: Progress = _no_status) -> Tables:
    """Parses every provable statement, verifies every proof and lays everything out in arrays.

    Raises:
        GrammarError, ParseError: its expressions can't be parsed, or are nested too deep to be searched.
    """
    grammar = Grammar.from_database(database)
    typecodes = list(dict.fromkeys([*grammar.typecodes, *(rule.typecode for rule in grammar.rules)]))
    layout = Layout(database, grammar)
    total = len(database.assertions)
    for assertion in database.assertions.values():
        if assertion.position % 500 == 0:
            progress("parsing", assertion.position, total)
        layout.add(assertion)
    progress("parsing", total, total)
    soundness = examine(database, lambda done, total: progress("verifying", done, total))
    return Tables(
        arrays=layout.arrays() | {"sound": np.array(soundness.sound, dtype=np.bool_)},
        symbols=layout.symbols(),
        typecodes=typecodes,
        labels=list(database.assertions),
        float_labels=list(database.floats),
        essential_labels=list(database.essentials),
        rules=[_syntax(rule, typecodes.index(rule.typecode)) for rule in grammar.rules],
        variables=list(grammar.variables),
        sources=[file.resolve() for file in database.files],
        flaws=soundness.flaws,
        sha256=database.sha256,
    )


def _syntax(rule: Rule, typecode: int) -> Syntax:
    """How a rule's trees are written: the symbols around the children, and the children's order."""
    gaps: list[list[str]] = [[]]
    order = []
    for symbol, slot in zip(rule.body, rule.slots, strict=True):
        if slot < 0:
            gaps[-1].append(symbol)
        else:
            order.append(slot)
            gaps.append([])
    return Syntax(rule.label, tuple(" ".join(gap) for gap in gaps), tuple(order), typecode, rule.position)
