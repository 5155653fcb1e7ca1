"""Would catch: a run folder that was edited, cut or damaged, and is read as something else or ends in a traceback.

Each field of each file is changed in turn; then every reader has to say which file is wrong, or to do its work.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from installing import Site
from runfolders import without_hashes

from proofsearch.config import RunConfig
from proofsearch.errors import ProofsearchError, RunFolderError
from proofsearch.evaluation import EvaluationSettings, evaluate
from proofsearch.evaluation.report import ReportSettings, write_report
from proofsearch.runs import RunFolder
from proofsearch.runs.recorded import disagreements, refuse_missing
from proofsearch.runs.run import resume_search, run_search
from proofsearch.runs.verification import verify_run
from proofsearch.trajectory.reader import read_searches, search_ids
from proofsearch.trajectory.summary import check, summarize

MISSING = object()
VALUES = (MISSING, None, True, -1, 0.5, "", "x", "../x", "/etc/passwd", "\ud800", [], [1], {}, {"a": [1]}, 2**70, 1e308)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved") / "run"


@pytest.fixture
def run(fake_prover: Site, saved: Path, tmp_path: Path) -> Path:
    """A finished run of four theorems, of which one is not proved."""
    if not saved.exists():
        config = RunConfig.model_validate(
            {
                "env": "fake",
                "generator": "fake",
                "scorer": "small",
                "select": {"split": "all"},
                "search": {"limit": {"expansions": 6}},
                "execution": {"workers": 1},
                "options": {"fake": {"size": 4}, "local": {"mode": "threads"}},
            }
        )
        run_search(config, saved)
    shutil.copytree(saved, tmp_path / "run")
    return tmp_path / "run"


def resume(run: Path) -> None:
    resume_search(run)


def report(run: Path) -> None:
    write_report([run], run.parent / "report.html", ReportSettings(EvaluationSettings(resamples=100)), overwrite=True)


READERS: dict[str, Callable[[Path], object]] = {
    "resume": resume,
    "verify": verify_run,
    "evaluate": lambda run: evaluate([run], EvaluationSettings(resamples=100)),
    "report": report,
    "check": lambda run: [*check([run]), *disagreements(RunFolder.open(run))],
    "summary": lambda run: summarize([run]),
}


def said(read: Callable[[Path], object], run: Path) -> str:
    """What a reader says is wrong; anything but an error for people fails the test."""
    try:
        read(run)
    except ProofsearchError as error:
        return str(error)
    return ""


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, itself not."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*place, key)
        yield from places(inner, (*place, key))


def changed(value: Any, place: tuple[Any, ...], new: object) -> Any:
    """A copy with another value, or none, at a place."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    if new is MISSING:
        del inner[place[-1]]
    else:
        inner[place[-1]] = new
    return copy


@pytest.mark.parametrize(
    ("name", "hashes"),
    [
        *((name, hashes) for name in ("run.json", "environment.json", "theorems.jsonl") for hashes in (True, False)),
        ("results.jsonl", True),  # of which run.json has no hash: it grows
    ],
)
def test_each_field_of_each_file(name: str, hashes: bool, run: Path) -> None:
    if not hashes:
        without_hashes(run)
    file = run / name
    good = file.read_text()
    first, *rest = good.splitlines(keepends=True) if name.endswith("l") else [good]
    value = json.loads(first)
    refused = taken = 0
    for place in places(value):
        if name == "environment.json" and place[0] != "fingerprint":
            continue  # for people; nothing reads it
        for new in VALUES:
            text = json.dumps(changed(value, place, new)) + "\n" + "".join(rest)
            if text == good or json.loads(text.splitlines()[0]) == value:
                continue
            file.write_text(text)
            message = said(RunFolder.open, run)
            if message:
                refused += 1
                assert name in message, (place, new, message)
                assert len(message) < 1000
                if name.endswith("l") and (name == "results.jsonl" or not hashes):
                    assert f"{name}:1: " in message or "theorem" in message, message
            else:
                taken += 1
                # The report makes the whole evaluation; the summary reads none of these files.
                for reader in ("verify", "report", "check"):
                    assert "Traceback" not in said(READERS[reader], run)
    assert refused > 2 * taken, (refused, taken)  # identifiers, for one, may be any text


