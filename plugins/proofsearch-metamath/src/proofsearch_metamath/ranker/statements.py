"""What every assertion of a library says, as features: the input of the ranker's second tower."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.terms import Terms
from proofsearch_metamath.library.unification import PatternTree
from proofsearch_metamath.ranker.bags import Bags, BagWriter, Floats, Ints
from proofsearch_metamath.ranker.features import TermFeatures, symbol_hash
from proofsearch_metamath.ranker.reading import SymbolTable

MEASURES = 10
"""Columns of :attr:`Statements.measures`."""
_UNBOUNDED = 1 << 30


@dataclass(frozen=True, slots=True)
class Statements:
    """The provable assertions of a library, in its order.

    Attributes:
        conclusions: a bag for each.
        hypotheses: a bag for each ``$e`` of each.
        owners: shape ``(hypotheses,)``: whose they are.
        measures: shape ``(assertions, MEASURES)``: how many hypotheses (none, one, two, more), the conclusion's size,
            variables, whether it is an axiom and whether its conclusion is a bare variable, variables that only
            hypotheses hold, and these hypotheses' size.
    """

    conclusions: Bags
    hypotheses: Bags
    owners: Ints
    measures: Floats

    def __len__(self) -> int:
        return len(self.conclusions)


def read_statements(library: Library, symbols: SymbolTable, rows: int) -> Statements:
    """Reads every provable assertion of a library.

    Args:
        library: the prepared database.
        symbols: of the library.
        rows: how many rows the table has.
    """
    tables = library.tables
    variables = {symbol: number for number, symbol in enumerate(tables.variables)}
    hashes = [symbol_hash(symbol) for symbol in tables.variables]
    conclusions, hypotheses, owners = BagWriter(), BagWriter(), list[int]()
    measures = np.zeros((len(library.provable), MEASURES), np.float32)
    is_theorem = tables.arrays["is_theorem"]
    features = None
    for index in range(len(library.provable)):
        if index % 1000 == 0:  # what was made of some statements is of little use for others
            terms = Terms(max_size=_UNBOUNDED, max_depth=_UNBOUNDED)
            features = TermFeatures(terms, symbols.rules, hashes, symbols.typecodes, library.variable_typecodes, rows)
        assert features is not None
        pattern = library.pattern(index)
        names = [variables[floating.variable] for floating in library.frames[pattern.label].floats]
        conclusion = _embed(terms, pattern.conclusion, names, library.num_rules)
        conclusions.add(features.bag(conclusion))
        for hypothesis in pattern.hypotheses:
            hypotheses.add(features.bag(_embed(terms, hypothesis, names, library.num_rules)))
            owners.append(index)
        count = len(pattern.hypotheses)
        measures[index, min(count, 3)] = 1
        measures[index, 4] = math.log(terms.sizes[conclusion]) / 3
        measures[index, 5] = len(names) / 4
        measures[index, 6] = not is_theorem[library.provable[index]]
        measures[index, 7] = isinstance(pattern.conclusion, int)
        new = set().union(*map(_variables, pattern.hypotheses)) - _variables(pattern.conclusion)
        measures[index, 8] = len(new)
        measures[index, 9] = math.log1p(sum(map(_size, pattern.hypotheses))) / 3
    return Statements(conclusions.bags(), hypotheses.bags(), np.array(owners, np.int64), measures)


def statement_hashes(library: Library) -> list[str]:
    """For each provable assertion 16 hexadecimal digits of what it says: of its hypotheses and its conclusion."""
    found = []
    for label in library.provable_labels:
        frame = library.frames[label]
        expressions = [*(essential.expression for essential in frame.essentials), frame.expression]
        text = "\n".join(" ".join(symbols) for symbols in expressions)
        found.append(hashlib.blake2b(text.encode(), digest_size=8).hexdigest())
    return found


def _variables(tree: PatternTree) -> set[int]:
    return {tree} if isinstance(tree, int) else set().union(*map(_variables, tree[1:]))


def _size(tree: PatternTree) -> int:
    return 1 if isinstance(tree, int) else 1 + sum(map(_size, tree[1:]))


def _embed(terms: Terms, tree: PatternTree, names: list[int], num_rules: int) -> int:
    if isinstance(tree, int):
        return terms.app(num_rules + names[tree])
    return terms.app(tree[0], tuple([_embed(terms, child, names, num_rules) for child in tree[1:]]))
