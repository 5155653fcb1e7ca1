"""What the ranker sees of a state: its first goal, what surrounds it, and how they hang together.

A *part* is a term with a role: the first goal, another goal that shares a metavariable with it, one that doesn't, a
hypothesis of the theorem, its conclusion. Beside the parts stand features of the state as a whole: how many goals and
metavariables there are, and at which places of which symbols the first goal's metavariables stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.library.library import Library
from proofsearch_metamath.ranker.features import TermFeatures, scramble, symbol_hash
from proofsearch_metamath.search.session import MetamathSession
from proofsearch_metamath.search.state import MetamathState

_GOALS, _METAS, _SHARED, _SIZE, _LINK = (symbol_hash(name) for name in ("goals", "metas", "shared", "size", "link"))
_MOST_LINKS = 12
CONTEXT_ROWS = 1 << 12
"""Rows of the table of features of a state as a whole."""
_CONTEXT_SHIFT = np.uint64(64 - 12)


class Role(IntEnum):
    """What a term is to a state."""

    FIRST = 0
    SHARING = 1
    OTHER = 2
    HYPOTHESIS = 3
    TARGET = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """A state as the ranker sees it.

    Attributes:
        goals: the goals with their roles; the first one comes first.
        fixed: the theorem's hypotheses and conclusion, with their roles.
        rows: of the table of such features, for the state as a whole.
        candidates: the provable assertions that may apply to the first goal, by number, shape ``(n,)``.
        usable: the numbers of the theorem's hypotheses that unify with it, in the order of ``hyp 1``, ``hyp 2``, …
        earlier: how many provable assertions stand before the theorem.
    """

    goals: Sequence[tuple[Role, int]]
    fixed: Sequence[tuple[Role, int]]
    rows: NDArray[np.int64]
    candidates: NDArray[np.int64]
    usable: list[int]
    earlier: int

    @property
    def parts(self) -> list[tuple[Role, int]]:
        """All terms with their roles; the first one is the first goal."""
        return [*self.goals, *self.fixed]

    @property
    def hypotheses(self) -> list[int]:
        """The usable hypotheses as terms."""
        return [self.fixed[number][1] for number in self.usable]


class SymbolTable:
    """The hashes of a library's symbols, each computed once."""

    def __init__(self, library: Library) -> None:
        self.rules = [symbol_hash(rule.label) for rule in library.rules]
        self.typecodes = [
            (symbol_hash(f"variable {typecode}"), symbol_hash(f"metavariable {typecode}"))
            for typecode in library.typecodes
        ]


class SessionReader:
    """Reads the states of one session.

    Args:
        session: whose states.
        library: the prepared database.
        symbols: of the library.
        rows: how many rows the table has.

    Attributes:
        features: of the session's terms.
        fixed: the parts that are the same in all states.
        earlier: how many provable assertions stand before the theorem.
    """

    def __init__(self, session: MetamathSession, library: Library, symbols: SymbolTable, rows: int) -> None:
        target = session.target
        self._terms = session.terms
        self._choices = session.choices
        self.features = TermFeatures(
            session.terms,
            symbols.rules,
            [symbol_hash(name) for name in target.variables],
            symbols.typecodes,
            target.typecodes,
            rows,
        )
        self.earlier = target.earlier
        self.fixed = [*((Role.HYPOTHESIS, term) for term in session.hypotheses), (Role.TARGET, session.root)]
        self._edges: dict[int, dict[int, int]] = {}
        self._rows: dict[tuple[int, ...], NDArray[np.int64]] = {}
        self._rows_alone: dict[tuple[int, int], NDArray[np.int64]] = {}

    def read(self, state: MetamathState) -> Reading:
        """What there is to see of a state."""
        goal, metas = state.open[state.focus]
        own = {meta: number for number, meta in enumerate(metas)}
        parts = [(Role.FIRST, goal)]
        links: list[int] = []
        shared: set[int] = set()
        for number, (other, others) in enumerate(state.open):
            if number == state.focus:
                continue
            common = [meta for meta in others if meta in own]
            parts.append((Role.SHARING if common else Role.OTHER, other))
            shared.update(common)
            if common and len(links) < _MOST_LINKS:
                here, there = self._edges_of(goal), self._edges_of(other)
                root = self.features.symbol(other)
                for meta in common:
                    links.append(here[own[meta]] * 3 + there[others.index(meta)] * 5 + root * 7 + _LINK)
        rows = self._rows_of(len(state.open), len(metas), len(shared), self._size(goal), links)
        candidates, usable = self._choices.candidates(goal), self._choices.usable_hypotheses(goal)
        return Reading(parts, self.fixed, rows, candidates, usable, self.earlier)

    def rows_alone(self, goal: int) -> NDArray[np.int64]:
        """The rows of a state whose only goal is this term, a skeleton."""
        kind = len(self._terms.metas[goal]), self._size(goal)
        rows = self._rows_alone.get(kind)
        if rows is None:
            rows = self._rows_alone[kind] = self._rows_of(1, kind[0], 0, kind[1], [])
        return rows

    def _size(self, goal: int) -> int:
        return int(self._terms.sizes[goal]).bit_length()

    def _rows_of(
        self, num_goals: int, num_metas: int, num_shared: int, size: int, links: list[int]
    ) -> NDArray[np.int64]:
        kind = (
            _GOALS + min(num_goals, 8),
            _METAS + min(num_metas, 8),
            _SHARED + min(num_shared, 8),
            _SIZE + min(size, 8),
            *links,
        )
        rows = self._rows.get(kind)
        if rows is None:
            scrambled = np.array([scramble(value) for value in kind], np.uint64)
            rows = self._rows[kind] = (scrambled >> _CONTEXT_SHIFT).astype(np.int64)
        return rows

    def _edges_of(self, skeleton: int) -> dict[int, int]:
        """For each metavariable of a skeleton, by number, the symbol and the place above its first occurrence."""
        found = self._edges.get(skeleton)
        if found is None:
            terms, found = self._terms, {}
            if terms.ops[skeleton] < 0:
                found[terms.meta_number(skeleton)] = 1
            stack = [skeleton]
            while stack:
                term = stack.pop()
                for place, child in enumerate(terms.args[term], 1):
                    if terms.ops[child] < 0:
                        found.setdefault(terms.meta_number(child), self.features.symbol(term) + place)
                    elif terms.metas[child]:
                        stack.append(child)
            self._edges[skeleton] = found
        return found
