"""Would catch: searches of many places merged out of order, lost or twice; memory that grows with the places."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq
import pytest

from proofsearch.errors import InputError
from proofsearch.trajectory import merging, reader
from proofsearch.trajectory.merging import FAN_IN, merge_in_order
from proofsearch.trajectory.reader import read_searches, search_ids
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Theorem

PLACES = FAN_IN * FAN_IN + 3
"""So many that merged files are merged again, and those once more."""


@pytest.fixture
def searches(searched):
    """Tables of searches, two a place, dealt out as shards are."""
    graph, result = searched(1, 6)
    return [
        to_table(graph, result, Theorem(f"t{place}", "⊢", position=place), Origin("run"), search_id=f"s{place}")
        for place in range(2 * PLACES)
    ]


@pytest.fixture
def places(searches, tmp_path):
    for number in range(PLACES):
        (tmp_path / f"{number}").mkdir()
        # Filed in the order in which they ended.
        write_file(tmp_path / f"{number}" / "part-00000.parquet", searches[number::PLACES][::-1])
    return [tmp_path / f"{number}" for number in range(PLACES)]


def merged(places, folder, only=None, rows_per_file=10**6):
    folder.mkdir()
    only = {f"s{number}" for number in range(2 * PLACES)} if only is None else only
    return merge_in_order(places, folder, only=only, rows_per_file=rows_per_file)


def test_the_parts_have_all_searches_in_their_order(places, searches, tmp_path, monkeypatch):
    monkeypatch.setattr("proofsearch.trajectory.writer.ROW_GROUP_ROWS", 100)
    rows = searches[0].num_rows
    found = merged(places, tmp_path / "out", rows_per_file=rows * 50)
    assert found == {f"s{number}" for number in range(2 * PLACES)}
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    parts = [pq.read_table(tmp_path / "out" / name) for name in files]
    ids = [str(one) for part in parts for one in part.column("search_id").unique().to_pylist()]
    assert ids == [f"s{number}" for number in range(2 * PLACES)]
    assert [part.num_rows for part in parts] == [rows * 50, rows * 50, rows * (2 * PLACES - 100)]
    names = [search.theorem.name for search in read_searches([tmp_path / "out"])]
    assert names == [f"t{number}" for number in range(2 * PLACES)]

    # In their order they are read with few row groups in memory, and each of these once.
    reads = Counter()
    read = reader._row_group
    monkeypatch.setattr(reader, "_row_group", lambda *place: (reads.update([place]), read(*place))[1])
    assert sum(1 for _ in read_searches([tmp_path / "out"])) == 2 * PLACES
    assert set(reads.values()) == {1}
    assert len(reads) > 10


def test_no_more_places_are_read_at_once_than_is_said(places, tmp_path, monkeypatch):
    opened = []
    read = merging.tables_in_order

    def counted(place, kept_groups):
        opened.append(place)
        assert len(opened) - closed <= FAN_IN
        return read(place, kept_groups)

    closed = 0
    write = merging.write_tables

    def written(stream, tables):
        nonlocal closed
        write(stream, tables)
        closed = len(opened)

    monkeypatch.setattr(merging, "tables_in_order", counted)
    monkeypatch.setattr(merging, "write_tables", written)
    assert len(merged(places, tmp_path / "out")) == 2 * PLACES
    assert len(opened) > PLACES, "some were merged in between"


def test_what_is_in_several_places_or_not_asked_for(places, searches, tmp_path):
    write_file(places[3] / "part-00001.parquet", searches[:5])
    wanted = {"s0", "s4", "s70", "missing"}
    told = []
    (tmp_path / "out").mkdir()
    found = merge_in_order(
        places, tmp_path / "out", only=wanted, rows_per_file=10**6, on_search=lambda: told.append(None)
    )
    assert found == {"s0", "s4", "s70"} == search_ids(tmp_path / "out" / "part-00000.parquet")
    assert len(told) == 3


def test_nothing_wanted_makes_no_file(places, tmp_path):
    assert merged(places, tmp_path / "out", only=set()) == frozenset()
    assert list((tmp_path / "out").iterdir()) == []


def test_damage_is_named(places, tmp_path):
    (places[9] / "part-00000.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match=r"9/part-00000\.parquet"):
        merged(places, tmp_path / "out")
