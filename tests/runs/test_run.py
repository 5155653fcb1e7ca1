"""A whole run without the command line: what is recorded, how it is gone on with, and what decides its results."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from installing import Site
from runfolders import without_hashes

from proofsearch.config import RunConfig
from proofsearch.engine.watching import Watching
from proofsearch.errors import PluginError, RunFolderError, StorageError
from proofsearch.protocols import TheoremResult
from proofsearch.protocols.events import Began, Event, Glimpse, Preparing, Recorded
from proofsearch.runs import RunFolder
from proofsearch.runs.folder import Recording
from proofsearch.runs.recording import Recorder
from proofsearch.runs.run import resume_search, run_search
from proofsearch.runs.verification import verify_run
from proofsearch.runs.worker import Searched
from proofsearch.trajectory.summary import check, summarize

pytestmark = pytest.mark.usefixtures("fake_prover")

HANGS = 600.0
"""Seconds that only a hang reaches."""


def config(mode: str = "threads", **fields: Any) -> RunConfig:
    """A configuration on the test prover; threads, which start fast, unless processes matter."""
    fields.setdefault("select", {"split": "all"})
    fields.setdefault("execution", {"workers": 2})
    fields["options"] = {"local": {"mode": mode}, **fields.get("options", {})}
    return RunConfig(**{"env": "fake", "generator": "fake", "scorer": "small", **fields})


def comparable(path: Path) -> dict[str, TheoremResult]:
    """A run's results without what differs between two equal runs: times and random ids."""
    return {
        name: dataclasses.replace(result, seconds=0.0, seconds_by_part={}, search_id="")
        for name, result in sorted(RunFolder.open(path).results().items())
    }


def proofs(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (path / "proofs").iterdir()}


def test_a_run_searches_records_and_can_be_verified(tmp_path: Path) -> None:
    events: list[Event] = []
    summary = run_search(config("processes"), tmp_path / "run", on_event=events.append)
    assert summary.proved == summary.theorems == 20
    assert events[0] == Preparing("counting to 2", 2, 2)
    assert isinstance(events[1], Began)
    assert {event.result.theorem for event in events[2:] if isinstance(event, Recorded)} == set(summary.results)

    folder = RunFolder.open(tmp_path / "run")
    assert folder.status == "finished"
    assert folder.config.options["fake"]["size"] == 20, "defaults are kept with the run"
    assert len(proofs(folder.path)) == 20
    found = verify_run(folder.path)
    assert len(found.verdicts) == 20
    assert found.refused == {}
    assert check([folder.path]) == []
    assert summarize([folder.path]).proved == 20


@pytest.mark.parametrize("mode", ["threads", "processes"])
def test_a_run_that_is_watched_tells_where_searches_are_and_finds_the_same(tmp_path: Path, mode: str) -> None:
    events: list[Event] = []
    run_search(config(mode), tmp_path / "watched", on_event=events.append, live=True)
    glimpses = [event for event in events if isinstance(event, Glimpse)]
    # Each worker tells at least of its first theorem's root: at once, whatever the time.
    first = glimpses[0]
    assert (first.expansions, first.depth, first.num_goals) == (0, 0, 1)
    assert first.theorem in RunFolder.open(tmp_path / "watched").results()
    assert first.text.endswith("is 0")
    of_first = [event for event in events if event is first or isinstance(event, Recorded)]
    assert isinstance(of_first[0], Glimpse), "a search is seen before its result is"

    run_search(config(mode), tmp_path / "unwatched", on_event=events.append)
    assert sum(isinstance(event, Glimpse) for event in events) == len(glimpses)
    assert comparable(tmp_path / "watched") == comparable(tmp_path / "unwatched")


def test_trajectories_can_be_left_out(tmp_path: Path) -> None:
    run_search(config(trajectories=False), tmp_path / "run")
    assert list((tmp_path / "run" / "trajectories").iterdir()) == []


