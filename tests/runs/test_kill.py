"""Would catch: a theorem lost, repeated or half there after a kill, at any moment of writing."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys

import pytest

from proofsearch.config import RunConfig
from proofsearch.errors import RunFolderError
from proofsearch.runs import RunFolder
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.summary import check


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def comparable(result):
    return dataclasses.replace(result, search_id="", seconds=0.0, seconds_by_part={})


def assert_consistent(run, committed):
    """What a reader sees: these results in this order, each with its proof and its trajectory, each search once."""
    results = run.results()
    assert list(results) == committed
    ids = [search.search_id for search in read_searches([run.path])]
    assert len(ids) == len(set(ids))
    assert {result.search_id for result in results.values()} <= set(ids)
    for name in results:
        assert run.proof(name) == f"proof of {name}\r\n"


def test_a_kill_while_recording(run, theorems, record, kills):
    first = record(run, theorems[0])
    with kills(run.path) as snapshots:
        second = record(run, theorems[1])
        third = record(run, theorems[2])
    run.close()
    assert len(snapshots) > 12
    seen = set()
    for folder in snapshots:
        reader = RunFolder.open(folder)
        committed = list(reader.results())
        seen.add(len(committed))
        assert committed == [theorem.name for theorem in theorems[: len(committed)]]
        assert_consistent(reader, committed)
        with RunFolder.open(folder, write=True) as resumed:
            assert resumed.remaining() == theorems[len(committed) :]
            assert_consistent(resumed, committed)
            assert not any(name.endswith(".part") for name in files(folder))
            # Nothing uncommitted is left: a proof, a trajectory and a line for each result, and no more.
            assert len(files(folder / "proofs")) == len(files(folder / "trajectories")) == len(committed)
            for theorem in resumed.remaining():
                record(resumed, theorem)
            resumed.finish()
        finished = RunFolder.open(folder)
        assert finished.status == "finished"
        assert_consistent(finished, [theorem.name for theorem in theorems])
        assert [search.theorem.name for search in read_searches([folder])] == [theorem.name for theorem in theorems]
        for original in (first, second, third):
            assert comparable(finished.results()[original.theorem]) == comparable(original)
        assert check([folder]) == []
    assert seen == {1, 2, 3}


def test_a_kill_while_merging(run, theorems, record, kills):
    ids = [record(run, theorem).search_id for theorem in theorems]
    with kills(run.path) as snapshots:
        run.compact(rows_per_file=8)
        run.finish()
    assert len(snapshots) > 8
    assert len(list(run.trajectories.iterdir())) > 1
    for folder in snapshots:
        reader = RunFolder.open(folder)
        assert sorted(search.search_id for search in read_searches([folder])) == sorted(ids)
        assert_consistent(reader, [theorem.name for theorem in theorems])
        with RunFolder.open(folder, write=True) as resumed:
            assert resumed.remaining() == []
            resumed.finish()
        assert sorted(search.search_id for search in read_searches([folder])) == sorted(ids)
        assert all(name.startswith("part-") for name in files(folder / "trajectories"))
        merged = [search.search_id for path in (folder / "trajectories").iterdir() for search in read_searches([path])]
        assert sorted(merged) == sorted(ids), "a search was merged twice"


def test_a_kill_while_recording_and_merging_in_turn(run, theorems, record, kills, monkeypatch):
    with monkeypatch.context() as patch, kills(run.path) as snapshots:
        patch.setattr("proofsearch.runs.searches.MOST_SINGLES", 2)
        patch.setattr("proofsearch.runs.searches.FEW_SINGLES", 0)
        for theorem in theorems:
            record(run, theorem)
        run.finish()
    assert len(list(run.trajectories.glob("part-*"))) == 2, "the first two, and all that came while those were merged"
    for folder in snapshots:
        committed = list(RunFolder.open(folder).results())
        assert_consistent(RunFolder.open(folder), committed)
        with RunFolder.open(folder, write=True) as resumed:
            assert_consistent(resumed, committed)
            for theorem in resumed.remaining():
                record(resumed, theorem)
            resumed.finish()
        assert_consistent(RunFolder.open(folder), [theorem.name for theorem in theorems])
        merged = [search.search_id for path in (folder / "trajectories").iterdir() for search in read_searches([path])]
        assert len(merged) == len(set(merged)) == len(theorems), "a search is there twice, or not at all"


def test_a_kill_while_creating(tmp_path, theorems, record, kills):
    with kills(tmp_path / "run") as snapshots:
        RunFolder.create(tmp_path / "run", RunConfig(), {}, theorems).close()
    assert len(snapshots) > 8
    for folder in snapshots:
        try:
            run = RunFolder.open(folder, write=True)
        except RunFolderError as error:
            assert "killed before it began; start it again with --out" in str(error)
            run = RunFolder.create(folder, RunConfig(), {}, theorems)
        with run:
            assert run.remaining() == theorems
            assert run.config == RunConfig()
            record(run, theorems[0])
        assert not any(name.endswith(".part") for name in files(folder))


def test_results_cut_at_every_byte_of_the_last_line(run, theorems, record):
    record(run, theorems[0])
    file = run.path / "results.jsonl"
    before = file.read_bytes()
    record(run, theorems[1])
    run.close()
    whole = file.read_bytes()
    for length in range(len(before), len(whole)):
        file.write_bytes(whole[:length])
        assert list(RunFolder.open(run.path).results()) == [theorems[0].name]
        assert file.read_bytes() == whole[:length], "reading must not write"
    with RunFolder.open(run.path, write=True) as resumed:
        assert file.read_bytes() == before
        assert resumed.remaining() == theorems[1:]
    file.write_bytes(whole)
    assert list(RunFolder.open(run.path).results()) == [theorems[0].name, theorems[1].name]


def test_zeros_after_a_power_cut_are_dropped(run, theorems, record):
    """File systems can leave a file longer than what was written, filled with zeros."""
    record(run, theorems[0])
    run.close()
    with (run.path / "results.jsonl").open("ab") as stream:
        stream.write(bytes(100))
    assert list(RunFolder.open(run.path).results()) == [theorems[0].name]
    with RunFolder.open(run.path, write=True) as resumed:
        record(resumed, theorems[1])
    assert list(RunFolder.open(run.path).results()) == [theorems[0].name, theorems[1].name]


_CHILD = """
import os, signal, sys
from pathlib import Path
from proofsearch.runs import RunFolder
from proofsearch.protocols import TheoremResult
run = RunFolder.open(Path(sys.argv[1]), write=True)
write, left = os.write, int(sys.argv[2])
def dies(descriptor, content):
    global left
    left -= 1
    if left < 0:
        write(descriptor, bytes(content)[:20])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(descriptor, content)
os.write = dies
for theorem in run.remaining():
    run.record(TheoremResult(theorem.name, "exhausted"))
"""


@pytest.mark.parametrize("whole", [0, 2])
def test_sigkill_frees_the_lock_and_keeps_what_was_recorded(run, theorems, record, whole):
    record(run, theorems[0])
    run.close()
    child = subprocess.run([sys.executable, "-c", _CHILD, str(run.path), str(whole)], env=os.environ, check=False)
    assert child.returncode == -signal.SIGKILL
    with RunFolder.open(run.path, write=True) as resumed:
        assert resumed.remaining() == theorems[1 + whole :]
