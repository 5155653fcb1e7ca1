"""The example of a Slurm array: its script as Slurm would run it, its Python as submitit does on one machine."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from installing import Site

from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder

EXAMPLE = Path(__file__).parents[1] / "examples" / "slurm"
OPTIONS = ("--env", "fake", "--generator", "fake", "--split", "all", "--local-mode", "threads")

pytestmark = pytest.mark.usefixtures("fake_prover")


@pytest.fixture
def proofsearch(tmp_path: Path) -> Path:
    """The command of this installation, whatever is on the path."""
    command = tmp_path / "proofsearch"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m proofsearch "$@"\n')
    command.chmod(0o755)
    return command


def run(folder: Path, *command: str | Path, code: int = 0, **variables: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def comparable(path: Path) -> list[TheoremResult]:
    results = RunFolder.open(path).results().values()
    return [dataclasses.replace(result, seconds=0.0, seconds_by_part={}, search_id="") for result in results]


def test_an_array_is_the_whole_run_also_after_a_task_was_killed(proofsearch: Path, tmp_path: Path) -> None:
    run(tmp_path, proofsearch, "search", *OPTIONS, "-q", "--out", "one")
    variables = {"PROOFSEARCH": str(proofsearch), "SLURM_CPUS_PER_TASK": "1"}
    script = (EXAMPLE / "search.sh", "3", "runs", *OPTIONS)
    for number in ("3", "1", "2"):
        said = run(tmp_path, *script, SLURM_ARRAY_TASK_ID=number, SLURM_ARRAY_TASK_COUNT="3", **variables)
        assert f"searching {[7, 7, 6][int(number) - 1]} theorems (shard {number}/3)" in said

    results = tmp_path / "runs" / "part-2" / "results.jsonl"
    results.write_bytes(results.read_bytes()[: len(results.read_bytes()) // 2])  # as a kill leaves it
    # Of an array that has this task alone.
    said = run(tmp_path, *script, SLURM_ARRAY_TASK_ID="2", SLURM_ARRAY_TASK_COUNT="1", **variables)
    assert "resuming runs/part-2" in said

    parts = sorted((tmp_path / "runs").glob("part-*"))
    run(tmp_path, proofsearch, "runs", "merge", *parts, "--out", "whole")
    assert comparable(tmp_path / "whole") == comparable(tmp_path / "one")
    assert (tmp_path / "whole" / "theorems.jsonl").read_bytes() == (tmp_path / "one" / "theorems.jsonl").read_bytes()


def test_the_search_itself_gets_slurms_signal(tmp_path: Path) -> None:
    """Slurm tells the script's own process that its time is up: that has to have become the search."""
    command = tmp_path / "command"
    command.write_text("#!/bin/sh\necho $$\n")
    command.chmod(0o755)
    with subprocess.Popen(
        [EXAMPLE / "search.sh", "2", tmp_path / "runs"],
        env=os.environ | {"PROOFSEARCH": str(command), "SLURM_ARRAY_TASK_ID": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


def test_a_script_that_is_called_wrongly_says_how(tmp_path: Path) -> None:
    assert "usage: sbatch --array=1-SHARDS search.sh SHARDS FOLDER" in run(tmp_path, EXAMPLE / "search.sh", "3", code=2)
    environment = {name: value for name, value in os.environ.items() if name != "SLURM_ARRAY_TASK_ID"}
    done = subprocess.run(
        [EXAMPLE / "search.sh", "3", "runs"], env=environment, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode != 0
    assert "submit this script with sbatch --array=1-3" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("cluster", ["local", "debug"])
def test_submitit_searches_and_merges(cluster: str, proofsearch: Path, tmp_path: Path, fake_prover: Site) -> None:
    pytest.importorskip("submitit", reason="submitit isn't installed; pip install submitit")
    run(tmp_path, proofsearch, "search", *OPTIONS, "-q", "--out", "one")
    call = (sys.executable, EXAMPLE / "submit.py", "2", "runs", "--cluster", cluster, "--cpus", "1", *OPTIONS, "-q")
    said = run(tmp_path, *call)
    assert "2 of 2 shards are done" in said
    assert "runs/whole: 20 theorems of 2 runs, 20 proved" in said
    assert comparable(tmp_path / "runs" / "whole") == comparable(tmp_path / "one")