@pytest.mark.parametrize(("mode", "workers"), [("threads", 1), ("threads", 3), ("processes", 2)])
def test_workers_and_order_decide_nothing(tmp_path: Path, mode: str, workers: int) -> None:
    run_search(config(), tmp_path / "a")
    run_search(config(mode, execution={"workers": workers}), tmp_path / "b")
    assert comparable(tmp_path / "a") == comparable(tmp_path / "b")
    assert proofs(tmp_path / "a") == proofs(tmp_path / "b")


def test_the_seed_decides(tmp_path: Path) -> None:
    run_search(config(scorer="logprob"), tmp_path / "a")
    run_search(config(scorer="logprob", seed=1), tmp_path / "b")
    assert [result.expansions for result in comparable(tmp_path / "a").values()] != [
        result.expansions for result in comparable(tmp_path / "b").values()
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("search", {"candidates": 1}),
        ("search", {"batch": 3}),
        ("search", {"max_depth": 3}),
        ("search", {"limit": {"expansions": 2}}),
        ("search", {"limit": {"steps": 4}}),
        ("search", {"limit": {"model_calls": 4}}),
        ("search", {"limit": {"seconds": 1e-9}}),
        ("search", {"priority": {"kind": "logprob"}}),
        ("scorer", "random"),
        ("options", {"fake": {"offset": 4}}),
        ("options", {"fake": {"refuse": True}}),
    ],
)
def test_a_setting_reaches_the_searches(tmp_path: Path, field: str, value: Any) -> None:
    run_search(config(), tmp_path / "a")
    run_search(config(**{field: value}), tmp_path / "b")
    assert comparable(tmp_path / "a") != comparable(tmp_path / "b")


def test_a_refused_proof_lets_the_search_go_on_and_is_no_proof(tmp_path: Path) -> None:
    summary = run_search(config(options={"fake": {"refuse": True, "size": 4}}), tmp_path / "run")
    assert summary.proved == 0
    assert all(result.refused > 0 and result.status != "proved" for result in summary.results.values())
    assert proofs(tmp_path / "run") == {}


def test_theorems_whose_worker_fails_are_recorded_and_the_others_searched(tmp_path: Path) -> None:
    chosen = config("processes", options={"fake": {"misbehaving": True}}, execution={"workers": 2, "attempts": 2})
    summary = run_search(chosen, tmp_path / "run")
    assert summary.proved == 20
    failures = {result.theorem: result for result in summary.failures}
    assert (failures["crashes"].failure, failures["crashes"].attempts) == ("crashed", 2)
    assert (failures["raises"].failure, failures["raises"].attempts) == ("error", 1)
    assert "a bug in the prover" in failures["raises"].message


def test_failures_are_searched_again_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "run"
    log = tmp_path / "log"
    run_search(config("processes", options={"fake": {"misbehaving": True, "log": str(log)}}), path)
    log.unlink()
    resume_search(path)
    assert not log.exists()
    assert len(resume_search(path, retry_failures=True).failures) == 2
    assert set(log.read_text().split()) == {"crashes", "raises"}


def test_a_finished_run_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    run_search(config(), tmp_path / "run")
    before = comparable(tmp_path / "run")
    events: list[Event] = []
    summary = resume_search(tmp_path / "run", on_event=events.append)
    assert events == [Began(tmp_path / "run", 20, 20, 20, None)]
    assert comparable(tmp_path / "run") == before
    assert summary.proved == 20


def test_a_run_is_not_gone_on_with_on_another_library(tmp_path: Path) -> None:
    path = tmp_path / "run"
    run_search(config(options={"fake": {"size": 4}}), path)
    lines = (path / "results.jsonl").read_text().splitlines(keepends=True)
    (path / "results.jsonl").write_text("".join(lines[:2]))
    without_hashes(path)
    toml = (path / "config.toml").read_text()
    (path / "config.toml").write_text(toml.replace("offset = 3", "offset = 5"))
    with pytest.raises(RunFolderError, match=r"the environment has changed since the run began: offset was '3'"):
        resume_search(path)


