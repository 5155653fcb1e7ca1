"""Would catch: a search counted twice, left out or cut, another order of rows, damage in what is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from proofsearch.errors import InputError
from proofsearch.trajectory.merging import merge_files
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.trajectory.together import read_together
from proofsearch.trajectory.writer import write_file

COLUMNS = ("theorem", "key", "expanded", "first_edge", "edges", "proved", "min_expansions")
EDGES = ("outcome", "target", "also")


@pytest.fixture
def table(searched: Any, theorem: Any) -> Callable[[str, int], pa.Table]:
    def make(search_id: str, seed: int = 0) -> pa.Table:
        graph, result = searched(seed, 8)
        return to_table(graph, result, theorem, Origin("run"), search_id=search_id)

    return make


def found(path: Path) -> dict[str, RecordedSearch]:
    searches: dict[str, RecordedSearch] = {}
    for group in read_together(path, COLUMNS, EDGES):
        for number, search_id in enumerate(map(str, group.facts("search_id"))):
            assert search_id not in searches, "each once"
            searches[search_id] = RecordedSearch(group.search(number))
    return searches


def assert_as_read_singly(path: Path) -> None:
    together, singly = found(path), {search.search_id: search for search in read_searches([path])}
    assert together.keys() == singly.keys()
    for search_id, search in singly.items():
        assert together[search_id].labels == search.labels
        assert together[search_id].key == search.key
        assert together[search_id].edges.outcome.tolist() == search.edges.outcome.tolist()
        assert together[search_id].edges.target.tolist() == search.edges.target.tolist()


def test_searches_are_as_they_are_read_singly(table: Any, tmp_path: Path) -> None:
    files = []
    for seed in range(6):
        files.append(tmp_path / f"{seed}.parquet")
        write_file(files[-1], [table(f"s{seed}", seed)])
    merge_files(files[:4], tmp_path / "merged.parquet")  # searches 0 to 3 are in two files now
    assert_as_read_singly(tmp_path)


def test_only_what_was_asked_for_is_read(table: Any, tmp_path: Path) -> None:
    write_file(tmp_path / "one.parquet", [table("s")])
    (group,) = read_together(tmp_path, COLUMNS, EDGES)
    assert set(group.table.column_names) == {"search_id", "node", "num_nodes", *COLUMNS}
    fields = group.table.schema.field("edges").type.value_type
    assert {fields.field(at).name for at in range(fields.num_fields)} == set(EDGES)


def test_files_of_other_programs_are_read(table: Any, tmp_path: Path) -> None:
    """With large texts, a search over several row groups, and a column more."""
    rows = pa.concat_tables([table("a", 1), table("b", 2)])
    at = rows.column_names.index("key")
    rows = rows.set_column(at, "key", rows.column("key").cast(pa.large_string()))
    rows = rows.append_column("extra", pa.array([1] * rows.num_rows))
    pq.write_table(rows, tmp_path / "other.parquet", row_group_size=7)
    assert_as_read_singly(tmp_path)


def test_some_of_them_are_whole_searches(table: Any, tmp_path: Path) -> None:
    sizes = []
    for seed in range(3):
        sizes.append(table(f"s{seed}", seed).num_rows)
    pq.write_table(pa.concat_tables([table(f"s{seed}", seed) for seed in range(3)]), tmp_path / "three.parquet")
    (group,) = read_together(tmp_path, COLUMNS, EDGES)
    some = group.only([True, False, True])
    assert some.facts("search_id") == ["s0", "s2"]
    assert np.diff(some.starts).tolist() == [sizes[0], sizes[2]]
    assert some.table.num_rows == sizes[0] + sizes[2]
    assert group.only([True] * 3) is group
    assert group.only([False] * 3).facts("search_id") == []


@pytest.mark.parametrize("damage", ["a row is missing", "two rows changed places", "two searches are mixed"])
def test_searches_that_arent_whole_are_refused(table: Any, tmp_path: Path, damage: str) -> None:
    rows = pa.concat_tables([table("a", 1), table("b", 2)])
    order = list(range(rows.num_rows))
    if damage == "a row is missing":
        del order[3]
    elif damage == "two rows changed places":
        order[1], order[2] = order[2], order[1]
    else:
        ids = pc.if_else(pc.equal(rows.column("node"), 1), pa.scalar("c"), rows.column("search_id"))
        rows = rows.set_column(0, rows.schema.field("search_id"), ids)
    pq.write_table(rows.take(order), tmp_path / "bad.parquet")
    with pytest.raises(InputError, match=r"bad\.parquet: damaged"):
        found(tmp_path)
    with pytest.raises(InputError, match=r"bad\.parquet: damaged: search"):
        list(read_searches([tmp_path]))
