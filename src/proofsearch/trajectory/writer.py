"""Recording searches: an observer that makes a table of each, and tables as Parquet files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from proofsearch import storage
from proofsearch.trajectory.labels import DEFAULT_MIN_EXPANSIONS
from proofsearch.trajectory.schema import SCHEMA
from proofsearch.types import Theorem

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols.results import SearchResult

from proofsearch.trajectory.table import Origin, new_search_id, to_table

ROW_GROUP_ROWS = 20_000
"""A row group of a merged file is closed once it has so many rows: small enough to read one search cheaply."""

_DICTIONARY_COLUMNS: Any = [  # the stubs know only a bool here
    "search_id",
    "run_id",
    "theorem",
    "statement",
    "split",
    "label",
    "status",
    "limit_hit",
    "environment",
    "generator",
    "scorer",
    "fingerprint",
    "goals.list.element.text",
    "goals.list.element.tree",
    "edges.list.element.tactic",
    "edges.list.element.message",
]


class TrajectoryWriter:
    """A :class:`~proofsearch.protocols.SearchObserver` that makes the table of a search as it ends."""

    def __init__(self, origin: Origin, *, min_expansions: int = DEFAULT_MIN_EXPANSIONS) -> None:
        """Keeps its configuration.

        Args:
            origin: what all searches that it sees have in common.
            min_expansions: of the labels.
        """
        self._origin = origin
        self._min_expansions = min_expansions
        self._theorem: Theorem | None = None
        self._ended: tuple[str, pa.Table] | None = None

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """Notes the theorem."""
        self._theorem, self._ended = theorem, None

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """Nothing: the graph keeps everything until the end."""

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """Makes the table."""
        if self._theorem is None:
            raise RuntimeError("finished() without started()")
        search_id = new_search_id()
        self._ended = (
            search_id,
            to_table(
                graph, result, self._theorem, self._origin, search_id=search_id, min_expansions=self._min_expansions
            ),
        )

    def take(self) -> tuple[str, pa.Table] | None:
        """The id and the table of the search that ended since the last call.

        ``None`` if there was none: a search without an initial state records nothing, and tells observers nothing.
        """
        ended, self._ended = self._ended, None
        return ended


def to_bytes(table: pa.Table) -> bytes:
    """The searches of a table as a Parquet file in memory.

    A worker makes one after each search, and it is read once, when it is merged: so it is packed quickly, not tightly.
    """
    sink = pa.BufferOutputStream()
    write_tables(sink, [table], quickly=True)
    return sink.getvalue().to_pybytes()


def write_file(path: Path, tables: Iterable[pa.Table]) -> None:
    """Writes searches, a table each, to a Parquet file: durably, and whole or not at all.

    Raises:
        OSError: the file could not be written; what stood there is untouched.
    """
    storage.write_whole(path, lambda stream: write_tables(stream, tables))


def write_tables(sink: BinaryIO | pa.NativeFile, tables: Iterable[pa.Table], *, quickly: bool = False) -> None:
    """Writes searches, a table each, to a stream, in row groups of whole searches.

    Args:
        sink: where to.
        tables: of the schema.
        quickly: in less than half of the time, but half as much again on the disk.
    """
    with pq.ParquetWriter(
        sink,
        SCHEMA,
        compression="lz4" if quickly else "zstd",
        compression_level=None if quickly else 6,
        use_dictionary=_DICTIONARY_COLUMNS,
        dictionary_pagesize_limit=8 << 20,
        write_page_checksum=True,
        write_statistics=["search_id", "theorem", "split"],
    ) as writer:
        pending: list[pa.Table] = []
        rows = 0
        for table in tables:
            pending.append(table)
            rows += table.num_rows
            if rows >= ROW_GROUP_ROWS:
                writer.write_table(pa.concat_tables(pending), row_group_size=rows)
                pending, rows = [], 0
        if rows:
            writer.write_table(pa.concat_tables(pending), row_group_size=rows)
