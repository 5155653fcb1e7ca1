"""Would catch: a merged run that any reader takes for another than one that was searched whole; a loss; a half."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from proofsearch.config import RunConfig
from proofsearch.config.shard import Shards
from proofsearch.errors import RunFolderError, StorageError
from proofsearch.evaluation import evaluate
from proofsearch.evaluation.settings import EvaluationSettings
from proofsearch.protocols.events import Preparing
from proofsearch.runs import RunFolder
from proofsearch.runs.merging import merge_runs
from proofsearch.runs.recorded import disagreements
from proofsearch.runs.run import resume_search
from proofsearch.runs.selection import Whole
from proofsearch.runs.verification import verify_run
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.summary import check, summarize
from proofsearch.types import Theorem

Search = Callable[..., Path]


def recorded(path: Path) -> list[dict[str, Any]]:
    """Every node of every search in the readers' order, without what differs between two equal runs."""
    rows = [row for search in read_searches([path]) for row in search.table.to_pylist()]
    for row in rows:
        for name in ("search_id", "run_id", "seconds"):
            row.pop(name, None)
        for edge in row["edges"] or ():
            del edge["seconds"]
    return rows


def test_shards_merged_are_the_whole_run(search: Search, comparable: Any, tmp_path: Path) -> None:
    whole = search("whole")
    parts = [search(f"part-{number}", f"{number}/3") for number in (1, 2, 3)]
    merged = merge_runs([parts[2], parts[0], parts[1]], tmp_path / "merged")
    assert (merged.runs, merged.theorems, merged.proved, merged.repeated) == (3, 20, 20, 0)
    assert (merged.unsearched, merged.missing, merged.absent) == ((), None, 0)

    assert list(comparable(merged.path).items()) == list(comparable(whole).items())
    for name in ("config.toml", "theorems.jsonl"):
        assert (merged.path / name).read_bytes() == (whole / name).read_bytes(), name
    assert recorded(merged.path) == recorded(whole)
    folder = RunFolder.open(merged.path)
    assert (folder.status, folder.whole) == ("finished", RunFolder.open(whole).whole)
    assert sorted(path.name for path in merged.path.iterdir()) == sorted(path.name for path in whole.iterdir())

    # All who read runs.
    assert list(disagreements(folder)) == check([merged.path]) == []
    counts, expected = summarize([merged.path]), summarize([whole])
    assert (counts.searches, counts.nodes, counts.edges, counts.labels) == (
        expected.searches,
        expected.nodes,
        expected.edges,
        expected.labels,
    )
    assert len(verify_run(merged.path).verdicts) == 20
    found = evaluate([whole, merged.path], EvaluationSettings(resamples=100))
    assert found.runs[0].proved == found.runs[1].proved == 20


