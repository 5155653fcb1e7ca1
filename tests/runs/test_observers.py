"""Observers in whole runs: what they are told, and that nothing they do changes what is found."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from installing import Site

from proofsearch.config import RunConfig
from proofsearch.errors import UsageError
from proofsearch.protocols import TheoremResult
from proofsearch.protocols.events import Event, Warned
from proofsearch.runs import RunFolder
from proofsearch.runs.run import resume_search, run_search
from proofsearch.trajectory.reader import read_searches

pytestmark = pytest.mark.usefixtures("fake_prover", "watchers")

METHODS = ["started", "expanded", "finished", "run_started", "searched", "run_finished", "close"]


@pytest.fixture
def watchers(site: Site) -> None:
    site.install("fake-watchers", {"notes": "fakewatchers"})


def config(path: Path, mode: str = "threads", observers: tuple[str, ...] = ("notes",), **notes: Any) -> RunConfig:
    options: dict[str, dict[str, Any]] = {"local": {"mode": mode}}
    if "notes" in observers:
        options["notes"] = {"path": path, **notes}
    return RunConfig(
        env="fake",
        generator="fake",
        scorer="small",
        observers=observers,
        select={"split": "all", "limit": 6},  # type: ignore[arg-type]
        execution={"workers": 2},  # type: ignore[arg-type]
        options=options,
    )


def found(path: Path) -> dict[str, Any]:
    """All that a run found, without times, random ids and what is said of observers."""
    results = RunFolder.open(path).results()
    return {
        name: dataclasses.replace(
            result, seconds=0.0, seconds_by_part={}, search_id="", messages=(), warnings=(), traceback=""
        )
        for name, result in sorted(results.items())
    }


def recorded(path: Path) -> dict[str, Any]:
    """The trajectories of a run: every column of every search but times and random ids."""
    kept = {}
    for search in read_searches([path]):
        nodes = {
            name: getattr(search, name).tolist() for name in ("depth", "logprob", "value", "best_edge", "num_tokens")
        }
        kept[search.theorem] = repr((nodes, list(search.edges.tactic), [search.state(n).text for n in range(3)]))
    return kept


@pytest.mark.parametrize("mode", ["threads", "processes"])
def test_an_observer_is_told_of_the_run_and_of_every_search(mode: str, tmp_path: Path) -> None:
    run_search(config(tmp_path / "notes", mode), tmp_path / "run")
    lines = (tmp_path / "notes").read_text().splitlines()
    results = RunFolder.open(tmp_path / "run").results()
    counts = Counter(line.split()[0] for line in lines)
    assert lines[0] == "run_started 6 0"
    assert counts["started"] == counts["finished"] == counts["searched"] == 6
    assert counts["expanded"] == sum(result.expansions for result in results.values())
    assert {line for line in lines if line.startswith("searched")} == {f"searched {name}" for name in results}
    assert "run_finished 6" in lines
    assert counts["close"] == 3, "one in each of the two workers and one that leads"


def test_a_run_that_is_gone_on_with_says_what_was_done(tmp_path: Path) -> None:
    run_search(config(tmp_path / "notes"), tmp_path / "run")
    resume_search(tmp_path / "run")
    assert (tmp_path / "notes").read_text().splitlines()[-3:] == ["run_started 6 6", "run_finished 6", "close"]


@pytest.mark.parametrize("raises", ["error", "usage", "exit"])
@pytest.mark.parametrize("method", METHODS)
def test_one_that_raises_changes_nothing_and_is_said_once(method: str, raises: str, tmp_path: Path) -> None:
    events: list[Event] = []
    notes = {"raises_in": method, "raises": raises}
    run_search(config(tmp_path / "notes", **notes), tmp_path / "run", on_event=events.append)
    run_search(config(tmp_path / "notes", observers=()), tmp_path / "without")
    assert found(tmp_path / "run") == found(tmp_path / "without")
    assert recorded(tmp_path / "run") == recorded(tmp_path / "without")
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"observer 'notes' of plugin 'notes': {method}() raised ")
    assert warnings[0].endswith("; it is told of nothing more")
    results = RunFolder.open(tmp_path / "run").results().values()
    said = [message for result in results for message in result.messages if "observer" in message]
    in_worker = method in METHODS[:3]
    assert (1 <= len(said) <= 2) if in_worker else said == [], "once a worker"
    calls = Counter(line.split()[0] for line in (tmp_path / "notes").read_text().splitlines())
    assert calls["close"] == 3
    assert calls[method] <= (2 if in_worker else 1) or method == "close"


def test_a_search_is_the_same_under_every_observer(tmp_path: Path) -> None:
    observers = ("notes", "log")
    watched = config(tmp_path / "notes", observers=observers)
    options = {**watched.options, "log": {"path": tmp_path / "log", "expansions": True}}
    run_search(watched.model_copy(update={"options": options}), tmp_path / "watched")
    run_search(config(tmp_path / "notes", observers=()), tmp_path / "alone")
    assert found(tmp_path / "watched") == found(tmp_path / "alone")
    assert recorded(tmp_path / "watched") == recorded(tmp_path / "alone")
    both: list[TheoremResult] = [*RunFolder.open(tmp_path / "watched").results().values()]
    assert all(result.warnings == () for result in both)


def test_options_that_an_observer_needs_are_asked_for_at_once(tmp_path: Path) -> None:
    wanting = config(tmp_path / "notes").model_copy(update={"options": {}})
    with pytest.raises(UsageError, match=r"options\.notes\.path"):
        run_search(wanting, tmp_path / "run")
    assert not (tmp_path / "run").exists()