def test_verification_reads_the_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "run"
    run_search(config(options={"fake": {"size": 6}}), path)
    (path / "proofs" / "reach-1.proof").write_text("dec")
    (path / "proofs" / "reach-2.proof").unlink()
    without_hashes(path)
    theorems = (path / "theorems.jsonl").read_text()
    (path / "theorems.jsonl").write_text(theorems.replace('"13 is 0"', '"1 is 0"'))
    found = verify_run(path)
    assert {name: verdict.message for name, verdict in found.refused.items()} == {
        "reach-1": "does not reach 0",
        "reach-2": f"{path / 'proofs' / 'reach-2.proof'}: can't be read: No such file or directory",
        "reach-3": "the theorem now says '13 is 0'; the run searched '1 is 0'",
    }


def test_an_unknown_component_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="no scorer is named 'smal'"):
        run_search(config(scorer="smal"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_full_disk_keeps_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run"
    kept: set[str] = set()
    original = RunFolder.record_all

    def record_all(self: RunFolder, recordings: Sequence[Recording]) -> list[TheoremResult]:
        if len(kept) >= 5 and recordings:
            monkeypatch.setattr("proofsearch.storage.files.os.fsync", full)
        results = original(self, recordings)
        kept.update(result.theorem for result in results)
        return results

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "record_all", record_all)
    with pytest.raises(StorageError, match="No space left on device"):
        run_search(config(), path)
    monkeypatch.undo()
    assert set(RunFolder.open(path).results()) == kept


def test_results_that_wait_are_recorded_together_and_each_is_told(tmp_path: Path) -> None:
    """The first two come together, the third alone; after the fifth an error ends the run while another waits."""

    class Executor:
        waiting = iter([1, 0, 0, 1, 1])

        def results_waiting(self) -> int:
            return next(self.waiting)

    written: list[list[str]] = []

    class Folder:
        def record_all(self, recordings: Sequence[Recording]) -> list[TheoremResult]:
            written.append([recording.result.theorem for recording in recordings])
            return [recording.result for recording in recordings]

    told: list[str] = []

    def tell(event: Event) -> None:
        assert isinstance(event, Recorded)
        told.append(event.result.theorem)
        assert told[-1] in written[-1]

    observers = Watching([], tell)
    folder, executor = Folder(), Executor()
    with pytest.raises(ValueError, match="another"), Recorder(folder, executor, observers, tell) as recorder:  # type: ignore[arg-type]
        for name in "abcde":
            recorder.take(Searched(TheoremResult(name, "exhausted")))
        raise ValueError("another")
    assert written == [["a", "b"], ["c"], ["d", "e"]]
    assert told == list("abcde")


def test_a_run_killed_at_any_moment_and_gone_on_with_equals_one_that_was_not(tmp_path: Path, fake_prover: Site) -> None:
    run_search(config(), tmp_path / "whole")
    path, hold = tmp_path / "killed", tmp_path / "hold"
    begun = [sys.executable, "-m", "proofsearch", "search", "--env", "fake", "--generator", "fake", "--scorer", "small"]
    begun += ["--split", "all", "--workers", "2", "--fake-delay", "0.004", "--fake-hold", str(hold), "-q"]
    begun += ["--out", str(path)]
    resumed = [sys.executable, "-m", "proofsearch", "search", "--resume", str(path), "-q"]
    hold.touch()  # so that the run is not over before it is killed
    file = path / "results.jsonl"
    for results in (0, 1, 4, 9, 15):
        command = resumed if (path / "run.json").exists() else begun
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ) as process:
            end = time.monotonic() + HANGS
            while not file.exists() or file.read_bytes().count(b"\n") < results:
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.002)
            process.kill()
    hold.unlink()
    summary = resume_search(path)
    assert len(summary.results) == summary.theorems == 20
    assert RunFolder.open(path).status == "finished"
    assert comparable(path) == comparable(tmp_path / "whole")
    assert proofs(path) == proofs(tmp_path / "whole")
    assert check([path]) == []
    assert summarize([path]).searches == 20
