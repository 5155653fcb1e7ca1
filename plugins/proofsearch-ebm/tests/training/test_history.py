"""History: what is written is read again, missing is not NaN, and what is no history is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from proofsearch_ebm.training.history import History

from proofsearch import storage
from proofsearch.errors import InputError, StorageError


def sample() -> History:
    history = History()
    history.add(10, {"loss": 1.5, "gap": math.nan})
    history.add(10, {"rank_accuracy": 0.4}, split="validation")
    history.add(20, {"loss": 1.0})
    history.add(20, {"rank_accuracy": 0.6}, split="validation")
    return history


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "training.parquet"
    sample().write(path)
    found = History.read(path)
    assert [(row.step, row.split) for row in found.rows] == [(row.step, row.split) for row in sample().rows]
    assert found.rows[2].metrics == {"loss": 1.0}  # what was not measured is missing
    assert math.isnan(found.rows[0].metrics["gap"])  # what was and is no number is NaN
    assert found.series("rank_accuracy") == [(10, 0.4), (20, 0.6)]
    assert found.series("loss", "train") == [(10, 1.5), (20, 1.0)]
    assert pq.read_schema(path).metadata[b"proofsearch_ebm.history"] == b"1", "files have it, wherever the module is"
    assert pq.read_table(path, columns=["loss"]).column("loss").to_pylist() == [1.5, None, 1.0, None]


def test_an_empty_history_is_one(tmp_path: Path) -> None:
    History().write(tmp_path / "t")
    assert len(History.read(tmp_path / "t")) == 0


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "training.parquet"
    with pytest.raises(InputError, match=r"training\.parquet"):
        History.read(path)
    path.write_bytes(b"PAR1 but nothing more")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        History.read(path)
    pq.write_table(pa.table({"step": [1]}), path)
    with pytest.raises(InputError, match="without a format"):
        History.read(path)
    newer = sample().table().replace_schema_metadata({b"proofsearch_ebm.history": b"99"})
    pq.write_table(newer, path)
    with pytest.raises(InputError, match=r"format 99.*upgrade"):
        History.read(path)
    pq.write_table(sample().table().drop_columns(["split"]), path)
    with pytest.raises(InputError, match="'split' is missing"):
        History.read(path)


def test_a_full_disk_leaves_the_earlier_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "training.parquet"
    sample().write(path)
    before = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.files.os, "fsync", fail)
    with pytest.raises(StorageError, match="No space left on device; the table that was there before is untouched"):
        History().write(path)
    assert path.read_bytes() == before
    path.unlink()
    with pytest.raises(StorageError, match="No space left on device; there is none yet"):
        History().write(path)
    path.write_bytes(before)
    assert list(tmp_path.iterdir()) == [path]
