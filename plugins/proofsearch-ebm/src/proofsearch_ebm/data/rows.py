"""The rows of a whole dataset: each part encoded once, however many states of however many theorems hold it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.models.embedding_cache import KEY_BYTES, text_key
from proofsearch.protocols import GenerationRequest
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.schema import tree_from_text
from proofsearch.types import Goal, State
from proofsearch_ebm.config import RowType
from proofsearch_ebm.data.joined import WholeState
from proofsearch_ebm.data.parts import PartEncoder, Reading, beside_theorem
from proofsearch_ebm.data.row_file import RowFile, Rows

_CHUNK = 8192
"""Parts encoded at a time."""


@dataclass(frozen=True, slots=True)
class SearchParts:
    """The parts of some states of a search, not yet encoded.

    Attributes:
        keys: of the distinct parts, as :func:`~proofsearch.models.embedding_cache.text_key` makes them, in the order
            of their first use.
        index: the parts of the states, one state after the other, by place in ``keys``; shape ``(M,)``.
        offsets: where each state's parts begin in ``index``, shape ``(states + 1,)``.
        make: the part at a place in ``keys``, as an encoder takes it.
    """

    keys: list[bytes]
    index: NDArray[np.int64]
    offsets: NDArray[np.int64]
    make: Callable[[int], State]


def _check_counts(counts: NDArray[np.int64], taken: pa.Table, nodes: NDArray[np.int64]) -> None:
    """Refuses nodes that have another number of goals than their column says."""
    said = taken.column("num_goals").to_numpy()
    if not np.array_equal(counts, said):
        wrong = int(np.flatnonzero(counts != said)[0])
        raise InputError(
            f"search {taken.column('search_id')[wrong].as_py()}: damaged: node {int(nodes[wrong])} has "
            f"{int(counts[wrong])} goals, its column num_goals says {int(said[wrong])}"
        )


def parts_of_nodes(
    search: RecordedSearch, nodes: NDArray[np.int64], keys: NDArray[np.uint64], reading: Reading
) -> SearchParts:
    """The parts of some nodes of a recorded search.

    Args:
        search: the search.
        nodes: which, increasing.
        keys: theirs, shape ``(len(nodes), 2)``.
        reading: how they are read.

    Raises:
        InputError: a node has another number of goals than its column says, or a tree can't be read.
    """
    statement = search.theorem.statement if reading.with_theorem else None
    taken = search.table.select(["search_id", "text", "goals", "num_goals"]).take(nodes).combine_chunks()
    goals: Any = pa.concat_arrays(
        [*taken.column("goals").chunks, pa.array([], search.table.schema.field("goals").type)]
    )
    counts = pc.list_value_length(goals).to_numpy(zero_copy_only=False).astype(np.int64)
    _check_counts(counts, taken, nodes)
    flat: Any = pc.list_flatten(goals)
    encoded: Any = flat.field("text").dictionary_encode()
    goal_of = encoded.indices.to_numpy().astype(np.int64)
    goal_texts: list[str] = encoded.dictionary.to_pylist()
    first = np.unique(goal_of, return_index=True)[1]
    trees = flat.field("tree")
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    @cache
    def goal(place: int) -> Goal:
        tree = trees[int(first[place])].as_py()
        try:
            return Goal(goal_texts[place], None if tree is None else tree_from_text(tree))
        except (ValueError, KeyError) as error:
            damage = f"damaged: the tree of goal {goal_texts[place][:200]!r} can't be read: {error}"
            raise InputError(f"search {search.search_id}: {damage}") from None

    if reading.kind == "goals":
        return SearchParts(
            [_key(text_key(text), statement) for text in goal_texts],
            goal_of,
            offsets,
            lambda place: _with_theorem(State(goal_texts[place], (goal(place),)), statement),
        )
    texts = taken.column("text")

    def state(place: int) -> State:
        own = goal_of[offsets[place] : offsets[place + 1]].tolist()
        made = _with_theorem(State(str(texts[place].as_py()), tuple(goal(number) for number in own)), statement)
        if not reading.whole:
            return made
        request = GenerationRequest(search.theorem, search.state(int(nodes[place])))
        return WholeState(made.text, made.goals, request=request)

    # Rows of whole states belong to their theorem, of which there may be several with one statement.
    known_by = f"{search.theorem.name}\n{statement}" if reading.whole else statement
    raw = np.ascontiguousarray(keys.astype("<u8")).tobytes()
    cut = [_key(raw[start : start + KEY_BYTES], known_by) for start in range(0, len(raw), KEY_BYTES)]
    return SearchParts(cut, np.arange(len(nodes)), np.arange(len(nodes) + 1), state)


def _key(key: bytes, statement: str | None) -> bytes:
    """The key of a part that is read together with a theorem: not that of the part alone."""
    if statement is None:
        return key
    return hashlib.blake2b(key + statement.encode(), digest_size=KEY_BYTES).digest()


def _with_theorem(part: State, statement: str | None) -> State:
    return part if statement is None else beside_theorem(part, statement)


@dataclass(frozen=True, slots=True)
class Memory:
    """How much of the encoded rows stays in memory.

    Attributes:
        most: bytes; more rows than that are all kept in a file.
        folder: where that file is.
    """

    most: float
    folder: Path


class RowTable:
    """Rows by the keys of parts. Parts are queued and encoded in chunks, their texts then forgotten."""

    def __init__(self, encoder: PartEncoder, row_type: RowType, memory: Memory | None = None) -> None:
        """Keeps its configuration.

        Args:
            encoder: encodes the parts.
            row_type: how rows are kept.
            memory: where they are kept; ``None``: in memory, however many.
        """
        self._encoder = encoder
        self._type = np.dtype(row_type)
        self._memory = memory
        self._row: dict[bytes, int] = {}
        self._waiting: list[State] = []
        self._chunks: list[NDArray[np.floating[Any]]] = []
        self._file: RowFile | None = None

    def __len__(self) -> int:
        return len(self._row)

    def add(self, parts: SearchParts) -> NDArray[np.int64]:
        """The rows of ``parts.keys``, shape ``(len(parts.keys),)``; new ones are encoded by and by.

        Raises:
            InputError: the encoder returned what is no vector.
            StorageError: the rows fit neither into memory nor on the disk.
        """
        rows = np.empty(len(parts.keys), np.int64)
        for place, key in enumerate(parts.keys):
            row = self._row.get(key)
            if row is None:
                row = self._row[key] = len(self._row)
                self._waiting.append(parts.make(place))
                if len(self._waiting) >= _CHUNK:
                    self._encode()
            rows[place] = row
        return rows

    def take(self, used: NDArray[np.int64]) -> Rows:
        """The rows with these numbers, increasing, shape ``(len(used), width)``. The table is empty afterwards.

        Raises:
            InputError, StorageError: as :meth:`add`.
        """
        self._encode()
        self._row = {}
        if self._file is not None:
            file, self._file = self._file, None
            file.keep(used)
            return file
        rows: NDArray[np.floating[Any]] = np.empty((len(used), self._encoder.width), self._type)
        begin = done = 0
        # Each chunk is freed once it is copied: at no time are there two copies of all rows.
        for chunk in self._drain():
            numbers = used[done : int(np.searchsorted(used, begin + len(chunk)))] - begin
            rows[done : done + len(numbers)] = chunk[numbers]
            begin += len(chunk)
            done += len(numbers)
        return rows

    def close(self) -> None:
        """Forgets the rows. Idempotent."""
        self._chunks = []
        if self._file is not None:
            self._file.close()

    def _encode(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        rows = self._encoder.encode_parts(waiting)
        with np.errstate(over="ignore"):
            stored = rows.astype(self._type, copy=False)
        if not (np.isfinite(stored).all() and stored.any(axis=1).all()):
            raise InputError(
                f"encoder {self._encoder.fingerprint()}: rows with entries up to {float(np.abs(rows).max()):.3g} do "
                f"not fit into {self._type}; keep them as float32 (--ebm-row-type)"
            )
        self._chunks.append(stored)
        self._move_to_disk()

    def _move_to_disk(self) -> None:
        """Writes what has been encoded into the file, if there is one or there has to be one now."""
        memory = self._memory
        if memory is None or (self._file is None and sum(chunk.nbytes for chunk in self._chunks) <= memory.most):
            return
        if self._file is None:
            self._file = RowFile(memory.folder, self._encoder.width, self._type)
        for chunk in self._drain():
            self._file.append(chunk)

    def _drain(self) -> Iterator[NDArray[np.floating[Any]]]:
        """The chunks, each forgotten before the next one."""
        chunks, self._chunks = self._chunks, []
        chunks.reverse()
        while chunks:
            yield chunks.pop()
