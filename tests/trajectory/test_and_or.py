"""Would catch: a step to several states that loses some in the file, one of them taken for the proof of all, and files
of the version before that can't be read any more."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.errors import InputError
from proofsearch.graph import check_graph
from proofsearch.trajectory.choices import choices
from proofsearch.trajectory.labels import POSITIVE, LabelledEdges, decisions, distances, label
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.schema import SCHEMA, VERSION_KEY
from proofsearch.trajectory.summary import check, summarize
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.trajectory.writer import to_bytes
from proofsearch.types import OutcomeKind, Verdict
from tests.engine.parts import PartsSession, Rules, RulesGenerator, random_rules

from .test_round_trip import assert_same

A, F = OutcomeKind.ADVANCED, OutcomeKind.FINISHED


def run(rules: Rules, theorem, **limit: int) -> SearchResult:
    config = SearchConfig.model_validate({"strategy": "and-or", "limit": limit})
    session = PartsSession(rules)
    return search(
        theorem,
        session,
        RulesGenerator(rules),
        config=config,
        accept=lambda path: (Verdict(True, "gullible 1.0"), None),
    )


def recorded(result: SearchResult, theorem, search_id: str = "s") -> pa.Table:
    return to_table(result.graph, result, theorem, Origin(), search_id=search_id)


@pytest.mark.parametrize("seed", range(15))
def test_a_search_survives_the_file(seed, theorem, tmp_path):
    result = run(random_rules(seed), theorem)
    file = tmp_path / "one.parquet"
    file.write_bytes(to_bytes(recorded(result, theorem)))
    (one,) = read_searches([file])
    redrawn = one.graph()
    check_graph(redrawn)
    assert_same(result.graph, redrawn)
    assert redrawn.edge_also == result.graph.edge_also
    assert check([file]) == []
    summary = summarize([file])
    assert summary.merged == sum(len(redrawn.targets(edge)) for edge in range(redrawn.num_edges)) - one.num_nodes + 1


def test_the_proof_is_a_tree():
    """root by a and b, a by c, b by c: what else was tried is not on the proof, and c counts twice."""
    rules = Rules().rule("root", -0.5, "a", "b").rule("root", -0.1, "dead").rule("a", -0.1, "c").rule("b", -0.1, "c")
    rules.rule("c", -0.1).rule("dead", -0.1, "dead")
    from .conftest import THEOREM

    result = run(rules, THEOREM)
    one = RecordedSearch(recorded(result, THEOREM))
    on = {one.text[node] for node in range(one.num_nodes) if one.on_proof[node]}
    assert on == {"root", "a", "b", "c"}
    remaining = dict(zip(one.text, one.labels.remaining, strict=True))
    assert {text: remaining[text] for text in on} == {"root": 5, "a": 2, "b": 2, "c": 1}
    assert remaining["dead"] == -1
    assert one.proved
    proof = {one.text[one.edges.source[edge]]: one.edges.tactic[edge] for edge in one.proof()}
    assert proof == {"root": "root by a b", "a": "a by c", "b": "b by c", "c": "c by itself"}
    assert one.edges.outcome[one.proof_edge] == A  # b was last, and c was proved before
    assert list(choices(one)) == []  # a step to a and b is no choice of one state


@pytest.mark.parametrize("seed", range(40))
def test_the_proof_proves(seed, theorem):
    """Catches a branch of the proof taken for all of it, and steps on the way to a part that prove nothing."""
    rules = random_rules(seed)
    one = RecordedSearch(recorded(run(rules, theorem), theorem))
    proof = one.proof()
    assert bool(proof) == one.proved
    known: set[int] = set()
    for _ in proof:
        known |= {int(one.edges.source[edge]) for edge in proof if known.issuperset(one.edges.targets(edge))}
    assert known == {one.edges.source[edge] for edge in proof}
    assert not proof or 0 in known
    assert all(one.on_proof[node] for node in known)


def test_damage_is_named(theorem, tmp_path):
    """Catches targets that no node has, and a proof's last step that leads to something unproved."""
    rules = Rules().rule("root", -0.5, "a", "b").rule("a", -0.1).rule("b", -0.1)
    table = recorded(run(rules, theorem), theorem)
    rows = table.column("edges").to_pylist()
    rows[0][0]["also"] = [99]
    at = SCHEMA.get_field_index("edges")
    broken = table.set_column(at, SCHEMA.field(at), pa.array(rows, SCHEMA.field(at).type))
    with pytest.raises(InputError, match=r"search s: damaged: edge 0 leads to \[99\] as well; expected some of the 3"):
        RecordedSearch(broken).graph()
    at = SCHEMA.get_field_index("proof_edge")
    first = table.set_column(at, SCHEMA.field(at), pa.array([0] * table.num_rows, pa.int32()))
    (tmp_path / "first.parquet").write_bytes(to_bytes(first))
    assert [problem.message for problem in check([tmp_path / "first.parquet"])] == [
        "proof_edge 0 is no edge that finished"
    ]


