"""Files as other programs write them. Would catch: sound data called damaged, unsound data read, a wrong remedy."""

from __future__ import annotations

import math

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from proofsearch.errors import InputError
from proofsearch.graph import check_graph
from proofsearch.trajectory.reader import environments, num_rows, read_searches, search_ids
from proofsearch.trajectory.schema import SCHEMA, VERSION, VERSION_KEY
from proofsearch.trajectory.table import Origin, to_table


@pytest.fixture
def table(searched, theorem):
    """Two searches in one table, as the writer makes them."""
    parts = []
    for number, name in enumerate(("one", "two")):
        graph, result = searched(number, 8)
        parts.append(to_table(graph, result, theorem, Origin("run"), search_id=name))
    return pa.concat_tables(parts).combine_chunks()


def rewritten(kind: pa.DataType, change) -> pa.DataType:
    """A type with its parts changed from within, as another program would write the same data."""
    if pa.types.is_list(kind):
        return change(pa.list_(pa.field("item", rewritten(kind.value_type, change))))
    if pa.types.is_struct(kind):
        fields = [kind.field(at) for at in range(kind.num_fields)]
        return pa.struct([pa.field(field.name, rewritten(field.type, change)) for field in fields])
    return change(kind)


def polars(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.large_list(kind.value_field)
    return pa.large_string() if pa.types.is_string(kind) else kind


def wide(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_integer(kind) else kind


def views(kind: pa.DataType) -> pa.DataType:
    return pa.string_view() if pa.types.is_string(kind) else kind


def unsigned(kind: pa.DataType) -> pa.DataType:
    return pa.uint64() if kind == pa.int32() else kind


LAYOUTS = {"polars": polars, "64 bits": wide, "string views": views, "unsigned": unsigned}
"""How a type is written otherwise; views only of whole columns, since pyarrow can't write them in lists."""


def as_other(table: pa.Table, change) -> pa.Table:
    """The same data in other types, everything nullable, by way of Python's values."""
    kinds = [change(kind) if change is views else rewritten(kind, change) for kind in table.schema.types]
    schema = pa.schema(list(zip(table.schema.names, kinds, strict=True)))
    return pa.Table.from_pylist(table.to_pylist(), schema=schema)


def write(table: pa.Table, path, **options) -> None:
    """Writes the version only among the file's own key-values, as programs do that know no Arrow schema."""
    bare = table.replace_schema_metadata(None)
    with pq.ParquetWriter(path, bare.schema, **options) as writer:
        writer.write_table(bare)
        writer.add_key_value_metadata({VERSION_KEY.decode(): str(VERSION)})


def assert_reads_as(path, table: pa.Table) -> None:
    assert search_ids(path) == {"one", "two"}
    assert num_rows(path) == table.num_rows
    assert environments(path) == set(table.column("environment").to_pylist())
    searches = list(read_searches([path]))
    assert [search.search_id for search in searches] == ["one", "two"]
    assert pa.concat_tables([search.table for search in searches]).equals(table)
    for search in searches:
        check_graph(search.graph())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("arrow_schema", [True, False])
def test_other_layouts_of_the_same_data_are_read(table, tmp_path, layout, arrow_schema):
    other = as_other(table, LAYOUTS[layout])
    assert other.schema.types != SCHEMA.types
    write(other, tmp_path / "other.parquet", store_schema=arrow_schema)
    assert_reads_as(tmp_path / "other.parquet", table)


def test_dictionaries_are_read(table, tmp_path):
    other = table
    for name in ("theorem", "label", "split", "search_id", "environment", "text"):
        at = other.schema.get_field_index(name)
        other = other.set_column(at, name, other.column(name).dictionary_encode())
    write(other, tmp_path / "other.parquet")
    assert pq.read_schema(tmp_path / "other.parquet").field("label").type != pa.string()
    assert_reads_as(tmp_path / "other.parquet", table)


def test_whole_numbers_that_pandas_wrote_as_floats_and_columns_of_nulls_are_read(table, tmp_path):
    other = table
    for name in ("expansion", "best_parent", "remaining", "num_tokens"):
        other = other.set_column(other.schema.get_field_index(name), name, other.column(name).cast(pa.float64()))
    at = other.schema.get_field_index("position")
    other = other.set_column(at, "position", pa.nulls(other.num_rows))
    write(other, tmp_path / "other.parquet")
    expected = table.set_column(at, SCHEMA.field("position"), pa.nulls(table.num_rows, pa.int64()))
    assert_reads_as(tmp_path / "other.parquet", expected)


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_a_search_may_cross_row_groups(table, tmp_path, rows):
    bare = table.replace_schema_metadata({VERSION_KEY: str(VERSION)})
    pq.write_table(bare, tmp_path / "other.parquet", row_group_size=rows)
    assert_reads_as(tmp_path / "other.parquet", table)


def test_a_file_without_the_key_says_what_to_add(table, tmp_path):
    pq.write_table(table.replace_schema_metadata(None), tmp_path / "bare.parquet")
    with pytest.raises(InputError, match=rf"'proofsearch\.schema'; .*proofsearch\.schema = {VERSION} in its key-value"):
        list(read_searches([tmp_path / "bare.parquet"]))


def changed(table: pa.Table, name: str, values) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def first(table: pa.Table, name: str, value, at: int = 3) -> pa.Array:
    values = table.column(name).to_pylist()
    values[at] = value
    return pa.array(values, table.schema.field(name).type)


def edges_with(table: pa.Table, field: str, value) -> pa.Array:
    rows = table.column("edges").to_pylist()
    rows[0][1][field] = value
    kind = rewritten(table.schema.field("edges").type, lambda kind: kind)
    return pa.array(rows, kind)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        (
            "depth",
            lambda t: t.column("depth").cast(pa.string()),
            "column 'depth' is string, expected int32; write it as",
        ),
        (
            "depth",
            lambda t: pa.array([2**40] * t.num_rows),
            "column 'depth' is int64, expected int32, which can't",
        ),
        (
            "depth",
            lambda t: pa.array([0.5] * t.num_rows),
            "column 'depth' is double, expected int32, which can't",
        ),
        ("text", lambda t: pa.array(range(t.num_rows)), "column 'text' is int64, expected string; write it as string"),
        ("text", lambda t: first(t, "text", None), "column 'text' is null in row 3, expected string"),
        ("expanded", lambda t: t.column("depth"), "column 'expanded' is int32, expected bool; write it as bool"),
        ("parents", lambda t: t.column("depth"), "column 'parents' is int32, expected list<"),
        ("edges", lambda t: edges_with(t, "tactic", None), "column 'edges.tactic' is null in row 1, expected string"),
        (
            "edges",
            lambda t: edges_with(t, "logprob", math.nan),
            r"search one, node 0: column 'edges\.logprob' is nan, expected a finite number for 'tactic 0\.1'",
        ),
        (
            "logprob",
            lambda t: first(t, "logprob", math.nan),
            "search one, node 3: column 'logprob' is nan, expected a fin",
        ),
        ("logprob", lambda t: first(t, "logprob", -math.inf), "search one, node 3: column 'logprob' is -inf"),
        (
            "value",
            lambda t: first(t, "value", math.nan),
            "search one, node 3: column 'value' is nan, expected a finite number, or null where the scorer gave none",
        ),
        ("seconds", lambda t: first(t, "seconds", math.inf), "search one, node 3: column 'seconds' is inf"),
        ("priority", lambda t: first(t, "priority", math.nan), "search one, node 3: column 'priority' is nan"),
    ],
)
def test_what_can_not_be_read_is_said_with_its_column_and_what_it_should_be(table, tmp_path, name, make, message):
    write(changed(table, name, make(table)), tmp_path / "bad.parquet")
    with pytest.raises(InputError, match=rf"bad\.parquet: {message}"):
        list(read_searches([tmp_path / "bad.parquet"]))


def test_rows_in_another_order_are_refused_with_what_to_do(table, tmp_path):
    shuffled = table.take(pc.sort_indices(table, [("node", "ascending")]))
    write(shuffled, tmp_path / "bad.parquet")
    with pytest.raises(InputError, match=r"sort the rows by search_id, node"):
        list(read_searches([tmp_path / "bad.parquet"]))
