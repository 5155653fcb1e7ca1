"""Would catch: a column, an edge, a tree or a missing value that does not survive the file."""

from __future__ import annotations

import dataclasses
import io
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.graph import SearchGraph, check_graph
from proofsearch.trajectory.reader import read_searches, split_by_search
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.schema import SCHEMA, VERSION, VERSION_KEY, tree_from_text, tree_to_text
from proofsearch.trajectory.summary import check
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.trajectory.writer import TrajectoryWriter, to_bytes, write_file
from proofsearch.types import Limit, Tree

ORIGIN = Origin("run", "metamath", "knn", "ebm", "ab" * 16, seed=-3, limit=Limit(expansions=20, seconds=1.5))


def assert_same(left: SearchGraph, right: SearchGraph) -> None:
    for name in ("depth", "num_tokens", "best_edge", "expanded_at", "expanded", "edge_source", "edge_target"):
        assert list(getattr(left, name)) == list(getattr(right, name)), name
    for name in (
        "edge_tactic",
        "edge_num_tokens",
        "edge_outcome",
        "edge_message",
        "edge_logprob",
        "logprob",
        "seconds",
    ):
        assert getattr(left, name) == getattr(right, name), name
    for name in ("value", "priority"):
        # repr tells nan from numbers, and 0.0 from -0.0
        assert list(map(repr, getattr(left, name))) == list(map(repr, getattr(right, name))), name
    assert [state.text for state in left.state] == [state.text for state in right.state]
    assert [state.num_goals for state in left.state] == [state.num_goals for state in right.state]
    assert [tuple(state.goals) for state in left.state] == [tuple(state.goals) for state in right.state]
    for node in range(left.num_nodes):
        assert left.edge_range(node) == right.edge_range(node)
        assert left.parents(node) == right.parents(node)
        assert left.path(node) == right.path(node)


@pytest.mark.parametrize("prove", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_graph_survives_the_file(searched, theorem, tmp_path, seed, prove):
    graph, result = searched(seed, 12, prove=prove)
    check_graph(graph)
    file = tmp_path / "one.parquet"
    file.write_bytes(to_bytes(to_table(graph, result, theorem, ORIGIN, search_id="s")))
    (search,) = read_searches([file])
    redrawn = search.graph()
    check_graph(redrawn)
    assert_same(graph, redrawn)
    assert check([file]) == []


def test_facts_of_the_search_survive(searched, theorem, tmp_path):
    graph, result = searched(3, 10)
    write_file(tmp_path / "one.parquet", [to_table(graph, result, theorem, ORIGIN, search_id="s", min_expansions=2)])
    (search,) = read_searches([tmp_path / "one.parquet"])
    assert search.theorem == theorem
    assert (search.search_id, search.run_id, search.status, search.limit_hit) == ("s", "run", "proved", "")
    assert (search.environment, search.generator, search.scorer) == ("metamath", "knn", "ebm")
    assert (search.fingerprint, search.seed, search.limit, search.min_expansions) == ("ab" * 16, -3, ORIGIN.limit, 2)
    assert search.proved
    assert graph.edge_tactic[search.proof_edge] == "exact h"
    walked = [graph.edge_tactic[search.proof_edge]]
    node = graph.edge_source[search.proof_edge]
    nodes = {node}
    while (edge := graph.best_edge[node]) >= 0:
        walked.append(graph.edge_tactic[edge])
        node = graph.edge_source[edge]
        nodes.add(node)
    assert tuple(reversed(walked)) == result.tactics
    assert {node for node, on in enumerate(search.on_proof) if on} == nodes


def test_missing_is_not_zero(searched, theorem):
    graph, result = searched(1, 10)
    graph.value[1], graph.value[2] = math.nan, 0.0
    table = to_table(graph, result, theorem, ORIGIN, search_id="s")
    assert table.column("value")[1].as_py() is None
    assert table.column("value")[2].as_py() == 0.0
    assert table.column("best_edge")[0].as_py() is None
    assert table.column("priority")[0].as_py() is None
    search = RecordedSearch(table)
    assert math.isnan(search.value[1])
    assert search.value[2] == 0.0


def test_recorded_state_is_a_state(searched, theorem):
    graph, result = searched(5, 10)
    search = RecordedSearch(to_table(graph, result, theorem, ORIGIN, search_id="s"))
    for node, (one, of_all) in enumerate(zip(map(search.state, range(search.num_nodes)), search.states(), strict=True)):
        original = graph.state[node]
        assert (one.text, one.num_goals, tuple(one.goals)) == (original.text, original.num_goals, original.goals)
        assert one == of_all
        assert len({one, of_all}) == 1
    assert len({state.key for state in search.states()}) == search.num_nodes


def test_writer_records_only_what_ended_since(searched, theorem):
    writer = TrajectoryWriter(ORIGIN)
    assert writer.take() is None
    graph, result = searched(2, 8)
    writer.started(theorem, graph)
    assert writer.take() is None
    writer.finished(graph, result)
    taken = writer.take()
    assert taken is not None
    assert taken[1].column("search_id").unique().to_pylist() == [taken[0]]
    # A theorem that is closed at once tells observers nothing: it must not get the search before it.
    assert writer.take() is None


def test_unverified_finish_is_not_a_proof(searched, theorem):
    graph, result = searched(2, 8)
    finished = dataclasses.replace(result, status="finished", verdict=None)
    search = RecordedSearch(to_table(graph, finished, theorem, ORIGIN, search_id="s"))
    assert not search.proved
    assert search.proof_edge == -1
    assert set(search.labels.label) == {"unknown"}


def test_file_carries_its_version(searched, theorem):
    graph, result = searched(2, 8)
    content = to_bytes(to_table(graph, result, theorem, ORIGIN, search_id="s"))
    schema = pq.read_schema(io.BytesIO(content))
    assert schema.metadata[VERSION_KEY] == str(VERSION).encode()
    assert schema.equals(SCHEMA)


def test_slices_of_a_table_read_right(searched, theorem):
    """Would catch offsets of slices being ignored, for lists and structs above all."""
    searches = [searched(seed, 9) for seed in range(4)]
    whole = pa.concat_tables(
        [to_table(graph, result, theorem, ORIGIN, search_id=f"s{n}") for n, (graph, result) in enumerate(searches)]
    ).combine_chunks()
    parts = [RecordedSearch(table) for table in split_by_search(whole)]
    assert [part.search_id for part in parts] == ["s0", "s1", "s2", "s3"]
    for part, (graph, _) in zip(parts, searches, strict=True):
        assert_same(graph, part.graph())


@given(st.lists(st.tuples(st.text(), st.integers(0, 300)), min_size=0, max_size=12))
def test_tree_text_is_exact(nodes):
    tree = Tree(tuple(symbol for symbol, _ in nodes), tuple(arity for _, arity in nodes))
    assert tree_from_text(tree_to_text(tree)) == tree


def test_tree_text_is_readable():
    assert tree_to_text(Tree(("wi", "wph", "wps"), (2, 0, 0))) == "wi:2 wph wps"