def test_merging_in_steps_is_merging_at_once(search: Search, comparable: Any, tmp_path: Path) -> None:
    parts = [search(f"part-{number}", f"{number}/3") for number in (1, 2, 3)]
    some = merge_runs([parts[0], parts[2]], tmp_path / "some")
    assert (some.missing, some.absent, some.theorems) == (Shards((2,), 3), 7, 13)
    assert RunFolder.open(some.path).config.select.shard == "1,3/3"
    merge_runs([some.path, parts[1]], tmp_path / "steps")
    merge_runs(parts, tmp_path / "once")
    assert comparable(tmp_path / "steps") == comparable(tmp_path / "once")
    for name in ("config.toml", "theorems.jsonl"):
        assert (tmp_path / "steps" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
    origins = [
        {one["run_id"]: one["shard"] for one in RunFolder.open(tmp_path / name).environment["merged"]}
        for name in ("steps", "once")
    ]
    assert origins[0] == origins[1] == {RunFolder.open(part).run_id: f"{n}/3" for n, part in enumerate(parts, 1)}


def test_what_has_no_result_yet_is_named_and_can_be_searched(search: Search, comparable: Any, tmp_path: Path) -> None:
    whole = search("whole")
    parts = [search(f"part-{number}", f"{number}/2") for number in (1, 2)]
    results = parts[1] / "results.jsonl"
    lines = results.read_bytes().splitlines(keepends=True)
    results.write_bytes(b"".join(lines[:6]) + lines[6][:30])  # killed while it wrote the seventh
    merged = merge_runs(parts, tmp_path / "merged")
    assert merged.missing is None
    assert len(merged.unsearched) == 4
    folder = RunFolder.open(merged.path)
    assert folder.status == "stopped"
    assert [theorem.name for theorem in folder.remaining()] == list(merged.unsearched)
    # The killed run had recorded searches that no result names: they are in no merged file.
    assert len({one.search_id for one in read_searches([merged.path])}) == 16
    resume_search(merged.path)
    assert comparable(merged.path) == comparable(whole)
    assert recorded(merged.path) == recorded(whole)


def test_shards_without_theorems_are_not_missing(search: Search, tmp_path: Path) -> None:
    selection = {"limit": 2}
    parts = [search(f"part-{number}", f"{number}/5", selection) for number in (1, 2)]
    merged = merge_runs(parts, tmp_path / "merged")
    assert (merged.missing, merged.absent) == (None, 0)
    assert RunFolder.open(merged.path).config.select.shard is None


def test_equal_results_are_taken_once(search: Search, comparable: Any, tmp_path: Path) -> None:
    first, again, second = search("first", "1/2"), search("again", "1/2"), search("second", "2/2")
    merged = merge_runs([first, again, second, first], tmp_path / "merged")
    assert (merged.repeated, merged.theorems) == (20, 20)
    assert comparable(merged.path) == comparable(merge_runs([first, second], tmp_path / "once").path)
    assert summarize([merged.path]).searches == 20
    assert list(disagreements(RunFolder.open(merged.path))) == []


def test_another_result_of_a_theorem_is_refused(search: Search, tmp_path: Path) -> None:
    first, again = search("first", "1/2"), search("again", "1/2")
    results = again / "results.jsonl"
    text = results.read_text()
    results.write_text(text.replace('"generated": ', '"generated": 1', 1))
    with pytest.raises(
        RunFolderError, match=r"again: the result of 'reach-\d+' is another than in .*first: generated is 1\d+, and \d+"
    ):
        merge_runs([first, again], tmp_path / "merged")
    assert sorted(path.name for path in tmp_path.iterdir() if "merged" in path.name) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_failure_gives_way_to_a_result(search: Search, tmp_path: Path, order: tuple[int, int]) -> None:
    runs = [search("first", "1/2"), search("again", "1/2")]
    results = runs[1] / "results.jsonl"
    lines = results.read_text().splitlines(keepends=True)
    failed = '{"theorem": "%s", "status": "failed", "failure": "crash", "message": "killed"}\n'
    name = RunFolder.open(runs[1]).theorems[3].name
    results.write_text("".join(failed % name if f'"{name}"' in line else line for line in lines))
    merged = merge_runs([runs[place] for place in order], tmp_path / "merged")
    assert merged.repeated == 9
    assert RunFolder.open(merged.path).results()[name].proved
    only = merge_runs([runs[1]], tmp_path / "failed")
    assert RunFolder.open(only.path).results()[name].failure == "crash"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scorer": "length"}, r'other: scorer is "length", and "small" in .*first; only runs that differ'),
        ({"seed": 4}, "other: seed is 4, and 0"),
        ({"search": {"candidates": 3}}, "other: search.candidates is 3, and 32"),
        ({"execution": {"workers": 1, "attempts": 5}}, "other: execution.attempts is 5, and 2"),
        ({"options": {"fake": {"size": 21}}}, "other: options.fake.size is 21, and 20"),
        ({"select": {"limit": 8}}, "other: select.limit is 8, and null"),
        ({"shard": "2/3"}, 'other: select.shard is "2/3", and "1/2"'),
        ({"shard": None}, 'other: select.shard is null, and "1/2"'),
    ],
)
def test_runs_that_differ_are_refused_by_what_differs(
    search: Search, tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    first = search("first", "1/2")
    other = search("other", **{"shard": "2/2", **fields})
    with pytest.raises(RunFolderError, match=message):
        merge_runs([first, other], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def forget_hashes(run: Path) -> None:
    """Has a run's files changed without being refused for that."""
    header = json.loads((run / "run.json").read_text())
    del header["sha256"]
    (run / "run.json").write_text(json.dumps(header))


def test_workers_and_who_looks_on_may_differ(search: Search, tmp_path: Path) -> None:
    watched = {"observers": ("log",), "options": {"log": {"path": str(tmp_path / "log.jsonl")}}}
    runs = [search("first", "1/2", **watched), search("other", "2/2", execution={"workers": 2})]
    assert merge_runs(runs, tmp_path / "merged").proved == 20


@pytest.mark.parametrize(
    ("file", "key", "entry", "message"),
    [
        ("environment.json", "fingerprint", {"offset": "9"}, 'fingerprint.offset of environment.json is "9", and "3"'),
        ("environment.json", "plugins", {}, r"plugins.fake-prover of environment.json is null, and \"1"),
        ("environment.json", "packages", {"proofsearch": "0"}, 'packages.proofsearch of environment.json is "0"'),
        ("run.json", "selected", {"theorems": 20, "sha256": "0"}, 'selected.sha256 of run.json is "0"'),
        ("run.json", "proof_suffix", ".txt", 'proof_suffix of run.json is ".txt", and ".proof"'),
    ],
)
def test_runs_on_another_environment_are_refused(
    search: Search, tmp_path: Path, file: str, key: str, entry: Any, message: str
) -> None:
    first, other = search("first", "1/2"), search("other", "2/2")
    forget_hashes(other)
    values = json.loads((other / file).read_text()) | {key: entry}
    (other / file).write_text(json.dumps(values))
    with pytest.raises(RunFolderError, match=message):
        merge_runs([first, other], tmp_path / "merged")


@pytest.mark.parametrize("says_used", [True, False])
@pytest.mark.parametrize("version", ["9.9", None])
def test_a_plugin_that_took_no_part_may_differ_and_is_told(
    search: Search, tmp_path: Path, version: str | None, says_used: bool
) -> None:
    first, other = search("first", "1/2"), search("other", "2/2")
    for path, found in ((first, "0.1.0"), (other, version)):
        forget_hashes(path)
        values = json.loads((path / "environment.json").read_text())
        assert values["used"] == ["fake-prover"], "the core is no plugin"
        values["plugins"].pop("proofsearch-ray", None)
        values["plugins"] |= {} if found is None else {"proofsearch-ray": found}
        if not says_used:
            del values["used"]
        (path / "environment.json").write_text(json.dumps(values))
    merged = merge_runs([first, other], tmp_path / "merged")
    assert merged.proved == 20
    said = f"proofsearch-ray is {version or 'not installed'} in {other}, and 0.1.0 in {first}; no component of it"
    assert [note.startswith(said) for note in merged.notes] == [True]


def test_names_that_clash_only_together_get_files_of_their_own(
    theorems: list[Theorem], searched: Callable[..., Any], tmp_path: Path
) -> None:
    """``Nat.add_comm`` and ``nat.add_comm`` are in different shards: each had the file to itself."""
    whole = Whole.of(theorems)
    for number in (1, 2):
        shards = Shards((number,), 2)
        config = RunConfig.model_validate({"select": {"shard": str(shards)}})
        with RunFolder.create(tmp_path / f"{number}", config, {}, shards.of_them(theorems), whole=whole) as run:
            for theorem in run.theorems:
                result, proof, table = searched(theorem, run.run_id)
                assert isinstance(table, pa.Table)
                run.record(result, proof, table)
            run.finish()
    merged = RunFolder.open(merge_runs([tmp_path / "1", tmp_path / "2"], tmp_path / "merged").path)
    assert merged.theorems == tuple(theorems)
    for theorem in theorems:
        assert merged.proof(theorem.name) == f"proof of {theorem.name}\r\n"
    assert len({result.proof_file.casefold() for result in merged.results().values()}) == len(theorems)


def test_a_search_that_is_gone_is_said(search: Search, tmp_path: Path) -> None:
    first, second = search("first", "1/2"), search("second", "2/2")
    shutil.rmtree(second / "trajectories")
    (second / "trajectories").mkdir()
    with pytest.raises(RunFolderError, match=r"second/trajectories: the recorded searches of .* and 7 more .* gone"):
        merge_runs([first, second], tmp_path / "merged")
    assert not list(tmp_path.glob("merged*"))


def test_a_run_without_trajectories_is_merged_without(search: Search, tmp_path: Path) -> None:
    runs = [search(f"part-{number}", f"{number}/2", trajectories=False) for number in (1, 2)]
    assert merge_runs(runs, tmp_path / "merged").proved == 20
    assert list((tmp_path / "merged" / "trajectories").iterdir()) == []


def test_what_is_taken_stays(search: Search, tmp_path: Path) -> None:
    run = search("run", "1/2")
    with pytest.raises(RunFolderError, match="already holds a run"):
        merge_runs([run], run)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match=r"the folder is not empty.*'thesis.tex'"):
        merge_runs([run], tmp_path / "thesis")
    (tmp_path / "thesis").rename(tmp_path / "merged.part")
    with pytest.raises(RunFolderError, match=r"merged.part: is in the way.*'thesis.tex'"):
        merge_runs([run], tmp_path / "merged")
    assert (tmp_path / "merged.part" / "thesis.tex").read_text() == "precious"


def test_one_process_merges_into_a_place(search: Search, tmp_path: Path) -> None:
    run = search("run", "1/2")

    def again(event: object) -> None:
        if isinstance(event, Preparing) and event.message == "merging searches":
            with pytest.raises(
                RunFolderError, match=rf"another process \(pid {os.getpid()}\) is writing to this merged"
            ):
                merge_runs([run], tmp_path / "merged")
            tried.append(event.message)

    tried: list[str] = []
    assert merge_runs([run], tmp_path / "merged", on_event=again).proved == 10
    assert tried


def test_a_full_disk_leaves_nothing(search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = search("run", "1/2")

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(StorageError, match=r"merged: .*No space left on device \(.*/proofs/reach.*nothing of it"):
            merge_runs([run], tmp_path / "merged")
    assert not list(tmp_path.glob("merged*"))
    (tmp_path / "merged").mkdir()  # an empty folder is taken
    assert merge_runs([run], tmp_path / "merged").proved == 10


KILLED = """
import os, signal, sys
from pathlib import Path
from proofsearch.runs.merging import merge_runs

last, paths, count = int(sys.argv[1]), [Path(one) for one in sys.argv[2:]], 0

def hook(event, arguments):
    global count
    if event in ("open", "os.rename", "os.remove", "os.mkdir") and ".part" in str(arguments[0]):
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
merge_runs(paths[:-1], paths[-1])
print(count)
"""


def test_a_kill_at_any_moment_leaves_all_or_nothing(search: Search, comparable: Any, tmp_path: Path) -> None:
    parts = [search(f"part-{number}", f"{number}/2") for number in (1, 2)]
    expected = comparable(merge_runs(parts, tmp_path / "expected").path)
    out = tmp_path / "merged"

    def merge(last: int) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-c", KILLED, str(last), *map(str, parts), str(out)]
        return subprocess.run(call, capture_output=True, text=True, check=False)

    done = merge(0)
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    shutil.rmtree(out)
    for last in (2, steps // 3, 2 * steps // 3, steps - 2, steps - 1, steps):
        assert merge(last).returncode == -signal.SIGKILL
        assert not out.exists()
    left = tmp_path / "merged.part"
    assert left.exists(), "it was killed in the midst of it"
    assert merge_runs(parts, out).proved == 20
    assert comparable(out) == expected
    assert not left.exists()
