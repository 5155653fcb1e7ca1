"""Would catch: a newer file read wrongly, damage read as data, a search seen twice or lost."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proofsearch.errors import InputError
from proofsearch.trajectory import reader
from proofsearch.trajectory.files import trajectory_files
from proofsearch.trajectory.merging import merge_files
from proofsearch.trajectory.reader import num_rows, read_searches, read_tables, search_ids
from proofsearch.trajectory.schema import VERSION, VERSION_KEY
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.trajectory.writer import to_bytes, write_file
from proofsearch.types import Theorem


@pytest.fixture
def table(searched, theorem):
    def make(search_id: str, seed: int = 0, run_id: str = "run") -> pa.Table:
        graph, result = searched(seed, 8)
        return to_table(graph, result, theorem, Origin(run_id), search_id=search_id)

    return make


def with_version(table: pa.Table, version: str) -> pa.Table:
    return table.replace_schema_metadata({VERSION_KEY: version.encode()})


def test_newer_version_is_refused(table, tmp_path):
    file = tmp_path / "new.parquet"
    pq.write_table(with_version(table("s"), str(VERSION + 1)), file)
    for read in (lambda: list(read_searches([file])), lambda: search_ids(file), lambda: num_rows(file)):
        with pytest.raises(InputError, match=rf"new\.parquet: trajectory schema version {VERSION + 1}.*pip install -U"):
            read()


@pytest.mark.parametrize("version", ["", "0", "one", "-1", "1.5"])
def test_nonsense_version_is_refused(table, tmp_path, version):
    file = tmp_path / "odd.parquet"
    pq.write_table(with_version(table("s"), version), file)
    with pytest.raises(InputError, match=r"odd\.parquet: damaged: the schema version"):
        list(read_searches([file]))


def test_other_parquet_is_refused(tmp_path):
    file = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), file)
    with pytest.raises(InputError, match=r"other\.parquet: not a trajectory file"):
        list(read_searches([file]))


def test_missing_and_retyped_columns_are_refused(table, tmp_path):
    good = table("s")
    pq.write_table(good.drop_columns(["logprob"]), tmp_path / "less.parquet")
    with pytest.raises(InputError, match=r"less\.parquet: has no column 'logprob', of type double"):
        list(read_searches([tmp_path / "less.parquet"]))
    at = good.column_names.index("depth")
    pq.write_table(good.set_column(at, "depth", good.column("depth").cast(pa.string())), tmp_path / "typed.parquet")
    with pytest.raises(InputError, match=r"typed\.parquet: column 'depth' is string, expected int32; write it"):
        list(read_searches([tmp_path / "typed.parquet"]))


def test_more_columns_are_fine(table, tmp_path):
    good = table("s")
    pq.write_table(good.append_column("extra", pa.array([1] * good.num_rows)), tmp_path / "more.parquet")
    (search,) = read_searches([tmp_path / "more.parquet"])
    assert search.table.schema.names == good.schema.names


def test_every_truncation_is_refused(table, tmp_path):
    content = to_bytes(table("s"))
    file = tmp_path / "cut.parquet"
    for length in [0, 1, 4, 12, *range(100, len(content), 997), len(content) - 8, len(content) - 1]:
        file.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"cut\.parquet"):
            list(read_searches([file]))


def test_flipped_bytes_never_escape_as_other_errors(table, tmp_path):
    """Damage in the middle is refused, or (a flipped byte of a number) read; never another exception."""
    content = to_bytes(table("s"))
    file = tmp_path / "bad.parquet"
    for at in range(4, len(content), 211):
        file.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            for search in read_searches([file]):
                search.graph()
        except InputError as error:
            assert "bad.parquet" in str(error) or "search" in str(error)


def test_lost_rows_are_refused(table, tmp_path):
    write_file(tmp_path / "short.parquet", [table("s").slice(0, 3)])
    with pytest.raises(InputError, match=r"search s has 3 rows .*expected nodes 0 to"):
        list(read_searches([tmp_path / "short.parquet"]))


def test_places(table, tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        trajectory_files(tmp_path / "nothing")
    with pytest.raises(InputError, match="holds no trajectory file"):
        trajectory_files(tmp_path)
    run = tmp_path / "run"
    (run / "trajectories").mkdir(parents=True)
    (run / "run.json").write_text("{}")
    assert list(read_searches([run])) == []
    write_file(run / "trajectories" / "b.parquet", [table("b")])
    write_file(run / "trajectories" / "a.parquet", [table("a")])
    (run / "trajectories" / "c.parquet.part").write_bytes(b"torn")
    assert [search.search_id for search in read_searches([run, run / "trajectories"])] == ["a", "b"]


def test_two_merged_runs_share_no_siblings(table, tmp_path):
    """Node numbers start again with every search: rows of two searches must never be taken for one."""
    write_file(tmp_path / "one.parquet", [table("x", 1, "one")])
    write_file(tmp_path / "two.parquet", [table("y", 2, "two"), table("z", 1, "two")])
    assert merge_files([tmp_path / "one.parquet", tmp_path / "two.parquet"], tmp_path / "both.parquet") == 3
    searches = list(read_searches([tmp_path / "both.parquet"]))
    assert [search.search_id for search in searches] == ["x", "y", "z"]
    apart = [search for name in ("one", "two") for search in read_searches([tmp_path / f"{name}.parquet"])]
    for together, alone in zip(searches, apart, strict=True):
        assert list(together.decisions()) == list(alone.decisions())
        assert together.text == alone.text
        assert together.edges.tactic == alone.edges.tactic
        assert max(together.edges.target.tolist()) < together.num_nodes


def test_searches_are_never_split_over_row_groups(table, tmp_path, monkeypatch):
    monkeypatch.setattr("proofsearch.trajectory.writer.ROW_GROUP_ROWS", 30)
    write_file(tmp_path / "many.parquet", [table(f"s{number}", number) for number in range(9)])
    assert pq.ParquetFile(tmp_path / "many.parquet").num_row_groups > 2
    assert [t.column("search_id")[0].as_py() for t in read_tables(tmp_path / "many.parquet")] == [
        f"s{number}" for number in range(9)
    ]


def test_reader_survives_a_compaction_under_way(table, tmp_path, monkeypatch):
    """The folder is listed, then the run merges its files, then the reader opens what it listed."""
    for name in "abc":
        write_file(tmp_path / f"{name}.parquet", [table(name)])
    original = reader.read_tables

    def merged_meanwhile(path):
        if path.name == "b.parquet":
            merge_files([tmp_path / f"{name}.parquet" for name in "abc"], tmp_path / "part-00000.parquet")
            for name in "abc":
                (tmp_path / f"{name}.parquet").unlink()
            monkeypatch.setattr(reader, "read_tables", original)
        yield from original(path)

    monkeypatch.setattr(reader, "read_tables", merged_meanwhile)
    assert sorted(search.search_id for search in read_searches([tmp_path])) == ["a", "b", "c"]


def test_a_failed_write_leaves_the_old_file(table, tmp_path):
    file = tmp_path / "keep.parquet"
    write_file(file, [table("old")])
    before = file.read_bytes()

    def broken():
        yield table("new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_file(file, broken())
    assert file.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["keep.parquet"]


def test_searches_come_in_the_librarys_order_however_they_were_filed(searched, tmp_path):
    """Catches what is drawn or split by the order in which workers happened to finish."""
    theorems = [Theorem(name, f"show {name}", position=position) for name, position in (("c", 1), ("a", 5), ("b", 12))]
    theorems += [Theorem("d", "show d"), Theorem("e", "show e")]  # those without a position last, by name
    tables = []
    for number, theorem in enumerate(theorems):
        graph, result = searched(number, 5)
        tables.append(to_table(graph, result, theorem, Origin("run"), search_id=f"search {theorem.name}"))
    wanted = ["c", "a", "b", "d", "e"]
    rng = random.Random(0)
    for trial in range(6):
        filed = rng.sample(tables, len(tables))
        parts = tmp_path / f"parts {trial}"
        parts.mkdir()
        write_file(parts / "all.parquet", filed[: trial + 1])  # the rest each in a file of its own
        for number, table in enumerate(filed[trial + 1 :]):
            write_file(parts / f"{9 - number}.parquet", [table])
        assert [search.theorem.name for search in read_searches([parts])] == wanted
        one = tmp_path / f"one {trial}.parquet"
        with pq.ParquetWriter(one, tables[0].schema) as writer:
            for table in filed:  # a row group each: more than are held at a time
                writer.write_table(table)
        assert [search.table for search in read_searches([one])] == tables


def test_of_one_theorem_the_first_given_search_comes_first(table, tmp_path):
    write_file(tmp_path / "1.parquet", [table("y"), table("x")])
    write_file(tmp_path / "2.parquet", [table("a"), table("y")])
    assert [search.search_id for search in read_searches([tmp_path])] == ["y", "x", "a"]


def test_a_file_that_is_merged_while_it_is_read_is_looked_for_again(table, tmp_path):
    for name in ("a", "b"):
        write_file(tmp_path / f"{name}.parquet", [table(name)])
    reading = read_searches([tmp_path])
    assert next(reading).search_id == "a"
    merge_files([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "part-0.parquet")
    for name in ("a", "b"):
        (tmp_path / f"{name}.parquet").unlink()
    assert [search.search_id for search in reading] == ["b"]
