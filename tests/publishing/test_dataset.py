"""Would catch: a data set that the library for data sets, or this one, reads as something else than the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from proofsearch.errors import InputError
from proofsearch.hub import Address
from proofsearch.publishing import views
from proofsearch.publishing.dataset import CONFIGURATIONS, split_name, write_dataset
from proofsearch.publishing.push import push
from proofsearch.runs import RunFolder
from proofsearch.trajectory.reader import read_searches


def loaded(folder: Path, name: str | None, tmp_path: Path) -> Any:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed: pip install datasets")
    return datasets.load_dataset(str(folder), name, cache_dir=str(tmp_path / "datasets-cache"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_library_for_data_sets_reads_every_configuration(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    push(run, Address("me/searches"), out=out)
    searches = list(read_searches([run]))
    tables = {"steps": views.steps, "preferences": views.preferences, "trajectories": lambda search: search.table}
    for name, view in tables.items():
        read = loaded(out, name, tmp_path)
        expected: dict[str, list[Any]] = {}
        for search in searches:
            if rows := view(search).to_pylist():
                expected.setdefault(search.theorem.split, []).extend(rows)
        assert {split: list(rows) for split, rows in read.items()} == expected, name
    assert set(loaded(out, "steps", tmp_path)) == {"train", "validation", "test"}
    # Where nothing is named it is the steps.
    assert loaded(out, None, tmp_path)["train"].column_names == views.STEPS.names


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_its_theorems_are_those_of_the_run(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    push(run, Address("me/searches"), out=out)
    folder = RunFolder.open(run)
    rows = {row["theorem"]: row for rows in loaded(out, "theorems", tmp_path).values() for row in rows}
    assert rows.keys() == folder.results().keys()
    for name, result in folder.results().items():
        row = rows[name]
        assert (row["proved"], row["ending"], row["search_id"]) == (result.proved, result.ending, result.search_id)
        assert row["tactics"] == (list(result.tactics) if result.proved else [])
        assert row["proof"] == (folder.proof(name) if result.proved else None)
        assert row["checker"] == ("fake checker 1" if result.proved else None)


def test_its_trajectories_are_read_here_as_those_of_the_run(run: Path, tmp_path: Path) -> None:
    write_dataset(RunFolder.open(run), tmp_path / "out")
    ours = {search.search_id: search.table for search in read_searches([run])}
    theirs = {search.search_id: search.table for search in read_searches([tmp_path / "out" / "trajectories"])}
    assert ours == theirs


def test_row_groups_hold_whole_searches(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch.publishing.dataset._ROWS", 1)
    written = write_dataset(RunFolder.open(run), tmp_path / "out")
    file = pq.ParquetFile(tmp_path / "out" / "trajectories" / "test.parquet")
    assert file.num_row_groups == sum(theorem.split == "test" for theorem in RunFolder.open(run).theorems) == 4
    assert file.metadata.num_rows == written.rows["trajectories"]["test"]
    assert list(written.rows) == list(CONFIGURATIONS)


def test_splits_have_names_that_the_library_takes() -> None:
    assert [split_name(split) for split in ("train", "", "mini-f2f")] == ["train", "other", "mini_f2f"]


def test_a_run_without_recorded_searches_is_refused(run: Path, tmp_path: Path) -> None:
    lines = (run / "results.jsonl").read_text()
    (run / "results.jsonl").write_text("")
    with pytest.raises(InputError, match="has no recorded searches; was it made with --no-trajectories"):
        write_dataset(RunFolder.open(run), tmp_path / "out")
    assert lines
