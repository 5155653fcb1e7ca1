"""Would catch: a run overwritten, resumed wrongly, written by two, or refused without saying what to do."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import resource
from pathlib import Path

import pytest

from proofsearch import storage
from proofsearch.config import RunConfig, SearchConfig
from proofsearch.errors import RunFolderError, StorageError, UsageError
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.runs.folder import Recording
from proofsearch.runs.results import from_line, to_line
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.writer import to_bytes
from proofsearch.types import Theorem, Verdict


def test_a_run_comes_back_as_it_was(tmp_path, theorems):
    config = RunConfig(env="lean", seed=9, search=SearchConfig(max_depth=25), options={"ebm": {"path": "ckpt"}})
    environment = {"python": "3.11.7", "fingerprint": {"set.mm": "ab12"}}
    with RunFolder.create(tmp_path / "new" / "run", config, environment, theorems, proof_suffix=".lean") as run:
        run_id = run.run_id
    again = RunFolder.open(tmp_path / "new" / "run")
    assert (again.run_id, again.proof_suffix, again.status) == (run_id, ".lean", "running")
    assert (again.config, again.environment, list(again.theorems)) == (config, environment, theorems)


def test_a_result_comes_back_as_it_was(run, theorems, record):
    recorded = record(run, theorems[2])
    result = RunFolder.open(run.path).results()[theorems[2].name]
    assert result == recorded
    assert result.proved
    assert result.verdict == Verdict(True, "checker 1.0", rests_on=("ax-1",))
    assert result.tactics == ("-2", "-2", "-1") or sum(map(int, result.tactics)) == -5
    assert run.proof(theorems[2].name) == "proof of Zahl/größe ≤ 2\r\n"
    assert result.seconds_by_part.keys() == {"generate", "step", "score", "engine", "accept"}
    (search,) = read_searches([run.path])
    assert (search.search_id, search.run_id) == (result.search_id, run.run_id)


def test_what_the_prover_used_comes_back_and_older_lines_have_none(run, theorems, record):
    recorded = dataclasses.replace(
        record(run, theorems[0]), usage={"memory": 3_000_000_000, "processes": 2, "states": 17}, replacements=3
    )
    assert from_line(to_line(recorded)) == recorded
    values = json.loads(to_line(recorded))
    del values["usage"], values["replacements"]
    older = from_line(json.dumps(values).encode())
    assert (older.usage, older.replacements) == ({}, 0)
    with pytest.raises(ValueError, match="usage: expected a number from 0"):
        from_line(to_line(dataclasses.replace(recorded, usage={"memory": -1})))


def test_results_can_be_read_by_other_tools(run, theorems, record):
    record(run, theorems[0])
    (line,) = (run.path / "results.jsonl").read_text().splitlines()
    assert json.loads(line)["proved"] is True


def test_names_that_differ_in_case_only_keep_apart(run, theorems, record):
    for theorem in theorems:
        record(run, theorem)
    for folder in ("proofs", "trajectories"):
        names = [path.name.casefold() for path in (run.path / folder).iterdir()]
        assert len(set(names)) == len(theorems)
    for theorem in theorems:
        assert run.proof(theorem.name) == f"proof of {theorem.name}\r\n"


def test_a_trajectory_as_bytes(run, theorems, searched):
    result, _, table = searched(theorems[0])
    run.record(result, None, to_bytes(table))
    (search,) = read_searches([run.path])
    assert search.search_id == result.search_id


# ------------------------------------------------------------------------------------------------------- refusals


def test_creating_refuses_what_is_there(run, tmp_path, theorems):
    with pytest.raises(RunFolderError, match="already holds a run; resume it with --resume"):
        RunFolder.create(run.path, RunConfig(), {}, theorems)
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "config.toml").write_text("precious")
    with pytest.raises(RunFolderError, match=r"not empty and not a run \(it holds 'config.toml'\)"):
        RunFolder.create(other, RunConfig(), {}, theorems)
    assert (other / "config.toml").read_text() == "precious"
    with pytest.raises(RunFolderError, match="a file is in the way"):
        RunFolder.create(other / "config.toml", RunConfig(), {}, theorems)
    (tmp_path / "empty").mkdir()
    RunFolder.create(tmp_path / "empty", RunConfig(), {}, theorems).close()


def test_selections_that_no_run_can_have(tmp_path):
    with pytest.raises(UsageError, match="at least one theorem"):
        RunFolder.create(tmp_path / "run", RunConfig(), {}, [])
    with pytest.raises(UsageError, match="'a' is selected twice"):
        RunFolder.create(tmp_path / "run", RunConfig(), {}, [Theorem("a", ""), Theorem("a", "x")])
    assert not (tmp_path / "run").exists()


def test_opening_what_is_no_run(tmp_path, run):
    with pytest.raises(RunFolderError, match="no such folder"):
        RunFolder.open(tmp_path / "nothing")
    (tmp_path / "plain").mkdir()
    with pytest.raises(RunFolderError, match="not a run folder"):
        RunFolder.open(tmp_path / "plain")


def change_header(run, **values):
    file = run.path / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize("write", [False, True])
def test_newer_format_is_refused(run, write):
    run.close()
    change_header(run, format=2)
    with pytest.raises(RunFolderError, match=r"run\.json: .* format 2, this proofsearch reads up to 1; upgrade with"):
        RunFolder.open(run.path, write=write)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"format": "1"}, "format is '1'"),
        ({"format": True}, "format is True"),
        ({"format": 0}, "format is 0"),
        ({"run_id": None}, "run_id is None, expected a string"),
        ({"theorems": None}, "theorems is None"),
        ({"theorems": 9}, "4 whole lines, run.json says 9"),
    ],
)
def test_damaged_header(run, header, message):
    change_header(run, **header)
    with pytest.raises(RunFolderError, match=message):
        RunFolder.open(run.path)


def test_each_damaged_file_is_named(run, theorems, record):
    record(run, theorems[0])
    record(run, theorems[1])
    run.close()
    for name, content, message in [
        ("run.json", b"{", r"run\.json: damaged: not JSON"),
        ("run.json", b"[]", r"run\.json: damaged: expected a JSON object, found list"),
        ("theorems.jsonl", b"\xff\n", r"theorems\.jsonl: damaged: not UTF-8 at byte 0"),
        ("theorems.jsonl", b'{"name": 1, "what": 2}\n', r"theorems\.jsonl:1: damaged"),
        ("results.jsonl", b"{}\n{}\n", r"results\.jsonl:1: damaged"),
        ("results.jsonl", b"nonsense\n", r"results\.jsonl:1: damaged: .*delete this line"),
    ]:
        file = run.path / name
        good = file.read_bytes()
        file.write_bytes(content)
        with pytest.raises(RunFolderError, match=message):
            RunFolder.open(run.path)
        file.unlink()
        with pytest.raises(RunFolderError, match=r"not a run folder|killed before|can't be read"):
            RunFolder.open(run.path)
        file.write_bytes(good)
    RunFolder.open(run.path)


def test_a_damaged_line_in_the_middle_is_not_dropped_silently(run, theorems, record):
    for theorem in theorems:
        record(run, theorem)
    run.close()
    file = run.path / "results.jsonl"
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([lines[0], lines[1][:50], *lines[2:]]))
    with pytest.raises(RunFolderError, match=r"results\.jsonl:2: damaged"):
        RunFolder.open(run.path, write=True)
    file.write_bytes(b"\n".join([lines[0].replace(b'"proved": true', b'"proved": false', 1), *lines[1:]]))
    with pytest.raises(RunFolderError, match=r"results\.jsonl:1: damaged: "):
        RunFolder.open(run.path)


def test_results_of_another_run_are_refused(run):
    run.close()
    (run.path / "results.jsonl").write_bytes(b'{"theorem": "other", "status": "limit"}\n')
    with pytest.raises(RunFolderError, match=r"a result for 'other', which is not in theorems\.jsonl"):
        RunFolder.open(run.path)


def test_one_writer_at_a_time(run):
    with pytest.raises(RunFolderError, match=rf"another process \(pid {os.getpid()}\) is writing to this run"):
        RunFolder.open(run.path, write=True)
    RunFolder.open(run.path).results()  # readers are welcome
    run.close()
    RunFolder.open(run.path, write=True).close()


def test_readers_write_nothing(run, theorems):
    run.close()
    with pytest.raises(RunFolderError, match="opened for reading"):
        RunFolder.open(run.path).record(TheoremResult(theorems[0].name, "limit"))


def test_a_result_is_recorded_once(run, theorems):
    run.record(TheoremResult(theorems[0].name, "limit"))
    with pytest.raises(RunFolderError, match="already has a result"):
        run.record(TheoremResult(theorems[0].name, "exhausted"))
    with pytest.raises(RunFolderError, match="is not one of this run's"):
        run.record(TheoremResult("other", "exhausted"))
    with pytest.raises(RunFolderError, match="go together"):
        run.record(TheoremResult(theorems[1].name, "exhausted", search_id="x"))


def test_failures_can_be_tried_again(run, theorems, record):
    run.record(TheoremResult(theorems[0].name, "failed", failure="crashed", message="SIGSEGV", attempts=2))
    run.record(TheoremResult(theorems[1].name, "limit"))
    assert run.remaining() == theorems[2:]
    assert run.remaining(retry_failures=True) == [theorems[0], *theorems[2:]]
    record(run, theorems[0])
    assert run.remaining(retry_failures=True) == theorems[2:]
    results = RunFolder.open(run.path).results()
    assert list(results) == [theorems[0].name, theorems[1].name]  # in the order of the run, not as they came
    assert results[theorems[0].name].proved


def test_status(run, theorems, record):
    record(run, theorems[0])
    run.finish()
    assert RunFolder.open(run.path).status == "stopped"
    with RunFolder.open(run.path, write=True) as resumed:
        assert resumed.status == "running"
        for theorem in resumed.remaining():
            record(resumed, theorem)
        resumed.finish()
    assert RunFolder.open(run.path).status == "finished"
    names = sorted(path.name for path in run.trajectories.iterdir())
    assert names == ["part-00000.parquet", "part-00001.parquet"]


def test_no_proof(run, theorems):
    with pytest.raises(RunFolderError, match=r"no result for theorem 'Nat\.add_comm'"):
        run.proof(theorems[0].name)
    run.record(TheoremResult(theorems[0].name, "limit"))
    with pytest.raises(RunFolderError, match=r"no proof \(status limit\)"):
        run.proof(theorems[0].name)


# ------------------------------------------------------------------------------------------------------ full disks


def test_a_disk_that_fills_up_in_the_middle_of_a_line(run, theorems, record):
    """A real limit on file size: the kernel takes the first bytes of the line and refuses the rest."""
    record(run, theorems[0])
    file = run.path / "results.jsonl"
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 40, hard))
    try:
        with pytest.raises(StorageError) as caught:
            run.record(TheoremResult(theorems[1].name, "exhausted", message="x" * 200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    message = str(caught.value)
    assert "the result of 'nat.add_comm' was not written: File too large" in message
    assert "1 of 4 theorems have a result and are kept" in message
    assert f"resume with: proofsearch search --resume {run.path}" in message
    assert file.read_bytes() == before
    record(run, theorems[1])
    assert list(RunFolder.open(run.path).results()) == [theorems[0].name, theorems[1].name]


def test_a_line_that_could_not_even_be_cut_off_is_cut_off_by_the_next(run, theorems, monkeypatch):
    run.record(TheoremResult(theorems[0].name, "limit"))
    write = os.write

    def torn(descriptor, content):
        write(descriptor, bytes(content)[:10])
        raise OSError(errno.EIO, "Input/output error")

    def stuck(descriptor, length):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("proofsearch.storage.files.os.write", torn)
        patch.setattr("proofsearch.storage.files.os.ftruncate", stuck)
        with pytest.raises(StorageError, match="Input/output error"):
            run.record(TheoremResult(theorems[1].name, "limit"))
    assert not (run.path / "results.jsonl").read_bytes().endswith(b"\n")
    run.record(TheoremResult(theorems[2].name, "limit"))
    assert list(RunFolder.open(run.path).results()) == [theorems[0].name, theorems[2].name]


@pytest.mark.parametrize("target", ["proofs", "trajectories", "results.jsonl"])
def test_a_full_disk_at_each_file(run, theorems, record, monkeypatch, target):
    record(run, theorems[0])
    together, append = storage.write_together, storage.append

    def full(files):
        together({path: content for path, content in files.items() if path.parent.name != target})
        if any(path.parent.name == target for path in files):
            raise OSError(errno.ENOSPC, "No space left on device", target)

    def full_append(descriptor, content, at):
        if target == "results.jsonl":
            raise OSError(errno.ENOSPC, "No space left on device")
        return append(descriptor, content, at)

    with monkeypatch.context() as patch:
        patch.setattr("proofsearch.storage.write_together", full)
        patch.setattr("proofsearch.storage.append", full_append)
        with pytest.raises(StorageError, match=r"No space left on device.* 1 of 4 theorems .*--resume"):
            record(run, theorems[1])
    run.finish()  # must not merge a trajectory whose result was never committed
    assert [search.theorem.name for search in read_searches([run.path])] == [theorems[0].name]
    with RunFolder.open(run.path, write=True) as resumed:
        assert resumed.remaining() == theorems[1:]
        record(resumed, theorems[1])
        resumed.finish()
    assert [search.theorem.name for search in read_searches([run.path])] == [theorems[0].name, theorems[1].name]


def test_dev_full(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            storage.append(descriptor, b"x", at=0)
    finally:
        os.close(descriptor)


def test_a_folder_that_can_not_be_made(tmp_path, theorems, monkeypatch):
    def denied(self, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(StorageError, match="the run folder can't be made: Permission denied"):
        RunFolder.create(tmp_path / "run", RunConfig(), {}, theorems)


def test_merging_on_a_full_disk_keeps_the_singles(run, theorems, record, monkeypatch):
    ids = [record(run, theorem).search_id for theorem in theorems]

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("proofsearch.storage.write_whole", full)
        with pytest.raises(StorageError, match="stay as single files, which every reader takes"):
            run.compact()
    assert sorted(search.search_id for search in read_searches([run.path])) == sorted(ids)


def test_merging_again_after_it_failed_halfway_merges_nothing_twice(run, theorems, record, monkeypatch):
    for theorem in theorems:
        record(run, theorem)
    unlink, deleted = Path.unlink, []

    def fails_at_last(self, missing_ok=False):
        if self.suffix == ".parquet" and len(deleted) == 2:
            raise OSError(errno.EIO, "Input/output error")
        deleted.append(self)
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", fails_at_last)
        with pytest.raises(StorageError, match="Input/output error"):
            run.compact()
    run.finish()
    files = list(run.trajectories.iterdir())
    assert [file.name for file in files] == ["part-00000.parquet"]
    assert sorted(search.theorem.name for search in read_searches(files)) == sorted(t.name for t in theorems)


def test_a_run_folder_can_be_moved(run, theorems, record):
    """Everything in a run folder is relative: it can be moved."""
    record(run, theorems[0])
    run.finish()
    moved = run.path.rename(run.path.with_name("moved"))
    assert RunFolder.open(moved).proof(theorems[0].name) == "proof of Nat.add_comm\r\n"
    for file in moved.rglob("*"):
        if file.is_file():
            assert str(run.path).encode() not in file.read_bytes()


def test_several_results_are_recorded_at_once(run, theorems, searched):
    recordings = [Recording(*searched(theorem, run.run_id)) for theorem in theorems]
    recorded = run.record_all(recordings)
    assert list(run.results().values()) == recorded
    run.finish()
    assert dict(RunFolder.open(run.path).results()) == dict(run.results())
    assert [run.proof(theorem.name) for theorem in theorems] == [recording.proof for recording in recordings]
    assert len(list(read_searches([run.path]))) == len(theorems)


def test_of_results_at_once_one_that_can_not_be_keeps_all_out(run, theorems, searched):
    one, two = (Recording(*searched(theorem, run.run_id)) for theorem in theorems[:2])
    with pytest.raises(RunFolderError, match="recorded twice at once"):
        run.record_all([one, two, one])
    run.record_all([one])
    with pytest.raises(RunFolderError, match="already has a result"):
        run.record_all([two, one])
    assert list(run.results()) == [theorems[0].name]
    assert len(list(run.trajectories.iterdir())) == 1


def test_a_full_disk_keeps_out_all_that_were_to_be_recorded_together(run, theorems, searched, monkeypatch):
    def full(descriptor, content, at):
        raise OSError(errno.ENOSPC, "No space left on device")

    recordings = [Recording(*searched(theorem, run.run_id)) for theorem in theorems]
    with monkeypatch.context() as patch:
        patch.setattr("proofsearch.storage.append", full)
        with pytest.raises(StorageError, match="and 2 more was not written: No space left on device"):
            run.record_all(recordings)
    assert not run.results()
    run.record_all(recordings)
    assert len(run.results()) == len(theorems)


def test_results_that_change_under_their_writer_are_noticed(run, theorems, record):
    record(run, theorems[0])
    record(run, theorems[1])
    results = run.results()
    file = run.path / "results.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[::-1]))
    with pytest.raises(RunFolderError, match="was changed while it was in use"):
        list(results.values())