@pytest.mark.parametrize("name", ["run.json", "config.toml", "environment.json", "theorems.jsonl", "results.jsonl"])
def test_a_file_that_is_cut_anywhere(name: str, run: Path) -> None:
    file = run / name
    good = file.read_bytes()
    for length in {0, 1, *range(0, len(good) - 1, max(1, len(good) // 40))}:
        file.write_bytes(good[:length])
        message = said(RunFolder.open, run)
        if name != "results.jsonl":  # its beginning is what an earlier moment left
            assert name in message, length


@pytest.mark.parametrize("hashes", [True, False], ids=["now", "early"])
def test_another_limit_is_never_taken_for_the_runs_own(hashes: bool, run: Path) -> None:
    if not hashes:
        without_hashes(run)
    file = run / "config.toml"
    good = file.read_text()
    for bad in ("", good[: good.index("[search.limit]")], good.replace("expansions = 6\n", "")):
        file.write_text(bad)
        for reader, read in READERS.items():
            if reader != "summary":  # reads trajectories alone
                assert "config.toml" in said(read, run), reader
    file.write_text(good.replace("expansions = 6", "expansions = six"))
    assert "config.toml: not valid TOML: Invalid value (at line" in said(RunFolder.open, run)
    if hashes:
        file.write_text(good.replace("expansions = 6", "expansions = 7"))
        assert "config.toml: was changed, emptied or cut" in said(RunFolder.open, run)


def test_a_deleted_line_is_searched_again_and_its_search_is_there_once(run: Path) -> None:
    file = run / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    before = {result.search_id for result in RunFolder.open(run).results().values()}
    gone = json.loads(lines[1])["search_id"]
    file.write_text("".join(lines[:1] + lines[2:]))
    assert any(gone in message for message in disagreements(RunFolder.open(run)))
    resume_search(run)
    searches = list(read_searches([run]))
    assert len(searches) == len({search.theorem.name for search in searches}) == 4
    assert {search.search_id for search in searches} & before == before - {gone}
    assert not list(disagreements(RunFolder.open(run)))
    assert all(result.proved for result in verify_run(run).verdicts.values())


def test_all_lines_deleted_leave_no_search_behind(run: Path) -> None:
    (run / "results.jsonl").write_text("")
    with RunFolder.open(run, write=True):
        assert not list((run / "trajectories").iterdir())


def test_trajectories_that_are_gone_are_missed_by_every_reader(run: Path) -> None:
    for file in (run / "trajectories").iterdir():
        file.unlink()
    for reader in ("resume", "evaluate", "report"):
        message = said(READERS[reader], run)
        assert f"{run / 'trajectories'}: the recorded searches of " in message, reader
        assert "and 1 more that results.jsonl names are gone" in message
    with pytest.raises(RunFolderError, match="are gone"):
        refuse_missing(RunFolder.open(run))
    assert len(list(disagreements(RunFolder.open(run)))) == 4


def test_one_search_that_is_gone_is_missed(run: Path) -> None:
    (part,) = (run / "trajectories").iterdir()
    table = pq.read_table(part)
    lost = json.loads((run / "results.jsonl").read_text().splitlines()[0])
    pq.write_table(table.filter(pa.compute.field("search_id") != lost["search_id"]), part)
    for reader in ("resume", "evaluate", "report"):
        assert f"the recorded search of {lost['theorem']!r} that results.jsonl names is gone" in said(
            READERS[reader], run
        )


@pytest.mark.parametrize(
    "proof_file", ["../../secret", "/etc/passwd", "proofs/../../secret", "proofs", "proofs/", "x/y"]
)
def test_a_proof_outside_of_the_run_is_never_read(proof_file: str, run: Path) -> None:
    file = run / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    lines[1] = json.dumps(json.loads(lines[1]) | {"proof_file": proof_file}) + "\n"
    file.write_text("".join(lines))
    for read in (RunFolder.open, verify_run, resume_search):
        message = said(read, run)  # type: ignore[arg-type]
        assert message.startswith(f"{file}:2: damaged: proof_file: expected a file in proofs/, found "), read


def test_a_proof_that_is_a_link_out_of_the_run_is_never_read(run: Path, tmp_path: Path) -> None:
    proof = next(iter((run / "proofs").iterdir()))
    shutil.copy(proof, tmp_path / "secret")
    proof.unlink()
    proof.symlink_to(tmp_path / "secret")
    (refused,) = verify_run(run).refused.values()
    assert "a link that leads out of the run folder" in refused.message


@pytest.mark.parametrize(
    "name", ["run.json", "config.toml", "environment.json", "theorems.jsonl", "results.jsonl", "proofs", "trajectories"]
)
def test_pipes_are_not_waited_for(name: str, run: Path) -> None:
    file = run / name
    if file.is_dir():
        file = next(iter(file.iterdir()))
    file.unlink()
    os.mkfifo(file)
    for reader, read in READERS.items():
        message = said(read, run)
        assert message or reader in ("summary", "verify", "evaluate", "report", "resume", "check")
    if name in ("proofs",):
        assert "no regular file" in next(iter(verify_run(run).refused.values())).message


WRONG: dict[Any, list[Any]] = {
    "string": ["", "x", "\n"],
    "int": [-1, 0, 1000000],
    "double": [float("nan"), float("inf"), -1.0],
    "list": [[], [10**6], [-1]],
}


def test_each_column_of_the_trajectories(run: Path) -> None:
    """A search with impossible rows is refused by name, or measured as what it says; never a traceback."""
    (part,) = (run / "trajectories").iterdir()
    table = pq.read_table(part)
    refused = 0
    for number, field in enumerate(table.schema):
        columns = [pa.nulls(table.num_rows, field.type)]
        kind = next((key for key in WRONG if str(field.type).removeprefix("large_").startswith(key)), None)
        for value in WRONG.get(kind, []):
            try:
                columns.append(pa.array([value] * table.num_rows, field.type))
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                continue
        for column in columns:
            pq.write_table(table.set_column(number, field.with_nullable(True), column), part)
            # The report makes the whole evaluation.
            for reader in ("report", "check", "summary"):
                try:
                    refused += bool(said(READERS[reader], run))
                except Exception as error:
                    raise AssertionError(f"{field.name}, {reader}: {type(error).__name__}: {error}") from error
    assert refused
    assert search_ids(part) is not None
