"""The observer ``log``: every line is an object, whoever writes it, and says what happened."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from proofsearch.builtins.log import Log
from proofsearch.config import LimitConfig, RunConfig, SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.protocols import RunInfo, TheoremResult
from proofsearch.testing import CountdownConfig, CountdownEnvironment, ListedTactics
from proofsearch.types import Verdict


def searched(log: Log) -> SearchResult:
    environment = CountdownEnvironment(CountdownConfig())
    theorem = environment.theorem("zero-3")
    with closing(environment.open(theorem)) as session:
        config = SearchConfig(limit=LimitConfig(expansions=4), batch=2)
        return search(theorem, session, ListedTactics(), config=config, observers=[log])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_search_begins_and_ends(tmp_path: Path) -> None:
    with closing(Log(tmp_path / "log")) as log:
        result = searched(log)
    first, last = lines(tmp_path / "log")
    assert (first["event"], first["theorem"]) == ("search started", "zero-3")
    assert (last["event"], last["status"], last["limit"]) == ("search finished", "limit", "expansions")
    assert (last["expansions"], last["nodes"]) == (4, result.nodes)
    assert first["time"] <= last["time"]


def test_expansions_are_written_where_that_is_wanted(tmp_path: Path) -> None:
    with closing(Log(tmp_path / "log", expansions=True)) as log:
        graph = searched(log).graph
    written = [line for line in lines(tmp_path / "log") if line["event"] == "expanded"]
    assert [line["node"] for line in written] == list(graph.expanded)
    assert [line["expansion"] for line in written] == [1, 2, 3, 4]
    assert [line["depth"] for line in written] == [graph.depth[node] for node in graph.expanded]
    assert [line["tried"] for line in written] == [len(graph.edge_range(node)) for node in graph.expanded]
    assert all(line["value"] is None for line in written)


def test_a_run_is_counted(tmp_path: Path) -> None:
    run = RunInfo(tmp_path / "run", RunConfig(), 2, 0)
    results = {
        "a": TheoremResult("a", "proved", Verdict(True, "checker")),
        "b": TheoremResult("b", "failed", failure="crashed"),
    }
    with closing(Log(tmp_path / "log")) as log:
        log.run_started(run)
        for result in results.values():
            log.searched(result)
        log.run_finished(run, results)
    events = [(line["event"], line.get("ending"), line.get("proved")) for line in lines(tmp_path / "log")]
    assert events == [
        ("run started", None, None),
        ("recorded", "proved", None),
        ("recorded", "crashed", None),
        ("run finished", None, 1),
    ]


def test_what_is_there_is_added_to_and_nothing_to_say_makes_no_file(tmp_path: Path) -> None:
    Log(tmp_path / "log").close()
    assert not (tmp_path / "log").exists()
    for _ in range(2):
        with closing(Log(tmp_path / "log")) as log:
            searched(log)
    assert [line["event"] for line in lines(tmp_path / "log")] == ["search started", "search finished"] * 2