@pytest.mark.parametrize("offset", [0, 3])
@pytest.mark.parametrize(("version", "missing"), [(1, {"also", "seconds"}), (2, {"seconds"})])
def test_earlier_versions_are_read(searched, theorem, tmp_path, offset, version, missing):
    """Edges without the later fields, written here as versions before did; with rows before it, too."""
    graph, result = searched(4, 10)
    graph.edge_seconds.clear()
    table = to_table(graph, result, theorem, Origin(), search_id="s")
    edge_1 = pa.struct([field for field in SCHEMA.field("edges").type.value_type if field.name not in missing])
    field = pa.field("edges", pa.list_(pa.field("element", edge_1, nullable=False)), nullable=False)
    rows = [[{k: v for k, v in edge.items() if k not in missing} for edge in row] for row in table["edges"].to_pylist()]
    column = pa.concat_arrays([pa.array(rows[:offset], field.type), pa.array(rows, field.type)])[offset:]
    old = table.set_column(SCHEMA.get_field_index("edges"), field, column)
    pq.write_table(old.replace_schema_metadata({VERSION_KEY: b"%d" % version}), tmp_path / "old.parquet")
    (one,) = read_searches([tmp_path / "old.parquet"])
    assert one.table.schema.equals(SCHEMA)
    assert_same(graph, one.graph())
    # A file that says the next version has no such excuse.
    pq.write_table(old.replace_schema_metadata({VERSION_KEY: b"%d" % (version + 1)}), tmp_path / "odd.parquet")
    with pytest.raises(InputError, match=r"column 'edges' has no field '(also|seconds)'; add it"):
        list(read_searches([tmp_path / "odd.parquet"]))


@st.composite
def and_or_graphs(draw):
    """Edges to one or several of a few nodes, with cycles, and finishing ones."""
    nodes = draw(st.integers(1, 8))
    some = st.lists(st.integers(0, nodes - 1), max_size=3, unique=True)
    rows = draw(st.lists(st.tuples(st.integers(0, nodes - 1), some), max_size=20))
    edges = LabelledEdges(
        [source for source, _ in rows],
        [targets[0] if targets else -1 for _, targets in rows],
        [int(A if targets else F) for _, targets in rows],
        {edge: tuple(targets[1:]) for edge, (_, targets) in enumerate(rows) if len(targets) > 1},
    )
    return nodes, edges


@settings(max_examples=400)
@given(and_or_graphs())
def test_distances_are_those_of_the_smallest_proofs(graph):
    """Catches a node called provable because one of several parts is, a cycle that proves itself, and a detour."""
    nodes, edges = graph
    slow = [10**9] * nodes
    for _ in range(nodes + 1):
        for edge, source in enumerate(edges.source):
            slow[source] = min(slow[source], 1 + sum(slow[target] for target in edges.targets(edge)))
    expected = [steps if steps < 10**9 else -1 for steps in slow]
    assert distances(nodes, edges) == expected
    labels = label([True] * nodes, edges, proved=True)
    assert [found == POSITIVE for found in labels.label] == [steps > 0 for steps in expected]
    for decision in decisions([True] * nodes, edges, labels):
        assert not any(edge in edges.also for edge in decision.edges)
