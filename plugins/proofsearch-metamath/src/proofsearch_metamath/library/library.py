"""A prepared database: flat arrays that load at once, objects made only where the search touches them.

:mod:`proofsearch_metamath.library.prepare` makes the arrays from a database; this module reads them. Set.mm has forty
thousand assertions of which a search meets a few hundred, so everything here is decoded on first use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.compiled import native
from proofsearch_metamath.database.model import Database
from proofsearch_metamath.library.tables import Essentials, Frames, Tables
from proofsearch_metamath.library.terms import PATH_BASE, Terms, place_of
from proofsearch_metamath.library.unification import Pattern, PatternTree

Ints = NDArray[np.int32]

MAX_PATH_DEPTH = 3
"""How deep the index of conclusions looks."""


class Library:
    """What the environment knows of a database."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.frames = Frames(tables)
        self.typecodes = list(tables.typecodes)
        self.rules = list(tables.rules)
        self.num_rules = len(self.rules)
        self.provable: Ints = tables.arrays["provable"].astype(np.int32)
        self.patterns: dict[int, Pattern] = {}  # those that were read
        self._bits: dict[int, int] = {}
        self._sets: dict[int, bytes] = {}
        self.compiled = native()

    # -- names ---------------------------------------------------------------------------------------------------

    @cached_property
    def provable_labels(self) -> list[str]:
        """The labels of the provable assertions, in order."""
        labels = self.tables.labels
        return [labels[position] for position in self.provable.tolist()]

    @cached_property
    def label_array(self) -> NDArray[np.object_]:
        """:attr:`provable_labels` as an array, to take many at once."""
        return np.array(self.provable_labels, dtype=object)

    @cached_property
    def provable_index(self) -> dict[str, int]:
        """The place of each provable assertion among the provable ones, by its label."""
        return {label: index for index, label in enumerate(self.provable_labels)}

    @cached_property
    def variable_floats(self) -> list[int]:
        """The number of each variable's first ``$f``."""
        symbols = self.tables.symbols
        first: dict[str, int] = {}
        for number, (_, variable) in enumerate(self.tables.arrays["float_symbols"].tolist()):
            first.setdefault(symbols[variable], number)
        return [first[variable] for variable in self.tables.variables]

    @cached_property
    def variable_typecodes(self) -> list[int]:
        """The typecode of each variable, as an index."""
        index = {typecode: number for number, typecode in enumerate(self.typecodes)}
        symbols = self.tables.symbols
        floats = self.tables.arrays["float_symbols"]
        return [index[symbols[int(floats[number][0])]] for number in self.variable_floats]

    @cached_property
    def closed_terms(self) -> dict[int, tuple[int, PatternTree]]:
        """The first term without variables of each typecode: from which position on there is one, and the term.

        Set.mm has ``T.`` for ``wff``, the universal class for ``class`` and none for ``setvar``.
        """
        typecode_index = {typecode: number for number, typecode in enumerate(self.typecodes)}
        found: dict[int, tuple[int, PatternTree]] = {}
        makeable = {rule.typecode for rule in self.rules}
        while True:
            best: tuple[int, int, PatternTree] | None = None
            for number, rule in enumerate(self.rules):  # in the order of their positions
                if best is not None and rule.position > best[0]:
                    break
                if rule.typecode in found:
                    continue
                floats = self.frames[rule.label].floats if rule.order else ()
                children = [found.get(typecode_index[floating.typecode]) for floating in floats]
                if all(children):
                    parts = [child for child in children if child is not None]
                    position = max([rule.position, *[part[0] for part in parts]])
                    if best is None or position < best[0]:
                        best = (position, rule.typecode, (number, *[part[1] for part in parts]))
            if best is None:
                return found
            found[best[1]] = (best[0], best[2])
            if len(found) == len(makeable):
                return found

    def variable_only(self, position: int) -> frozenset[int]:
        """The typecodes of which every term holds a variable, as far as the syntax before a position goes."""
        closed = self.closed_terms
        return frozenset(
            number for number in range(len(self.typecodes)) if number not in closed or closed[number][0] >= position
        )

    # -- assertions ----------------------------------------------------------------------------------------------

    def pattern(self, index: int) -> Pattern:
        """The provable assertion of that number, as unification needs it."""
        made = self.patterns.get(index)
        if made is None:
            made = self._make_pattern(index)
            self.patterns[index] = made
        return made

    def trees(self, index: int) -> list[list[int]]:
        """The flat trees of a provable assertion: its conclusion, then its hypotheses; leaf −1−i is its i-th float."""
        arrays = self.tables.arrays
        first, last = arrays["statements_at"][index : index + 2].tolist()
        offsets = arrays["trees_at"][first : last + 1].tolist()
        flat = arrays["trees"]
        return [flat[start:end].tolist() for start, end in pairwise(offsets)]

    @cached_property
    def _typecode_of(self) -> dict[int, int]:
        """The index of each typecode, by the number of its symbol."""
        index = {typecode: number for number, typecode in enumerate(self.typecodes)}
        return {number: index[symbol] for number, symbol in enumerate(self.tables.symbols) if symbol in index}

    def _make_pattern(self, index: int) -> Pattern:
        # Of the arrays, not of the frame: a search makes thousands, and wants no more of them than this.
        tables, arrays = self.tables, self.tables.arrays
        position = int(self.provable[index])
        start, end = arrays["hypotheses_at"][position : position + 2].tolist()
        floats = [number for number in arrays["hypotheses"][start:end].tolist() if number >= 0]
        symbols = arrays["float_symbols"][floats].tolist()
        place = {variable: number for number, (_, variable) in enumerate(symbols)}
        conclusion, *hypotheses = [self.nested(tree) for tree in self.trees(index)]
        typecodes = tuple([self._typecode_of[typecode] for typecode, _ in symbols])
        start, end = arrays["disjoint_at"][position : position + 2].tolist()
        apart = arrays["disjoint"][start:end].tolist()
        disjoint = tuple(
            sorted([(place[one], place[other]) for one, other in zip(apart[::2], apart[1::2], strict=True)])
        )
        compiled = self.compiled
        return Pattern(
            index=index,
            label=tables.labels[position],
            typecodes=typecodes,
            conclusion=conclusion,
            hypotheses=tuple(hypotheses),
            disjoint=disjoint,
            compiled=compiled and compiled.Pattern(typecodes, conclusion, tuple(hypotheses), disjoint),
        )

    def nested(self, tree: Sequence[int]) -> PatternTree:
        """A flat tree as nested tuples."""
        stack: list[PatternTree] = []
        rules = self.rules
        for entry in reversed(tree):
            if entry < 0:
                stack.append(-1 - entry)
            else:
                count = len(rules[entry].order)
                children = stack[-count:][::-1] if count else []
                del stack[len(stack) - count :]
                stack.append((entry, *children))
        return stack[0]

    # -- the index of conclusions --------------------------------------------------------------------------------

    def conclusions_with(self, path: int, op: int) -> int:
        """A bit set of the provable assertions whose conclusion may have ``op`` at a path.

        It has, or a variable is there or above. ``op`` −1 asks for the variables alone. Paths: the root is 0, see
        :func:`~proofsearch_metamath.library.terms.child_path`.
        """
        return self.conclusions_at([place_of(path, op)], -1)

    def conclusions_at(self, places: Iterable[int], within: int) -> int:
        """A bit set of those provable assertions of ``within`` whose conclusion may have all of that.

        Args:
            places: paths and operators, see :func:`~proofsearch_metamath.library.terms.place_of`.
            within: a bit set; −1 for all.
        """
        known = self._bits
        for place in places:
            bits = known.get(place)
            if bits is None:
                bits = known[place] = self._find(place)
            within &= bits
            if not within:
                break
        return within

    def matching(self, terms: Terms, term: int, within: bytes) -> NDArray[np.int64]:
        """The provable assertions whose conclusion may unify with a term (a superset), in order, shape ``(n,)``.

        Args:
            terms: the store.
            term: of that store.
            within: those that are asked about, :meth:`packed`.
        """
        if self.compiled is None or not isinstance(terms, self.compiled.Terms):
            places = terms.places(term, self.num_rules, MAX_PATH_DEPTH)
            return self.array_of(self.conclusions_at(places, int.from_bytes(within, "little")))
        shape = self.num_rules, MAX_PATH_DEPTH
        return np.frombuffer(self.compiled.matching(terms, term, *shape, within, self._sets, self._pack), np.int64)

    def _pack(self, place: int) -> None:
        self._sets[place] = self.packed(self._find(place))

    def packed(self, bits: int) -> bytes:
        """A bit set as bytes, the lowest bits first."""
        return bits.to_bytes((len(self.provable) + 7) // 8, "little")

    def _find(self, place: int) -> int:
        path, op = place >> 32, (place & 0xFFFFFFFF) - 1
        bits = self._postings(place)
        if op >= 0:
            bits |= self.conclusions_with(path, -1)
        elif path:
            bits |= self.conclusions_with((path - 1) // PATH_BASE, -1)
        return bits

    def _postings(self, wanted: int) -> int:
        arrays = self.tables.arrays
        keys = arrays["index_keys"]
        row = int(np.searchsorted(keys, wanted))
        if row == len(keys) or int(keys[row]) != wanted:
            return 0
        start, end = arrays["index_at"][row : row + 2].tolist()
        return self.bits_of(arrays["index"][start:end])

    def bits_of(self, members: NDArray[np.generic]) -> int:
        """A set of provable assertions as an integer: bit i is the i-th."""
        flags = np.zeros(len(self.provable), dtype=np.uint8)
        flags[members] = 1
        return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")

    def array_of(self, bits: int) -> NDArray[np.int64]:
        """The provable assertions of a bit set, in order, shape ``(n,)``."""
        raw = np.frombuffer(self.packed(bits), dtype=np.uint8)
        # Most bytes are zero, and to look for those that aren't is an eighth of the work.
        some = raw.nonzero()[0]
        rows, columns = np.unpackbits(raw[some, None], axis=1, bitorder="little").nonzero()
        return some[rows] * 8 + columns

    @cached_property
    def without_hypotheses(self) -> int:
        """The provable assertions that have no ``$e`` hypotheses, as a bit set."""
        counts = np.diff(self.tables.arrays["statements_at"].astype(np.int64))
        return self.bits_of(np.flatnonzero(counts == 1))

    @cached_property
    def citable(self) -> int:
        """The provable assertions that may be relied on, as a bit set: axioms, and theorems that are proved."""
        return self.bits_of(np.flatnonzero(self.tables.arrays["sound"][self.provable]))

    @cached_property
    def provable_positions(self) -> frozenset[int]:
        """The positions of the provable assertions among all assertions."""
        return frozenset(self.provable.tolist())

    def cited_by(self, position: int) -> list[int]:
        """The positions of the theorems, and of the provable axioms, that a theorem's stored proof cites, ascending."""
        arrays = self.tables.arrays
        start, end = arrays["cited_at"][position : position + 2].tolist()
        row: list[int] = arrays["cited"][start:end].tolist()
        return row

    def before(self, position: int) -> int:
        """How many provable assertions stand before a position."""
        return int(np.searchsorted(self.provable, position))

    # -- for the verifier ----------------------------------------------------------------------------------------

    @cached_property
    def database(self) -> Database:
        """The frames as a database, for the verifier; the assertions' stored proofs and comments are left out."""
        tables = self.tables
        frames = self.frames
        floats = {label: frames.floating(number) for number, label in enumerate(tables.float_labels)}
        spans = {
            label: (first, last)
            for label, (first, last) in zip(tables.float_labels, tables.arrays["float_spans"].tolist(), strict=True)
        }
        return Database(
            files=list(tables.sources),
            constants=set(),
            variables=set(tables.variables),
            floats=floats,
            essentials=Essentials(frames, tables.essential_labels),
            assertions=frames,
            sha256=tables.sha256,
            float_spans=spans,
        )
