"""A run's searches as a data set: a folder of Parquet files that ``datasets.load_dataset`` reads, and its card.

======================== ==========================================================================================
``steps/``               one row a step (:mod:`proofsearch.publishing.views`); what is loaded where nothing is named
``preferences/``         one row a pair of tactics at a decision (likewise)
``theorems/``            one row a theorem: how its search ended, and the proof that was found
``trajectories/``        everything, as :mod:`proofsearch.trajectory.schema` has it; trainings here read this folder
``README.md``            the card, which names each of these as a configuration
======================== ==========================================================================================

Each folder has a file for each split of the theorems, ``other.parquet`` for those of none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from proofsearch.errors import InputError, StorageError
from proofsearch.protocols import TheoremResult
from proofsearch.publishing.views import PREFERENCES, STEPS, preferences, steps
from proofsearch.runs import RunFolder
from proofsearch.runs.recorded import refuse_missing
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.schema import SCHEMA
from proofsearch.types import Theorem

CONFIGURATIONS = ("steps", "preferences", "theorems", "trajectories")
"""The configurations of a data set, the default first; each has the folder of its name."""

_THEOREMS: list[pa.Field[Any]] = [
    pa.field("theorem", pa.string(), nullable=False),
    pa.field("statement", pa.string(), nullable=False),
    pa.field("split", pa.string(), nullable=False),
    pa.field("proved", pa.bool_(), nullable=False),
    pa.field("ending", pa.string(), nullable=False),
    pa.field("tactics", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
    pa.field("proof", pa.string()),
    pa.field("checker", pa.string()),
    pa.field("tier", pa.string()),
    pa.field("expansions", pa.int64(), nullable=False),
    pa.field("steps", pa.int64(), nullable=False),
    pa.field("seconds", pa.float64(), nullable=False),
    pa.field("search_id", pa.string(), nullable=False),
]
THEOREMS = pa.schema(_THEOREMS)
"""The columns of ``theorems``; proof, checker and tier are null where nothing was proved."""

_ROWS = 16_384
"""Rows after which a row group is written; a search is never split over two."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a data set holds.

    Attributes:
        rows: by configuration and split, how many rows; a configuration without any is not there.
    """

    rows: Mapping[str, Mapping[str, int]]


def write_dataset(folder: RunFolder, out: Path) -> Written:
    """Writes a run's searches as a data set, without its card.

    Args:
        folder: the run; theorems without a result are left out.
        out: an empty folder.

    Raises:
        InputError: the run recorded no searches, or they are damaged.
        RunFolderError: searches that its results name are gone.
        StorageError: it can't be written.
    """
    refuse_missing(folder)
    results = folder.results()
    if not any(result.search_id for result in results.values()):
        raise InputError(
            f"{folder.path}: the run has no recorded searches; was it made with --no-trajectories? Record one that has"
        )
    try:
        with _Sheets(out) as sheets:
            for search in read_searches([folder.path]):
                split = search.theorem.split
                sheets.add("steps", split, steps(search))
                sheets.add("preferences", split, preferences(search))
                sheets.add("trajectories", split, search.table)
            for split, table in _theorems(folder, results):
                sheets.add("theorems", split, table)
        return Written({name: sheets.rows[name] for name in CONFIGURATIONS if name in sheets.rows})
    except OSError as error:
        raise StorageError(f"{out}: the data set can't be written: {error.strerror or error}; make room") from error


def split_name(split: str) -> str:
    """A split as the data set calls it: its own name, where the library that reads it takes such a name."""
    return re.sub(r"\W", "_", split) or "other"


def _theorems(folder: RunFolder, results: Mapping[str, TheoremResult]) -> Iterator[tuple[str, pa.Table]]:
    for theorem in folder.theorems:
        if (result := results.get(theorem.name)) is not None:
            yield theorem.split, pa.Table.from_pylist([_row(folder, theorem, result)], schema=THEOREMS)


def _row(folder: RunFolder, theorem: Theorem, result: TheoremResult) -> dict[str, Any]:
    proved, verdict = result.proved, result.verdict
    return {
        "theorem": theorem.name,
        "statement": theorem.statement,
        "split": theorem.split,
        "proved": proved,
        "ending": result.ending,
        "tactics": list(result.tactics) if proved else [],
        "proof": folder.proof(theorem.name) if proved and result.proof_file else None,
        "checker": verdict.checker if proved and verdict else None,
        "tier": verdict.tier if proved and verdict else None,
        "expansions": result.expansions,
        "steps": result.steps,
        "seconds": result.seconds,
        "search_id": result.search_id,
    }


class _Sheets:
    """The files of a data set, each made when there is something to write to it."""

    _schemas: Mapping[str, pa.Schema] = {
        "steps": STEPS,
        "preferences": PREFERENCES,
        "theorems": THEOREMS,
        "trajectories": SCHEMA,
    }

    def __init__(self, out: Path) -> None:
        self.rows: dict[str, dict[str, int]] = {}
        self._out = out
        self._open: dict[tuple[str, str], tuple[pq.ParquetWriter, list[pa.Table]]] = {}

    def __enter__(self) -> _Sheets:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def add(self, name: str, split: str, table: pa.Table) -> None:
        """Adds rows of one search or theorem."""
        if not table.num_rows:
            return
        split = split_name(split)
        if (name, split) not in self._open:
            (self._out / name).mkdir(parents=True, exist_ok=True)
            file = self._out / name / f"{split}.parquet"
            self._open[name, split] = pq.ParquetWriter(file, self._schemas[name], compression="zstd"), []
        waiting = self._open[name, split][1]
        waiting.append(table)
        counts = self.rows.setdefault(name, {})
        counts[split] = counts.get(split, 0) + table.num_rows
        if sum(table.num_rows for table in waiting) >= _ROWS:
            self._flush(name, split)

    def close(self) -> None:
        """Writes what waits. Idempotent."""
        for key in list(self._open):
            self._flush(*key)
            self._open.pop(key)[0].close()

    def _flush(self, name: str, split: str) -> None:
        writer, waiting = self._open[name, split]
        if waiting:
            table = pa.concat_tables(waiting)
            writer.write_table(table, row_group_size=table.num_rows)
            waiting.clear()
