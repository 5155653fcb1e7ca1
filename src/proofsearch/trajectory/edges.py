"""The edges of a recorded search, put back into the order in which they were tried."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.trajectory.labels import LabelledEdges
from proofsearch.types import OutcomeKind


class RecordedEdges:
    """The edges of a recorded search, as columns of shape ``(num_edges,)``, by their numbers in the search.

    Attributes:
        source: the node stepped.
        target: the node reached; -1 unless the edge advanced.
        outcome: an :class:`~proofsearch.types.OutcomeKind`.
        counts: how many edges each node has, shape ``(num_nodes,)``.
    """

    def __init__(self, table: pa.Table, first_edge: NDArray[np.int32], search_id: str) -> None:
        """Takes the rows of one search.

        Raises:
            InputError: the edges' numbers leave gaps or repeat.
        """
        column = table.column("edges")
        counts = pc.list_value_length(column).to_numpy()
        flat: Any = pa.chunked_array(pc.list_flatten(chunk) for chunk in column.chunks).combine_chunks()
        total = len(flat)
        source = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        number = first_edge[source] + within
        order = np.argsort(number, kind="stable")
        if not np.array_equal(number[order], np.arange(total)):
            raise InputError(f"search {search_id}: damaged: its edges are not numbered from 0 to {total - 1}")
        self.source: NDArray[np.int32] = source[order]
        self.target: NDArray[np.int32] = flat.field("target").fill_null(-1).to_numpy()[order]
        self.outcome: NDArray[np.int8] = flat.field("outcome").to_numpy()[order]
        self._flat, self._order = flat, order
        self._search_id = search_id
        self._first = first_edge
        self.counts: NDArray[np.int64] = counts

    def __len__(self) -> int:
        return len(self.outcome)

    @cached_property
    def logprob(self) -> NDArray[np.float64]:
        """Log-probabilities of the tactics."""
        return np.asarray(self._flat.field("logprob"))[self._order]

    @cached_property
    def num_tokens(self) -> NDArray[np.int32]:
        """Their tokens."""
        return np.asarray(self._flat.field("num_tokens"))[self._order]

    @cached_property
    def tactic(self) -> list[str]:
        """The text of each tactic."""
        texts: list[str] = self._flat.field("tactic").take(pa.array(self._order)).to_pylist()
        return texts

    @cached_property
    def message(self) -> dict[int, str]:
        """What was said about an edge, for those of which something was."""
        return self._said("message")

    @cached_property
    def also(self) -> dict[int, tuple[int, ...]]:
        """The further nodes of an edge that leads to several, all of which have to be proved."""
        return {edge: tuple(targets) for edge, targets in self._said("also").items() if targets}

    @cached_property
    def seconds(self) -> dict[int, float]:
        """How long a step took, for those that were timed."""
        return self._said("seconds")

    @cached_property
    def script(self) -> dict[int, int]:
        """For each edge that comes from a script the expansion, by its place, that the script was proposed at."""
        return self._said("script")

    def _said(self, name: str) -> dict[int, Any]:
        """A field of edges, most of which have none."""
        values = self._flat.field(name)
        if values.null_count == len(values):
            return {}
        found = values.take(pa.array(self._order)).to_pylist()
        return {edge: value for edge, value in enumerate(found) if value is not None}

    def range(self, node: int) -> range:
        """The edges of a node, in the order in which they were tried; empty if nothing was."""
        first = int(self._first[node])
        return range(first, first + int(self.counts[node])) if first >= 0 else range(0)

    def check(self, num_nodes: int) -> None:
        """Refuses edges that no search could have made.

        Raises:
            InputError: an outcome, a target or a log-probability out of range; the message names the edge.
        """
        advanced = self.outcome == OutcomeKind.ADVANCED
        for wrong, what in (
            ((self.outcome < 0) | (self.outcome > max(OutcomeKind)), "an unknown outcome"),
            ((self.target >= 0) != advanced, "a target without having advanced, or none although it did"),
            (self.target >= num_nodes, f"a target beyond the {num_nodes} nodes"),
            (~((self.logprob <= 0) & np.isfinite(self.logprob)), "a log-probability above 0 or not finite"),
        ):
            if wrong.any():
                edge = int(np.flatnonzero(wrong)[0])
                raise InputError(f"search {self._search_id}: damaged: edge {edge} has {what}")
        for edge, targets in self.also.items():
            if not advanced[edge] or min(targets) < 0 or max(targets) >= num_nodes:
                raise InputError(
                    f"search {self._search_id}: damaged: edge {edge} leads to {list(targets)} as well; expected some "
                    f"of the {num_nodes} nodes, and that it advanced"
                )

    def for_labels(self) -> LabelledEdges:
        """What labels are computed from."""
        return LabelledEdges(self.source.tolist(), self.target.tolist(), self.outcome.tolist(), self.also)

    def targets(self, edge: int) -> tuple[int, ...]:
        """The nodes that an edge leads to, all of which have to be proved; none unless it advanced."""
        target = int(self.target[edge])
        return () if target < 0 else (target, *self.also.get(edge, ()))

    def first(self, num_nodes: int) -> NDArray[np.int64]:
        """The first edge that led to each node, shape ``(num_nodes,)``; -1 where none did, as for the root."""
        reached = np.flatnonzero(self.target >= 0)[::-1]
        first = np.full(num_nodes, -1, np.int64)
        first[self.target[reached]] = reached  # of several edges to a node the last assigned stays: the first made
        for edge, targets in self.also.items():
            for target in targets:
                if first[target] < 0 or first[target] > edge:
                    first[target] = edge
        first[0] = -1
        return first
