"""Steps of whole proofs in a trajectory: marked, at states that still count as not expanded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from proofsearch.engine import SearchResult
from proofsearch.graph import SearchGraph, check_graph
from proofsearch.trajectory.choices import choices
from proofsearch.trajectory.labels import POSITIVE, UNKNOWN
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.summary import check
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.trajectory.writer import to_bytes
from proofsearch.types import Finished, Goal, Outcome, Rejected, State, Theorem

ResultOf = Callable[[SearchGraph, tuple[str, ...] | None], SearchResult]


class Drawing:
    """A graph that is drawn step by step; states are texts."""

    def __init__(self) -> None:
        self.graph = SearchGraph(self.state("root"))

    def state(self, text: str) -> State:
        return State(text, (Goal(text),))

    def step(self, source: str, *targets: str | Outcome, script: int | None = None, replay: bool = True) -> None:
        """Expands a state, or replays steps of a script that was proposed at that place; ``to X`` leads to X."""
        graph, first = self.graph, self.graph.num_edges
        failures = {place: one for place, one in enumerate(targets) if not isinstance(one, str)}
        node = graph.node_of(source)
        assert node is not None
        names = [f"to {one}" if isinstance(one, str) else type(one).__name__ for one in targets]
        states = [self.state(one) for one in targets if isinstance(one, str)]
        replay = replay and script is not None
        graph.expand(node, names, [-1.0] * len(names), [1] * len(names), states, failures, 0.0, replay=replay)
        if script is not None:
            graph.edge_script.update(dict.fromkeys(range(first, graph.num_edges), script))
        graph.priority.extend([0.0] * (graph.num_nodes - len(graph.priority)))


def recorded(graph: SearchGraph, result: SearchResult, file: Path) -> RecordedSearch:
    check_graph(graph)
    table = to_table(graph, result, Theorem("t", "t", split="train"), Origin("run"), search_id="s")
    file.write_bytes(to_bytes(table))
    assert check([file]) == []
    (search,) = read_searches([file])
    return search


def named(search: RecordedSearch, values: Mapping[int, object] | list[object]) -> dict[str, object]:
    return {search.text[node]: values[node] for node in range(search.num_nodes)}


@pytest.fixture
def drawing() -> Drawing:
    """The root is expanded; of two scripts the first fails at ``b``; ``x`` is expanded, and then ``a`` in its turn."""
    drawing = Drawing()
    drawing.step("root", "a", "x")
    drawing.step("a", "b", script=0)
    drawing.step("b", Rejected("no"), script=0)
    drawing.step("x", "y")
    drawing.step("a", "c", "d")
    return drawing


def test_what_a_search_with_scripts_was_survives_the_file(
    drawing: Drawing, result_of: ResultOf, tmp_path: Path
) -> None:
    search = recorded(drawing.graph, result_of(drawing.graph, None), tmp_path / "s.parquet")
    assert named(search, search.expanded.tolist()) == {
        "root": True, "a": True, "b": False, "c": False, "d": False, "x": True, "y": False
    }  # fmt: skip
    assert named(search, search.expansion.tolist()) == {
        "root": 0, "a": 2, "b": -1, "c": -1, "d": -1, "x": 1, "y": -1
    }  # fmt: skip
    assert named(search, search.stepped.tolist())["b"] == 0
    scripted = {search.edges.tactic[edge]: place for edge, place in search.edges.script.items()}
    assert scripted == {"to b": 0, "Rejected": 0}
    redrawn = search.graph()
    check_graph(redrawn)
    assert (redrawn.num_expansions, len(redrawn.replayed)) == (3, 1)
    assert sorted(redrawn.edge_tactic) == sorted(drawing.graph.edge_tactic)
    for node in range(redrawn.num_nodes):
        assert redrawn.path(node) == drawing.graph.path(node)
        assert redrawn.parents(node) == drawing.graph.parents(node)


def test_a_proof_that_a_script_found_makes_positives_and_a_choice(result_of: ResultOf, tmp_path: Path) -> None:
    drawing = Drawing()
    drawing.step("root", "a", "x")
    drawing.step("a", "b", script=0)
    drawing.step("x", Rejected("no"), script=0)
    drawing.step("b", Finished(), script=0)
    graph = drawing.graph
    search = recorded(graph, result_of(graph, ("to a", "to b", "Finished")), tmp_path / "s.parquet")
    # Nothing is known of x: one tactic was tried there, and it wasn't expanded.
    assert named(search, list(search.labels.label)) == {"root": POSITIVE, "a": POSITIVE, "b": POSITIVE, "x": UNKNOWN}
    assert [search.edges.tactic[edge] for edge in search.proof()] == ["to a", "to b", "Finished"]
    (choice,) = choices(search)
    assert [search.text[child] for child in choice.children] == ["a", "x"]
    assert choice.positive == (True, False)


def test_a_search_without_scripts_has_none(result_of: ResultOf, tmp_path: Path) -> None:
    drawing = Drawing()
    drawing.step("root", "a", "x")
    search = recorded(drawing.graph, result_of(drawing.graph, None), tmp_path / "s.parquet")
    assert search.edges.script == {}
    assert search.stepped.tolist() == search.expansion.tolist()
