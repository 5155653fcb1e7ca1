"""Would catch: counts that are off, damage that ``check`` doesn't see, a merge that overwrites or loses."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.summary import check, head, merge, summarize
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.trajectory.writer import write_file


@pytest.fixture
def folder(searched, theorem, tmp_path):
    tables = []
    for seed, prove in ((3, True), (7, True), (9, False)):
        graph, result = searched(seed, 12, prove=prove)
        tables.append(to_table(graph, result, theorem, Origin("r", "mm", "knn", "ebm"), search_id=f"s{seed}"))
    place = tmp_path / "trajectories"
    place.mkdir()
    write_file(place / "a.parquet", tables[:2])
    write_file(place / "b.parquet", tables[1:])  # s7 is in both
    return place


def test_summary_counts(folder, searched):
    summary = summarize([folder])
    graphs = [searched(3, 12)[0], searched(7, 12)[0], searched(9, 12, prove=False)[0]]
    assert (summary.files, summary.searches, summary.theorems, summary.proved) == (2, 3, 1, 2)
    assert summary.nodes == sum(graph.num_nodes for graph in graphs) == sum(summary.labels.values())
    assert summary.edges == sum(graph.num_edges for graph in graphs) == sum(summary.outcomes.values())
    assert summary.expanded == sum(len(graph.expanded) for graph in graphs)
    assert summary.without_value == sum(
        not graph.has_value(node) for graph in graphs for node in range(graph.num_nodes)
    )
    advanced = sum(target >= 0 for graph in graphs for target in graph.edge_target)
    assert summary.merged == advanced - sum(graph.num_nodes - 1 for graph in graphs)
    assert summary.decisions == sum(1 for search in read_searches([folder]) for _ in search.decisions())
    assert summary.bytes == sum(file.stat().st_size for file in folder.iterdir())
    assert summary.components == {("mm", "knn", "ebm"): 3}
    assert summary.splits == {"train": 3}
    assert summary.status == {"limit": 1, "proved": 2}


def test_summary_sees_conflicting_labels(folder):
    """All three searches are about one theorem and share states."""
    by_state: dict[str, set[str]] = {}
    for search in read_searches([folder]):
        for text, label in zip(search.text, search.labels.label, strict=True):
            by_state.setdefault(text, set()).add(label)
    wanted = sum({"positive", "negative"} <= labels for labels in by_state.values())
    assert summarize([folder]).conflicting == wanted


def test_head(folder):
    rows = head([folder], 20, ["search_id", "node"])
    assert len(rows) == 20
    assert rows[0] == {"search_id": "s3", "node": 0}
    first = len([row for row in rows if row["search_id"] == "s3"])
    assert [row["node"] for row in rows[:first]] == list(range(first))
    assert head([folder], 1)[0]["theorem"] == "Nat.add_comm'"
    assert head([folder], 0) == []
    with pytest.raises(UsageError, match="no column 'q_value' in trajectories; known: search_id"):
        head([folder], 1, ["q_value"])


def test_good_trajectories_have_no_problems(folder):
    assert check([folder]) == []


def replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(at, table.schema.field(at), values)


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        ("text", lambda values: ["", *values[1:]], "node 0 has an empty text"),
        ("text", lambda values: [values[0] + "!", *values[1:]], "is not the hash of its text"),
        ("key", lambda values: [values[1], *values[1:]], "two nodes have the same state"),
        ("expansion", lambda values: [None if v is None else v + 1 for v in values], "expansions are not numbered"),
        ("num_goals", lambda values: [values[0] + 1, *values[1:]], "node 0: num_goals"),
        ("parents", lambda values: [[3], *values[1:]], r"node 0: parents are \[3\]"),
        ("label", lambda values: ["negative", *values[1:]], "node 0 is labelled negative, its edges say positive"),
        ("remaining", lambda values: [99, *values[1:]], "column remaining disagrees"),
        ("proved", lambda values: [False] * len(values), "proved is False but proof_edge is"),
        ("proof_edge", lambda values: [0] * len(values), "proof_edge 0 is no edge that finished"),
        ("on_proof", lambda values: [False, *values[1:]], "not marked on_proof"),
        ("seed", lambda values: [5, *values[1:]], "column seed differs"),
        ("depth", lambda values: [*values[:-1], values[-1] + 1], "depth"),
        ("logprob", lambda values: [*values[:-1], values[-1] - 1], "best is"),
        ("first_edge", lambda values: [None if v is None else v + 1 for v in values], "edges are not numbered from 0"),
    ],
)
def test_each_fault_is_found(folder, tmp_path, column, change, message):
    table = next(iter(read_searches([folder]))).table
    values = change(table.column(column).to_pylist())
    write_file(tmp_path / "bad.parquet", [replaced(table, column, pa.array(values, table.schema.field(column).type))])
    problems = check([tmp_path / "bad.parquet"])
    assert any(re.search(message, problem.message) for problem in problems), problems
    assert all(problem.path.name == "bad.parquet" for problem in problems)


def test_an_unreadable_file_is_a_problem_and_not_the_end(folder):
    (folder / "a.parquet").write_bytes(b"PAR1 nonsense")
    (problem,) = check([folder])
    assert problem.path.name == "a.parquet"
    with pytest.raises(InputError):
        check([folder / "missing.parquet"])


def test_merge(folder, tmp_path):
    out = tmp_path / "all.parquet"
    assert merge([folder], out) == 3
    assert [search.search_id for search in read_searches([out])] == ["s3", "s7", "s9"]
    assert check([out]) == []
    with pytest.raises(UsageError, match=r"is there already; .* --overwrite"):
        merge([folder], out)
    assert merge([folder], tmp_path / "new" / "all.parquet") == 3
    out.write_bytes(b"older")
    assert merge([folder], out, overwrite=True) == 3
    with pytest.raises(UsageError, match="is read by this command"):
        merge([folder, out], out, overwrite=True)


def test_merge_on_a_full_disk_leaves_nothing(folder, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("proofsearch.storage.outputs.os.fsync", full)
    with pytest.raises(StorageError, match=r"all\.parquet: .*No space left on device; nothing was written"):
        merge([folder], tmp_path / "all.parquet")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("outcome", 77, "an unknown outcome"),
        ("target", 10_000, "a target beyond"),
        ("target", None, "none although it did"),
        ("logprob", 0.5, "a log-probability above 0"),
        ("logprob", float("nan"), "node 0: column 'edges.logprob' is nan, expected a finite number"),
    ],
)
def test_edges_that_no_search_made_are_found(folder, tmp_path, field, value, message):
    table = next(iter(read_searches([folder]))).table
    edges = table.column("edges").to_pylist()
    edges[0][0][field] = value
    write_file(tmp_path / "bad.parquet", [replaced(table, "edges", pa.array(edges, table.schema.field("edges").type))])
    assert any(message in problem.message for problem in check([tmp_path / "bad.parquet"]))
