"""Would catch: a search lost, doubled or left over when searches are merged beside the process that leads a run."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from proofsearch.errors import InputError
from proofsearch.runs import RunFolder
from proofsearch.runs.compaction import merge_aside
from proofsearch.runs.searches import RecordedSearches
from proofsearch.trajectory.reader import read_searches


@pytest.fixture(autouse=True)
def many(monkeypatch):
    """Two searches are many, and none are too few for a process."""
    monkeypatch.setattr("proofsearch.runs.searches.MOST_SINGLES", 2)
    monkeypatch.setattr("proofsearch.runs.searches.FEW_SINGLES", 0)
    monkeypatch.setattr("proofsearch.runs.searches.SMALL", 0)


def ids(run):
    return sorted(search.search_id for search in read_searches([run.path]))


def names(run):
    return sorted(path.name for path in run.trajectories.iterdir())


def merging(run):
    """The process that merges beside the run."""
    call = run._searches._call
    assert call is not None
    return call


def wait_for(call):
    """Waits for the end; only a process that hangs reaches the deadline."""
    deadline = time.monotonic() + 300
    while not call.ended:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_searches_are_merged_while_the_run_goes_on(run, theorems, record):
    recorded = [record(run, theorem).search_id for theorem in theorems[:2]]
    wait_for(merging(run))
    assert ids(run) == sorted(recorded), "what is merged aside is read before it has its name"
    assert [name for name in names(run) if name.startswith("part-")] == []
    recorded.append(record(run, theorems[2]).search_id)
    assert names(run)[-1] == "part-00000.parquet"
    assert len(names(run)) == 2
    assert ids(run) == sorted(recorded)
    recorded.append(record(run, theorems[3]).search_id)
    run.finish()
    assert names(run) == ["part-00000.parquet", "part-00001.parquet"]
    assert ids(run) == sorted(recorded)


def test_twice_as_many_wait_for_the_process(run, theorems, record):
    for theorem in theorems:
        record(run, theorem)
    assert len([name for name in names(run) if name.startswith("part-")]) == 1


def test_a_process_that_is_killed_changes_nothing(run, theorems, record):
    recorded = [record(run, theorem).search_id for theorem in theorems[:2]]
    os.kill(merging(run)._process.pid, signal.SIGKILL)
    wait_for(merging(run))
    recorded.append(record(run, theorems[2]).search_id)
    assert ids(run) == sorted(recorded)
    run.finish()
    assert ids(run) == sorted(recorded)
    assert all(name.startswith("part-") for name in names(run))


def test_where_each_process_is_killed_the_leader_merges_at_the_end(run, theorems, record, monkeypatch):
    monkeypatch.setattr("proofsearch.process.background._PROGRAM", "import os; os.kill(os.getpid(), 9)")
    recorded = [record(run, theorem).search_id for theorem in theorems]
    run.finish()
    assert names(run) == ["part-00000.parquet"]
    assert ids(run) == sorted(recorded)
    with RunFolder.open(run.path, write=True) as resumed:
        assert ids(resumed) == sorted(recorded)


def test_closing_the_run_ends_the_process(run, theorems, record):
    recorded = [record(run, theorem).search_id for theorem in theorems[:2]]
    call = merging(run)
    run.close()
    assert call.ended
    with RunFolder.open(run.path, write=True) as resumed:
        assert ids(resumed) == sorted(recorded)
        assert [name for name in names(resumed) if name.endswith(".part")] == []
        recorded += [record(resumed, theorem).search_id for theorem in theorems[2:]]
        resumed.finish()
    assert ids(run) == sorted(recorded)


def test_what_a_process_left_whose_leader_was_killed_is_cleared(run, theorems, record):
    recorded = [record(run, theorem).search_id for theorem in theorems[:1]]
    left = merge_aside(run.trajectories, list(run.trajectories.iterdir()), 8)
    run.close()
    assert all(path.exists() for path in left)
    assert ids(run) == recorded
    with RunFolder.open(run.path, write=True) as resumed:
        assert not any(path.exists() for path in left)
        assert ids(resumed) == recorded


def test_a_damaged_search_is_named(run, theorems, record):
    record(run, theorems[0])
    single = next(run.trajectories.iterdir())
    single.write_bytes(b"PAR1 no more")
    record(run, theorems[1])
    wait_for(merging(run))
    with pytest.raises(InputError, match=single.name):
        record(run, theorems[2])
    assert list(run.results()) == [theorem.name for theorem in theorems[:3]], "its result is kept"


def test_merging_that_failed_halfway_merges_nothing_twice(run, theorems, record, monkeypatch):
    recorded = [record(run, theorem).search_id for theorem in theorems[:2]]
    wait_for(merging(run))

    def denied(folder, singles):
        singles[0].unlink()
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("proofsearch.runs.compaction._delete", denied)
        with pytest.raises(Exception, match=r"were not merged.*Permission denied"):
            record(run, theorems[2])
    recorded.append(run.results()[theorems[2].name].search_id)
    run.finish()
    assert ids(run) == sorted(recorded)
    merged = [search.search_id for path in run.trajectories.iterdir() for search in read_searches([path])]
    assert sorted(merged) == sorted(recorded)


def test_a_search_that_no_result_names_is_cleared(tmp_path, theorems, run, record):
    kept, dropped = (record(run, theorem).search_id for theorem in theorems[:2])
    run.finish()
    searches = RecordedSearches(run.trajectories, {theorem.name: run.path / "none" for theorem in theorems})
    searches.clear({theorems[0].name: kept})
    assert ids(run) == [kept] != [dropped]


def test_the_leader_of_a_run_loads_no_tables(tmp_path):
    """Only the processes beside it do: they take 60 MB."""
    program = "import sys; import proofsearch.runs.recorded, proofsearch.runs.run; print('pyarrow' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_where_no_process_can_be_started_the_leader_merges(run, theorems, record, monkeypatch):
    """A full ``/tmp`` is no reason to end a run whose own disk has space."""

    def none(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("proofsearch.runs.searches.BackgroundCall", none)
    recorded = [record(run, theorem).search_id for theorem in theorems[:3]]
    assert len(names(run)) == 3, "it waits until there are twice as many"
    recorded.append(record(run, theorems[3]).search_id)
    assert names(run) == ["part-00000.parquet"]
    run.close()
    with RunFolder.open(run.path, write=True) as resumed:
        resumed.finish()
    assert ids(run) == sorted(recorded)
