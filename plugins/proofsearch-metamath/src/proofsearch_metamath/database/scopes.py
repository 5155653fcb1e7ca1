"""What is in force at a place of a database: active symbols, hypotheses and ``$d`` pairs (Metamath book, 4.2.8)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from operator import itemgetter
from typing import NamedTuple

from proofsearch_metamath.database.model import Assertion, Essential, Floating, Pair
from proofsearch_metamath.database.tokens import Source

_number = itemgetter(0)


@dataclass(slots=True)
class Block:
    """The place where a block began, and the lengths of the scope's lists there, which ``$}`` restores."""

    source: Source
    offset: int
    variables: int
    floats: int
    essentials: int
    pairs: int
    frozen_pairs: frozenset[Pair] | None


class Frame(NamedTuple):
    """The hypotheses and conditions of an :class:`~proofsearch_metamath.database.model.Assertion`."""

    floats: tuple[Floating, ...]
    essentials: tuple[Essential, ...]
    order: tuple[str, ...]
    disjoint: frozenset[Pair]
    scope_disjoint: frozenset[Pair]


class Scope:
    """What is in force, with the blocks that are open.

    Equal pairs and equal sets of pairs are one object: the sets of the 40,000 assertions of set.mm hold millions.

    Attributes:
        active: each active symbol, to the one string that stands for it in every expression.
        floats: the active ``$f`` of each variable, with its number among all hypotheses.
        blocks: the open blocks, the innermost last.
        all_floats, all_essentials, float_spans: what the database gets of hypotheses.
    """

    def __init__(self, assertions: Mapping[str, Assertion]) -> None:
        """Starts outside of any block.

        Args:
            assertions: what has been read so far.
        """
        self._assertions = assertions
        self.all_floats: dict[str, Floating] = {}
        self.all_essentials: dict[str, Essential] = {}
        self.float_spans: dict[str, tuple[int, int]] = {}
        self.active: dict[str, str] = {}
        self.floats: dict[str, tuple[int, Floating]] = {}
        self.blocks: list[Block] = []
        self._variables: list[str] = []
        self._floats: list[Floating] = []
        self._essentials: list[tuple[int, Essential, frozenset[str]]] = []
        self._hypotheses = 0
        self._pairs: set[Pair] = set()
        self._pair_list: list[Pair] = []
        # The active pairs as a value that assertions share; None if a $d came since it was made.
        self._frozen_pairs: frozenset[Pair] | None = frozenset()
        self._shared_pairs: dict[Pair, Pair] = {}
        self._shared_sets: dict[frozenset[Pair], frozenset[Pair]] = {}
        self._pairs_of: dict[tuple[str, ...], list[Pair]] = {}

    def begin(self, source: Source, offset: int) -> None:
        """Opens a block, whose ``${`` is at ``offset``."""
        self.blocks.append(
            Block(
                source,
                offset,
                len(self._variables),
                len(self._floats),
                len(self._essentials),
                len(self._pair_list),
                self._frozen_pairs,
            )
        )

    def end(self) -> None:
        """Closes the innermost block: what was declared in it is inactive from here on."""
        block = self.blocks.pop()
        for variable in self._variables[block.variables :]:
            del self.active[variable]
        del self._variables[block.variables :]
        spans = self.float_spans
        for floating in self._floats[block.floats :]:
            del self.floats[floating.variable]
            spans[floating.label] = (spans[floating.label][0], len(self._assertions))
        del self._floats[block.floats :]
        del self._essentials[block.essentials :]
        self._pairs.difference_update(self._pair_list[block.pairs :])
        del self._pair_list[block.pairs :]
        self._frozen_pairs = block.frozen_pairs

    def add_variable(self, variable: str) -> None:
        """Makes a variable active until the block ends."""
        self.active[variable] = variable
        self._variables.append(variable)

    def add_floating(self, floating: Floating) -> None:
        """Makes a ``$f`` active, and records it in the database."""
        self.all_floats[floating.label] = floating
        self.float_spans[floating.label] = (len(self._assertions), sys.maxsize)
        self.floats[floating.variable] = (self._hypotheses, floating)
        self._floats.append(floating)
        self._hypotheses += 1

    def add_essential(self, essential: Essential, variables: frozenset[str]) -> None:
        """Makes a ``$e`` with these variables active, and records it in the database."""
        self.all_essentials[essential.label] = essential
        self._essentials.append((self._hypotheses, essential, variables))
        self._hypotheses += 1

    def add_disjoint(self, variables: list[str]) -> None:
        """Keeps distinct active variables apart until the block ends."""
        key = tuple(variables)
        pairs = self._pairs_of.get(key)
        if pairs is None:
            share = self._shared_pairs.setdefault
            pairs = [share(pair, pair) for pair in combinations(sorted(variables), 2)]
            self._pairs_of[key] = pairs
        new = [pair for pair in pairs if pair not in self._pairs]
        if new:
            self._pairs.update(new)
            self._pair_list += new
            self._frozen_pairs = None

    def frame(self, used: frozenset[str]) -> Frame:
        """The frame of an assertion here in which the variables ``used`` occur.

        The mandatory variables are those of the assertion and of all active ``$e``; each has an active ``$f``.
        """
        mandatory = used.union(*[variables for _, _, variables in self._essentials])
        floats = sorted([self.floats[variable] for variable in mandatory], key=_number)
        order = [(number, floating.label) for number, floating in floats]
        if self._essentials:
            order += [(number, essential.label) for number, essential, _ in self._essentials]
            order.sort()
        scope_disjoint = self._frozen_pairs
        if scope_disjoint is None:
            scope_disjoint = self._frozen_pairs = self._share(frozenset(self._pairs))
        return Frame(
            tuple([floating for _, floating in floats]),
            tuple([essential for _, essential, _ in self._essentials]),
            tuple([label for _, label in order]),
            self._share(frozenset([p for p in scope_disjoint if p[0] in mandatory and p[1] in mandatory])),
            scope_disjoint,
        )

    def _share(self, pairs: frozenset[Pair]) -> frozenset[Pair]:
        return self._shared_sets.setdefault(pairs, pairs)
