"""What a training measured, step by step, kept as ``training.parquet`` in the checkpoint folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from proofsearch import storage
from proofsearch.checkpoint import writing
from proofsearch.errors import InputError

FORMAT = 1
"""The version of the table that this module writes, and the newest that it reads."""
_FORMAT_KEY = b"proofsearch_ebm.history"


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One measurement.

    Attributes:
        step: after how many steps, at least 0.
        split: what was measured on: ``"train"`` or ``"validation"``.
        metrics: numbers by name; a name that is missing was not measured, NaN was and is no number.
    """

    step: int
    split: str
    metrics: Mapping[str, float]


class History:
    """The measurements of one training, in the order in which they were made."""

    def __init__(self, rows: list[HistoryRow] | None = None) -> None:
        self.rows: list[HistoryRow] = list(rows or [])

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, step: int, metrics: Mapping[str, float], split: str = "train") -> None:
        """Adds one measurement."""
        self.rows.append(HistoryRow(step, split, dict(metrics)))

    def series(self, name: str, split: str = "validation") -> list[tuple[int, float]]:
        """Step and value of one metric, where it was measured."""
        return [(row.step, row.metrics[name]) for row in self.rows if row.split == split and name in row.metrics]

    def table(self) -> pa.Table:
        """One row a measurement: ``step``, ``split`` and a column a metric, null where it was not measured."""
        names = list(dict.fromkeys(name for row in self.rows for name in row.metrics))
        columns: dict[str, pa.Array[Any]] = {
            "step": pa.array([row.step for row in self.rows], pa.int64()),
            "split": pa.array([row.split for row in self.rows], pa.string()),
        }
        for name in names:
            columns[name] = pa.array([row.metrics.get(name) for row in self.rows], pa.float64())
        return pa.table(columns).replace_schema_metadata({_FORMAT_KEY: str(FORMAT).encode()})

    def write(self, path: Path) -> None:
        """Writes the table, replacing an earlier one only when this one is whole.

        Raises:
            StorageError: it can't be written; the earlier one is untouched.
        """
        table = self.table()
        with writing(path, "the table that was there before is untouched" if path.exists() else "there is none yet"):
            storage.write_whole(path, lambda stream: pq.write_table(table, stream))

    @classmethod
    def read(cls, path: Path) -> History:
        """Reads a table that :meth:`write` wrote.

        Raises:
            InputError: unreadable, of a newer format, or something else.
        """
        try:
            table = pq.read_table(path, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                f"{path}: not a readable Parquet file: {error}; expected what a training wrote; delete it to continue "
                f"without the history"
            ) from None
        metadata = table.schema.metadata or {}
        version = metadata.get(_FORMAT_KEY, b"")
        if not version.isdigit():
            raise InputError(f"{path}: a table without a format, expected the history of a training")
        if int(version) > FORMAT:
            raise InputError(
                f"{path}: the history has format {int(version)}, this proofsearch-ebm reads up to {FORMAT}; "
                f"upgrade with: pip install -U proofsearch-ebm"
            )
        missing = {"step", "split"} - set(table.column_names)
        if missing:
            raise InputError(f"{path}: damaged: the column {min(missing)!r} is missing")
        rows = []
        for row in table.to_pylist():
            step, split = row.pop("step"), row.pop("split")
            rows.append(HistoryRow(step, split, {name: value for name, value in row.items() if value is not None}))
        return cls(rows)
