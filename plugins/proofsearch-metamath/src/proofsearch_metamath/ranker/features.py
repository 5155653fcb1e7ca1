"""Hashed features of terms: what the ranker's towers read of goals, hypotheses and assertions.

A feature is a row of the ranker's table, chosen by a hash; the kinds are

- *symbol*: a node's syntax axiom; of a variable or metavariable its typecode, and of a variable also its name, which
  in databases such as set.mm says what it stands for;
- *edge* and *walk*: two and three symbols down, with positions;
- *shape*: a node with its children, and with its grandchildren;
- *path*: the symbols and positions from the root, for the first four levels;
- *equal*: two places near the root that hold the same subterm.

Hashes are made of labels, symbols and positions alone, so that weights mean the same for every version of a database.
Raise :data:`FEATURES_VERSION` whenever a row or a weight changes: weights are bound to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.compiled import native
from proofsearch_metamath.library.terms import Terms

FEATURES_VERSION = 1

_MASK = 2**64 - 1
_LEVELS = 3
"""Depth to which *path* and *equal* features reach; the root has depth 0."""
_MULTIPLIER = 0x9E3779B97F4A7C15
_FINISH = 0xBF58476D1CE4E5B9
_SYMBOL, _NAME, _EDGE, _WALK, _SHAPE, _TALL, _PATH, _EQUAL = (
    (number * 0xD1B54A32D192ED03) & _MASK | 1 for number in range(1, 9)
)


def symbol_hash(symbol: str) -> int:
    """64 bits of a symbol, the same everywhere."""
    return int.from_bytes(hashlib.blake2b(symbol.encode(), digest_size=8).digest(), "little")


class TermFeatures:
    """The features of the terms of one store; what is found of a subterm is kept for the terms that hold it.

    Args:
        terms: the store.
        rules: the hash of each syntax axiom's label.
        variables: the hash of each variable's name; the operator of the i-th follows the syntax axioms.
        typecodes: for each typecode the hash of a variable and of a metavariable of it.
        typecode_of: the typecode of each variable.
        rows: how many rows the table has, a power of two.

    Attributes:
        compiled: what does it, if anything is compiled.
    """

    def __init__(
        self,
        terms: Terms,
        rules: Sequence[int],
        variables: Sequence[int],
        typecodes: Sequence[tuple[int, int]],
        typecode_of: Sequence[int],
        rows: int,
    ) -> None:
        self._terms = terms
        self._rules = rules
        self._num_rules = len(rules)
        self._variables = variables
        self._typecodes = typecodes
        self._typecode_of = typecode_of
        self._shift = 64 - (rows.bit_length() - 1)
        self._symbols: dict[int, int] = {}
        self._shapes: dict[int, int] = {}
        self._bags: dict[int, list[int]] = {}
        compiled = native()
        self.compiled: Any = None
        if compiled is not None and isinstance(terms, compiled.Terms):
            self.compiled = compiled.Features(
                terms=terms,
                rules=list(rules),
                variables=list(variables),
                variable_sorts=[typecodes[typecode][0] for typecode in typecode_of],
                meta_sorts=[of_metas for _, of_metas in typecodes],
                rows=rows,
            )

    def bag(self, term: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The rows of a term's features and their weights, whose squares add up to 1.

        A row that c features fall into weighs in proportion to 1 + log c.
        """
        if self.compiled is not None:
            rows, counts = [np.frombuffer(numbers, np.int64) for numbers in self.compiled.counts(term)]
        else:
            found = self._below(term) + self._near_root(term)
            rows, counts = np.unique(np.array(found, np.uint64) >> np.uint64(self._shift), return_counts=True)
        weights = 1.0 + np.log(counts)
        weights /= np.sqrt((weights * weights).sum())
        return rows.astype(np.int64, copy=False), weights.astype(np.float32)

    def symbol(self, term: int) -> int:
        """The hash of a term's outermost symbol; of a variable or metavariable, of its sort and typecode."""
        found = self._symbols.get(term)
        if found is None:
            op = self._terms.ops[term]
            if op < 0:
                found = self._typecodes[-1 - op][1]
            elif op < self._num_rules:
                found = self._rules[op]
            else:
                found = self._typecodes[self._typecode_of[op - self._num_rules]][0]
            self._symbols[term] = found
        return found

    def _shape(self, term: int) -> int:
        """A node with its children."""
        found = self._shapes.get(term)
        if found is None:
            found = self.symbol(term)
            for child in self._terms.args[term]:
                found = (found * _MULTIPLIER + self.symbol(child)) & _MASK
            self._shapes[term] = found
        return found

    def _below(self, term: int) -> list[int]:
        """The features of a term that don't depend on where it stands, repeated as often as they occur."""
        bag = self._bags.get(term)
        if bag is None:
            symbol, symbol_of = self.symbol(term), self.symbol
            bag = [scramble(symbol + _SYMBOL)]
            args = self._terms.args[term]
            if args:
                tall = symbol * _MULTIPLIER
                deep = False
                for place, child in enumerate(args, 1):
                    below = symbol_of(child) + place * _FINISH
                    bag.append(scramble(symbol * _EDGE + below))
                    tall = tall * _MULTIPLIER + self._shape(child)
                    for step, grandchild in enumerate(self._terms.args[child], 1):
                        deep = True
                        bag.append(scramble((symbol * _EDGE + below) * _WALK + symbol_of(grandchild) + step * _FINISH))
                bag.append(scramble(self._shape(term) + _SHAPE))
                if deep:
                    bag.append(scramble(tall + _TALL))
                for child in args:
                    bag += self._below(child)
            elif self._terms.ops[term] >= self._num_rules:
                bag.append(scramble(self._variables[self._terms.ops[term] - self._num_rules] + _NAME))
            self._bags[term] = bag
        return bag

    def _near_root(self, term: int) -> list[int]:
        """The features that depend on the place from the root."""
        all_args, symbol_of = self._terms.args, self.symbol
        found = []
        first: dict[int, int] = {}
        level = [(term, symbol_of(term), 1)]
        for depth in range(_LEVELS + 1):
            following = []
            for node, path, place in level:
                found.append(scramble(path + _PATH))
                other = first.setdefault(node, place)
                if other != place:
                    found.append(scramble((other * _MULTIPLIER + place) * _EQUAL))
                if depth < _LEVELS:
                    for number, child in enumerate(all_args[node], 1):
                        below = (path * _MULTIPLIER + symbol_of(child) + number * _FINISH) & _MASK
                        following.append((child, below, (place * 31 + number) & _MASK))
            level = following
        return found


def scramble(value: int) -> int:
    """Spreads what low bits say over the upper ones (the finaliser of splitmix64, shortened)."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * _FINISH) & _MASK
    return ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
