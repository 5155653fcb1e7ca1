"""Recorded searches by the row group, a few columns of them: for what is counted over runs of many theorems.

A search by itself costs a reader some dozen small steps, which for tens of thousands of searches take longer than
reading them. Who needs no order and few columns takes many searches at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.trajectory.files import reading, schema_version, stretches, trajectory_files
from proofsearch.trajectory.reader import search_starts
from proofsearch.trajectory.schema import SCHEMA, upgrade

_ALWAYS = ("search_id", "node", "num_nodes")


@dataclass(frozen=True, slots=True)
class Together:
    """Searches that are filed together.

    Attributes:
        file: the file that they are in.
        table: their rows, of each search in the order of its nodes; the columns that were asked for.
        starts: where each begins, shape ``(searches + 1,)``; at the end the number of rows.
    """

    file: Path
    table: pa.Table
    starts: NDArray[np.int64]

    def facts(self, column: str) -> list[object]:
        """What stands in every row of a search, shape ``(searches,)``."""
        return self.table.column(column).take(self.starts[:-1]).to_pylist()

    def search(self, number: int) -> pa.Table:
        """The rows of one of the searches."""
        return self.table.slice(self.starts[number], self.starts[number + 1] - self.starts[number])

    def only(self, wanted: Sequence[bool]) -> Together:
        """Some of the searches, shape ``(searches,)``."""
        if all(wanted):
            return self
        sizes = np.diff(self.starts)
        kept = np.array(wanted, dtype=np.bool_)
        rows: pa.Array[pa.BooleanScalar] = pa.array(np.repeat(kept, sizes))
        return Together(self.file, self.table.filter(rows), np.append(0, np.cumsum(sizes[kept])))


def read_together(path: Path, columns: Collection[str], edges: Collection[str] = ()) -> Iterator[Together]:
    """The recorded searches at a path, each once, in the order in which they are filed.

    Only what is read is looked at: a file whose other columns are damaged is read like any other.

    Args:
        path: as :func:`proofsearch.trajectory.reader.read_searches`.
        columns: of the schema; ``search_id``, ``node`` and ``num_nodes`` come along.
        edges: the fields that are needed where ``edges`` is one of the columns; others may be there or not.

    Raises:
        InputError: the path is missing, no trajectory file, of a newer version, or damaged in these columns.
    """
    names = [name for name in SCHEMA.names if name in {*_ALWAYS, *columns}]
    given: set[object] = set()
    gone: set[Path] = set()
    while True:
        for file in trajectory_files(path):
            try:
                if file not in gone:
                    for group in _groups(file, names, edges):
                        ids = group.facts("search_id")
                        fresh = group.only([one not in given for one in ids])
                        given.update(ids)
                        yield fresh
            except FileNotFoundError:
                gone.add(file)  # The run has merged it into another, which may not have been listed yet.
                break
        else:
            return


def _groups(file: Path, names: Sequence[str], edges: Collection[str]) -> Iterator[Together]:
    with reading(file) as opened:
        version = schema_version(opened, file)
        upgrade(opened.schema_arrow.empty_table(), version, str(file))  # refuses what lacks a column
        ours = opened.schema_arrow.equals(SCHEMA)
        leaves = _leaves(opened, names, edges) if ours else list(names)
        for groups in stretches(opened):
            table = opened.read_row_groups(groups, columns=leaves)
            table = table.select(names) if ours else upgrade(table, version, str(file), names)
            starts = search_starts(table)
            if starts is None:
                raise InputError(
                    f"{file}: damaged: a search isn't whole, with nodes 0 to num_nodes - 1 in consecutive rows; "
                    f"proofsearch trajectories check says which"
                )
            yield Together(file, table, starts)


def _leaves(file: pq.ParquetFile, names: Sequence[str], edges: Collection[str]) -> list[str]:
    """The columns of the file that hold these of the schema: its structs have one for each of their fields."""
    found = []
    for number in range(len(file.schema)):
        name, *inner = file.schema.column(number).path.split(".")
        # A list's elements stand two levels below it.
        if name in names and (name != "edges" or len(inner) < 3 or inner[2] in edges):
            found.append(".".join([name, *inner]))
    return found
