"""How states become rows for the head: whole, or goal by goal, through a frozen encoder.

With ``"goals"`` each open goal of a state is a *part* of its own, and the energy of the state is the sum over its
parts: the cost of an AND node is the sum of its children's costs (AO*, Martelli and Montanari 1973). A goal shared by
many states is then encoded once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.models.embedding_cache import check_rows
from proofsearch.protocols import Encoder
from proofsearch.types import THEOREM_LINE, ProofState, State
from proofsearch_ebm.config import PartsKind
from proofsearch_ebm.data.row_file import Rows

_SMALLEST_SLAB = 256
"""Rows that the memory of a :class:`PartEncoder` starts with; it doubles when it is full."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Some states as rows. Unpacks into ``rows, index, offsets``.

    The parts of state ``i`` are the rows ``rows[index[offsets[i]:offsets[i + 1]]]``.

    Attributes:
        rows: distinct rows, shape ``(R, width)``, float32, or float16 where a dataset keeps them so.
        index: the row of each part, the states' parts one after the other, shape ``(M,)``, int64.
        offsets: where each state's parts begin in ``index``, shape ``(states + 1,)``, int64.
    """

    rows: NDArray[np.floating[Any]]
    index: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.rows, self.index, self.offsets))


@dataclass(frozen=True, slots=True, eq=False)
class StoredParts:
    """As :class:`Parts`, of a whole dataset; its rows may be in a file.

    Attributes:
        rows: distinct rows, by number.
        index: the row of each part, the states' parts one after the other, shape ``(M,)``, int64.
        offsets: where each state's parts begin in ``index``, shape ``(states + 1,)``, int64.
    """

    rows: Rows
    index: NDArray[np.int64]
    offsets: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reading:
    """What an encoder is given of a state.

    Attributes:
        kind: what the parts of a state are.
        with_theorem: whether each is read together with its theorem's statement.
        whole: whether the encoder has to know the theorem and the state as they are, and what may be tried there
            (:class:`proofsearch.protocols.EncodesRequests`); only for whole states.
    """

    kind: PartsKind
    with_theorem: bool = False
    whole: bool = False


def parts_of(state: ProofState, kind: PartsKind, statement: str | None = None) -> Sequence[ProofState]:
    """The parts of a state, at least one. Two equal goals are two parts: each has to be proved.

    Args:
        state: an open state.
        kind: what its parts are.
        statement: the theorem's, where the encoder is to read each part together with it.

    Raises:
        InputError: the state has no open goal, so there is nothing to encode; a finished state is never scored.
    """
    if kind == "state":
        if state.num_goals < 1:
            raise InputError(_no_goals(state))
        return (state if statement is None else beside_theorem(state, statement),)
    parts = tuple(State(goal.text, (goal,)) for goal in state.goals)
    if statement is not None:
        parts = tuple(beside_theorem(part, statement) for part in parts)
    if not parts:
        raise InputError(_no_goals(state))
    return parts


def beside_theorem(part: ProofState, statement: str) -> State:
    """A part whose text ends with a line that says which theorem it is about."""
    return State(f"{part.text}\n{THEOREM_LINE}{statement}", tuple(part.goals))


def parts_fingerprint(encoder: Encoder, kind: PartsKind, *, with_theorem: bool = False) -> str:
    """Changes whenever the same state could become other rows; keys caches and checkpoints."""
    return f"{encoder.fingerprint()}/{kind}" + ("/theorem" if with_theorem else "")


class PartEncoder:
    """The bridge to a frozen encoder: states in, :class:`Parts` out, each part encoded once while it is remembered.

    Rows are remembered by the part's text, the least recently used forgotten first. So equal texts must mean equal
    goals, as :class:`~proofsearch.types.ProofState` demands of states. Not shared between threads.
    """

    def __init__(
        self,
        encoder: Encoder,
        kind: PartsKind,
        keep: int = 100_000,
        *,
        with_theorem: bool = False,
        whole: bool = False,
    ) -> None:
        """Keeps its configuration; memory grows with use.

        Args:
            encoder: the frozen encoder; not closed here.
            kind: what the parts of a state are.
            keep: rows remembered at most, each of ``4 · width`` bytes; 0 remembers none.
            with_theorem: whether the encoder reads each part together with its theorem.
            whole: whether it has to know the theorem and the state as they are.
        """
        self.reading = Reading(kind, with_theorem, whole)
        self._encoder = encoder
        self._keep = keep
        self._slot: OrderedDict[str, int] = OrderedDict()
        self._slab: NDArray[np.float32] = np.empty((0, 0), np.float32)

    @property
    def width(self) -> int:
        """The number of columns of a row."""
        return self._encoder.width

    def fingerprint(self) -> str:
        """The fingerprint of the encoder and the kind of parts; see :func:`parts_fingerprint`."""
        return parts_fingerprint(self._encoder, self.reading.kind, with_theorem=self.reading.with_theorem)

    def encode(self, states: Sequence[ProofState], statement: str | None = None) -> Parts:
        """The rows of some states; what else is in the batch does not matter.

        Args:
            states: open states.
            statement: that of their theorem, where parts are read together with it.

        Raises:
            InputError: a state without goals, or a row that is not finite or all zeros.
            ValueError: no statement, though parts are read together with one.
        """
        if self.reading.with_theorem and statement is None:
            raise ValueError("parts are read together with their theorem, but no statement is given")
        row_of: dict[str, int] = {}
        distinct: list[ProofState] = []
        index: list[int] = []
        offsets = np.zeros(len(states) + 1, np.int64)
        for place, state in enumerate(states, start=1):
            for part in parts_of(state, self.reading.kind, statement if self.reading.with_theorem else None):
                row = row_of.get(part.text)
                if row is None:
                    row = row_of[part.text] = len(distinct)
                    distinct.append(part)
                index.append(row)
            offsets[place] = len(index)
        return Parts(self._rows(distinct), np.array(index, np.int64), offsets)

    def encode_parts(self, parts: Sequence[ProofState]) -> NDArray[np.float32]:
        """The rows of parts, shape ``(len(parts), width)``, past the memory of this object.

        Raises:
            InputError: the encoder refused a part, or returned a row that is not finite or all zeros.
        """
        if not parts:
            return np.empty((0, self.width), np.float32)
        try:
            rows = np.asarray(self._encoder.encode(parts), np.float32)
        except ValueError as error:  # what an encoder raises for a state that it can't read
            raise InputError(f"encoder {self._encoder.fingerprint()}: {error}") from error
        check_rows(rows, parts, self.width, self._encoder.fingerprint())
        return rows

    def _rows(self, distinct: Sequence[ProofState]) -> NDArray[np.float32]:
        slots = np.array([self._slot.get(part.text, -1) for part in distinct], np.int64)
        new = np.flatnonzero(slots < 0)
        if len(new) == len(distinct):
            rows = self.encode_parts(distinct)
        else:
            rows = self._slab[slots]
            rows[new] = self.encode_parts([distinct[place] for place in new.tolist()])
        for part, slot in zip(distinct, slots.tolist(), strict=True):
            if slot >= 0:
                self._slot.move_to_end(part.text)
        for place in new[: self._keep].tolist():
            slot = self._free_slot(distinct[place].text)  # first: it may put a larger slab in place
            self._slab[slot] = rows[place]
        return rows

    def _free_slot(self, text: str) -> int:
        """The slot in which a new row is remembered, its text noted."""
        if len(self._slot) < self._keep:
            slot = len(self._slot)
            if slot >= len(self._slab):
                slab = np.empty((min(self._keep, max(_SMALLEST_SLAB, 2 * slot)), self.width), np.float32)
                slab[:slot] = self._slab[:slot] if slot else 0.0
                self._slab = slab
        else:
            slot = self._slot.popitem(last=False)[1]
        self._slot[text] = slot
        return slot


def _no_goals(state: ProofState) -> str:
    return f"a state without open goals can't be encoded: {state.text[:200]!r}; a finished state has no energy"
