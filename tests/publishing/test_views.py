"""Would catch: a plain row that says something else than the search that it was taken from."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from proofsearch.engine import SearchResult, SearchStatus
from proofsearch.graph import Refused, SearchGraph
from proofsearch.publishing import views
from proofsearch.publishing.views import preferences, steps
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.types import Crashed, Finished, Goal, Outcome, Rejected, State, Theorem, TimedOut, Verdict

THEOREM = Theorem("t", "⊢ root", split="train")
FINISHED = Finished()


def state(name: str) -> State:
    return State(name, (Goal(name),))


def expand(graph: SearchGraph, node: int, tried: dict[str, str | tuple[str, ...] | Outcome | Refused]) -> None:
    """Expands a node; a step leads to a state, to several, or fails. The first is the likeliest."""
    before = graph.num_nodes
    reached = [(led,) if isinstance(led, str) else led for led in tried.values() if isinstance(led, str | tuple)]
    failures: dict[int, Any] = {
        place: led for place, led in enumerate(tried.values()) if not isinstance(led, str | tuple)
    }
    logprobs = [-0.5 * (place + 1) for place in range(len(tried))]
    made = [state(name) for names in reached for name in names]
    graph.expand(node, list(tried), logprobs, [1] * len(tried), made, failures, 1.0, [len(names) for names in reached])
    graph.priority.extend([math.nan] * (graph.num_nodes - before))


def recorded(graph: SearchGraph, tactics: tuple[str, ...] | None) -> RecordedSearch:
    values: dict[str, Any] = {entry.name: 0 for entry in dataclasses.fields(SearchResult)}
    values |= {"theorem": "t", "status": SearchStatus.PROVED if tactics else SearchStatus.LIMIT, "limit_hit": None}
    values |= {"tactics": tactics, "verdict": Verdict(True, "checker") if tactics else None, "graph": graph}
    table = to_table(graph, SearchResult(**values), THEOREM, Origin(), search_id="s", min_expansions=1)
    return RecordedSearch(table)


def small(finish: Outcome | Refused = FINISHED) -> SearchGraph:
    graph = SearchGraph(state("root"))
    graph.priority[0] = math.nan
    root: dict[str, str | tuple[str, ...] | Outcome | Refused] = {
        "good": "a",
        "bad": "b",
        "open": "c",
        "both": ("a", "c"),
        "two": ("a", "d"),
        "no": Rejected("does not apply"),
        "slow": TimedOut("after 10 s"),
        "crash": Crashed(),
    }
    expand(graph, 0, root)
    expand(graph, 2, {"x": Rejected()})  # b, without a way on
    expand(graph, 1, {"back": "root", "step": "d"})
    expand(graph, 4, {"end": finish})
    return graph


def rows(search: RecordedSearch) -> dict[str, dict[str, Any]]:
    return {row["tactic"]: row for row in steps(search).to_pylist()}


def test_a_row_a_step_in_the_order_in_which_they_were_tried() -> None:
    table = steps(recorded(small(), ("good", "step", "end")))
    assert table.schema == views.STEPS
    names = ["good", "bad", "open", "both", "two", "no", "slow", "crash", "x", "back", "step", "end"]
    assert table.column("tactic").to_pylist() == names
    assert table.column("edge").to_pylist() == list(range(len(names)))
    assert set(table.column("theorem").to_pylist()) == {"t"}
    assert set(table.column("split").to_pylist()) == {"train"}


def test_what_a_step_is_said_to_have_done() -> None:
    found = rows(recorded(small(), ("good", "step", "end")))
    said = {
        name: (row["state"], row["next_state"], row["outcome"], row["label"], row["remaining"])
        for name, row in found.items()
    }
    assert said == {
        "good": ("root", "a", "advanced", "positive", 2),
        "bad": ("root", "b", "advanced", "negative", None),
        "open": ("root", "c", "advanced", "unknown", None),
        "both": ("root", "a\n\nc", "advanced", "unknown", None),
        "two": ("root", "a\n\nd", "advanced", "positive", 3),
        "no": ("root", None, "rejected", "negative", None),
        "slow": ("root", None, "timed_out", "unknown", None),
        "crash": ("root", None, "crashed", "unknown", None),
        "x": ("b", None, "rejected", "negative", None),
        "back": ("a", "root", "advanced", "positive", 3),
        "step": ("a", "d", "advanced", "positive", 1),
        "end": ("d", None, "finished", "positive", 0),
    }
    assert found["no"]["message"] == "does not apply"
    assert found["x"]["message"] is None or found["x"]["message"] == ""
    assert found["good"]["logprob"] == -0.5


def test_without_an_accepted_proof_only_what_the_prover_rejected_is_judged() -> None:
    found = rows(recorded(small(Refused("uses an axiom")), None))
    assert {row["label"] for name, row in found.items() if row["outcome"] != "rejected"} == {"unknown"}
    assert {row["label"] for name, row in found.items() if row["outcome"] == "rejected"} == {"negative"}
    assert found["end"]["outcome"] == "refused"


def test_a_pair_prefers_what_led_to_the_proof_to_what_did_not() -> None:
    table = preferences(recorded(small(), ("good", "step", "end")))
    assert table.schema == views.PREFERENCES
    pairs = [
        (
            row["prompt"],
            row["chosen"],
            row["rejected"],
            row["chosen_state"],
            row["rejected_state"],
            row["rejected_label"],
        )
        for row in table.to_pylist()
    ]
    # Likeliest first of those to be avoided. At "a" there was one child: the root was expanded before, no choice.
    assert pairs == [
        ("root", "good", "bad", "a", "b", "negative"),
        ("root", "good", "open", "a", "c", "unknown"),
    ]


def test_a_search_without_a_proof_has_no_pairs() -> None:
    assert preferences(recorded(small(Refused("no")), None)).num_rows == 0


def test_a_decision_with_many_children_has_few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = SearchGraph(state("root"))
    graph.priority[0] = math.nan
    expand(graph, 0, {"good": "a"} | {f"t{index}": f"s{index}" for index in range(40)})
    expand(graph, 1, {"end": Finished()})
    table = preferences(recorded(graph, ("good", "end")))
    assert table.column("rejected").to_pylist() == [f"t{index}" for index in range(views.MOST_PAIRS)]
