"""A search as the page takes it: nothing lost, nothing mixed up, and large ones cut where it hurts least."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proofsearch.config import SearchConfig
from proofsearch.engine import search as run_search
from proofsearch.evaluation.report.tree import MAX_TEXT, clipped, kept, tree_data
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.types import OutcomeKind, Theorem, Verdict
from tests.engine.parts import PartsSession, RulesGenerator, random_rules


@pytest.fixture
def searches(runs: Callable[[str], Path]) -> list[RecordedSearch]:
    return [*read_searches([runs("random"), runs("unproved")])]


def test_columns_are_those_of_the_search(searches: list[RecordedSearch]) -> None:
    assert {search.proved for search in searches} == {True, False}
    for search in searches:
        tree = tree_data(search)
        assert tree["total"] == len(tree["text"]) == search.num_nodes
        assert tree["text"] == search.text
        assert tree["expansion"] == search.expansion.tolist()
        assert tree["logprob"] == pytest.approx(search.logprob.tolist(), rel=1e-5)
        assert [math.isnan(value) for value in search.value] == [value is None for value in tree["value"]]
        assert [node for node in range(search.num_nodes) if search.on_proof[node]] == tree["proof"]


def test_ways_to_nodes_add_up(searches: list[RecordedSearch]) -> None:
    for search in searches:
        tree = tree_data(search)
        assert (tree["parent"][0], tree["tactic"][0]) == (-1, -1)
        for node in range(1, search.num_nodes):
            above = tree["parent"][node]
            assert tree["logprob"][above] + tree["step"][node] == pytest.approx(tree["logprob"][node], abs=1e-4)
            edge = int(search.best_edge[node])
            assert tree["strings"][tree["tactic"][node]] == search.edges.tactic[edge]
            assert above == search.edges.source[edge]


def test_every_step_is_somewhere(searches: list[RecordedSearch]) -> None:
    for search in searches:
        tree = tree_data(search)
        assert search.num_nodes - 1 + len(tree["also"]) + len(tree["ends"]) == len(search.edges)
        rejected = [end for end in tree["ends"] if end[1] == OutcomeKind.REJECTED]
        assert rejected
        assert all("does not apply" in tree["strings"][message] for *_, message in rejected)
        for node, source, _ in tree["also"]:
            assert source in search.parents[node]


def test_the_step_that_finished_the_proof_is_named(searches: list[RecordedSearch]) -> None:
    for search in searches:
        tree = tree_data(search)
        if not search.proved:
            assert tree["finish"] == -1
            continue
        source, outcome, tactic, _, _ = tree["ends"][tree["finish"]]
        assert outcome == OutcomeKind.FINISHED
        assert source == search.edges.source[search.proof_edge]
        assert tree["strings"][tactic] == search.edges.tactic[search.proof_edge]
        assert source in tree["proof"]


def test_a_node_is_born_in_the_first_expansion_that_met_it(searches: list[RecordedSearch]) -> None:
    for search in searches:
        born = tree_data(search)["born"]
        assert born[0] == -1
        for node in range(1, search.num_nodes):
            assert born[node] == min(search.expansion[parent] for parent in search.parents[node])


@pytest.mark.parametrize("most", [1, 2, 5, 9, 20])
def test_what_is_kept_of_a_large_search_hangs_together_and_has_the_proof(
    searches: list[RecordedSearch], most: int
) -> None:
    for search in searches:
        keep = kept(search, most)
        assert keep.tolist() == sorted(set(keep.tolist()))
        assert keep[0] == 0
        tree = tree_data(search, most)
        assert tree["total"] == search.num_nodes
        assert [tree["text"][at] for at in range(len(keep))] == [search.text[node] for node in keep]
        assert all(0 <= above < len(keep) for above in tree["parent"][1:]), "a node's way is cut off"
        proof = np.flatnonzero(search.on_proof)
        if len(proof) <= most:
            assert set(proof.tolist()) <= set(keep.tolist())
        if len(keep) < search.num_nodes:
            # Nothing expanded is left out for the sake of something that was not.
            left_out = np.setdiff1d(np.flatnonzero(search.expanded), keep)
            assert not len(left_out) or not np.setdiff1d(keep[~search.expanded[keep]], proof).size


def test_the_slowest_steps_are_listed_slowest_first() -> None:
    """Catches steps of others, and one whose node is not shown."""
    rules, theorem = random_rules(1), Theorem("fake", "root")
    result = run_search(theorem, PartsSession(rules), RulesGenerator(rules), config=SearchConfig())
    graph = result.graph
    assert graph.num_edges > 4
    table = to_table(graph, result, theorem, Origin(), search_id="s")
    assert tree_data(RecordedSearch(table))["slowest"] == []
    graph.edge_seconds = {0: 0.25, 2: 3.0, 3: 3.0, graph.num_edges - 1: 12.34567}
    tree = tree_data(RecordedSearch(to_table(graph, result, theorem, Origin(), search_id="s")))
    assert [tuple(step[:2]) for step in tree["slowest"]] == [
        (graph.edge_source[edge], graph.edge_outcome[edge]) for edge in (graph.num_edges - 1, 2, 3, 0)
    ]
    assert [tree["strings"][tactic] for _, _, tactic, _ in tree["slowest"]] == [
        graph.edge_tactic[edge] for edge in (graph.num_edges - 1, 2, 3, 0)
    ]
    assert [seconds for *_, seconds in tree["slowest"]] == [12.35, 3.0, 3.0, 0.25]
    graph.edge_seconds = dict.fromkeys(range(graph.num_edges), 1.0)
    small = tree_data(RecordedSearch(to_table(graph, result, theorem, Origin(), search_id="s")), 2)
    assert all(node < len(small["text"]) for node, *_ in small["slowest"])


def test_long_texts_say_how_much_is_missing() -> None:
    assert clipped("a" * MAX_TEXT, MAX_TEXT) == "a" * MAX_TEXT
    assert clipped("abcdef", 4) == "abcd … (2 more characters)"


@pytest.mark.parametrize("seed", range(12))
def test_steps_to_several_parts_are_all_there(seed: int) -> None:
    """Catches a part that is met beside another being left out, or said to be met later than it was."""
    rules, theorem = random_rules(seed), Theorem("fake", "root")
    config = SearchConfig.model_validate({"strategy": "and-or"})
    result = run_search(
        theorem,
        PartsSession(rules),
        RulesGenerator(rules),
        config=config,
        accept=lambda path: (Verdict(True, "any 1.0"), None),
    )
    graph = result.graph
    search = RecordedSearch(to_table(graph, result, theorem, Origin(), search_id="s"))
    tree = tree_data(search)
    ways = [(edge, target) for edge in range(graph.num_edges) for target in graph.targets(edge)]
    assert graph.num_nodes - 1 + len(tree["also"]) == len(ways)
    assert len(tree["ends"]) == sum(target < 0 for target in graph.edge_target)
    first = {target: edge for edge, target in reversed(ways) if target}
    assert tree["born"] == [-1, *(graph.expanded_at[graph.edge_source[first[n]]] for n in range(1, graph.num_nodes))]
