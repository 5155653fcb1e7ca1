"""Would catch: a check that reads all for every proof, says other things in several processes, or dies of one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from installing import Site

import proofsearch.runs.contents
from proofsearch.config import RunConfig
from proofsearch.protocols import TheoremResult
from proofsearch.protocols.events import Event, Preparing
from proofsearch.runs import RunFolder
from proofsearch.runs.results import to_line
from proofsearch.runs.run import run_search
from proofsearch.runs.verification import verify_run

CRASHING = """
import os
from fakeprover import FakeConfig, FakeEnvironment
from proofsearch import hookimpl

class Crashing(FakeEnvironment):
    def verify(self, theorem, proof):
        if proof == "exit" and os.getpid() != int(os.environ["FIRST_PROCESS"]):
            os._exit(7)
        if proof == "raise":
            raise RuntimeError("a bug in the checker")
        return super().verify(theorem, proof)

@hookimpl
def register_environments(register):
    register("crashing", Crashing, config=FakeConfig)
"""


def config(**options: object) -> RunConfig:
    return RunConfig.model_validate(
        {
            "env": "fake",
            "generator": "fake",
            "scorer": "small",
            "select": {"split": "all"},
            "execution": {"workers": 1},
            "options": {"fake": {"size": 12}, "local": {"mode": "threads"}},
        }
        | options
    )


def test_results_are_read_once_and_not_for_every_proof(
    fake_prover: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_search(config(), tmp_path / "run")
    read, reads = proofsearch.runs.contents.read_results, []
    monkeypatch.setattr("proofsearch.runs.contents.read_results", lambda path: (reads.append(path), read(path))[1])
    assert len(verify_run(tmp_path / "run").verdicts) == 12
    assert len(reads) == 1


def test_a_reader_sees_what_a_writer_adds(fake_prover: Site, tmp_path: Path) -> None:
    run_search(config(), tmp_path / "run")
    file = tmp_path / "run" / "results.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    folder = RunFolder.open(tmp_path / "run")
    assert len(folder.results()) == 11
    assert folder.results() is folder.results()
    with file.open("ab") as stream:
        stream.write(lines[-1])
    assert len(folder.results()) == 12
    name = json.loads(lines[0])["theorem"]
    file.write_bytes(to_line(TheoremResult(name, "limit")) + b"".join(lines[1:]))
    assert folder.results()[name].status == "limit"


@pytest.mark.parametrize("workers", [1, 3])
def test_verdicts_are_the_same_in_any_number_of_processes(
    workers: int, fake_prover: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proofsearch.runs.verification._PATIENCE", 0.0)
    path = tmp_path / "run"
    run_search(config(), path)
    (path / "proofs" / "reach-1.proof").write_text("dec")
    (path / "proofs" / "reach-2.proof").unlink()
    shown: list[Event] = []
    found = verify_run(path, workers=workers, on_event=shown.append)
    assert list(found.verdicts) == [f"reach-{number}" for number in range(12)]
    assert {name: verdict.message for name, verdict in found.refused.items()} == {
        "reach-1": "does not reach 0",
        "reach-2": f"{path / 'proofs' / 'reach-2.proof'}: can't be read: No such file or directory",
    }
    verifying = [event for event in shown if isinstance(event, Preparing) and event.message == "verifying"]
    assert verifying == [Preparing("verifying", number, 12) for number in range(1, 13)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_check_that_dies_or_raises_costs_its_own_proof_alone(
    workers: int, fake_prover: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRST_PROCESS", str(os.getpid()))
    monkeypatch.setattr("proofsearch.runs.verification._PATIENCE", 0.0)
    fake_prover.install("crashing-prover", {"crashing": "crashing_plugin"}, {"crashing_plugin": CRASHING})
    path = tmp_path / "run"
    run_search(config(env="crashing", options={"crashing": {"size": 6}, "local": {"mode": "threads"}}), path)
    if workers > 1:  # this process can't die for one proof alone
        (path / "proofs" / "reach-3.proof").write_text("exit")
    (path / "proofs" / "reach-4.proof").write_text("raise")
    found = verify_run(path, workers=workers)
    assert set(found.refused) == ({"reach-3", "reach-4"} if workers > 1 else {"reach-4"})
    if workers > 1:
        assert "the check gave no verdict: crashed" in found.refused["reach-3"].message
    assert "RuntimeError: a bug in the checker" in found.refused["reach-4"].message
