"""Files that an earlier version wrote are read, checked, resumed and learnt from.

``tests/stored`` was written by the version before the packages got their present layout: a run of three theorems that
was interrupted after two, the recorded searches of another run, and the checkpoint of a training of 20 steps on them,
with the scores that version gave. Only figures and lock files were left out. Written anew, they would test nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_in

from proofsearch.evaluation.rescoring import Rescorer
from proofsearch.plugins.discovery import Plugins
from proofsearch.runs import RunFolder
from proofsearch.trajectory.reader import read_searches

STORED = Path(__file__).parent / "stored"
WRITTEN_IN = "/tmp/before"
"""The folder that the files were written in; the paths in the run's configuration begin with it."""

Command = Callable[..., str]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of what is stored, moved: the run's configuration says where its database is now."""
    folder = tmp_path / "old"
    shutil.copytree(STORED, folder)
    config, header = folder / "run" / "config.toml", folder / "run" / "run.json"
    text = config.read_text(encoding="utf-8")
    assert WRITTEN_IN in text
    config.write_text(text.replace(WRITTEN_IN, folder.as_posix()), encoding="utf-8", newline="\n")
    document = json.loads(header.read_text(encoding="utf-8"))
    document["sha256"]["config.toml"] = hashlib.sha256(config.read_bytes()).hexdigest()
    header.write_text(json.dumps(document), encoding="utf-8")
    return folder


@pytest.fixture
def command(old: Path) -> Command:
    """Runs a command beside the stored files; gives its standard output."""

    def run(*arguments: str) -> str:
        done = run_in(old, *arguments)
        assert done.code == 0, f"{arguments}: {done.out}{done.err}"
        return done.out

    return run


def results(run: Path) -> dict[str, dict[str, Any]]:
    """The lines of a run's results, by theorem."""
    lines = map(json.loads, (run / "results.jsonl").read_text(encoding="utf-8").splitlines())
    return {line["theorem"]: line for line in lines}


def test_the_proofs_of_an_old_run_are_accepted(command: Command) -> None:
    assert "2 of 2 proofs accepted" in command("verify", "run", "--workers", "1")


def test_a_resumed_old_run_is_one_that_was_never_interrupted(old: Path, command: Command) -> None:
    before = results(old / "run")
    assert set(before) == {"syl", "id"}
    command("search", "--resume", "run", "-q")
    how = ("--metamath-database", "small.mm", "--generator", "knn", "--max-expansions", "600", "--workers", "1")
    command("search", *before, "anything", *how, "--out", "anew", "-q")
    resumed, anew = results(old / "run"), results(old / "anew")
    assert {name: resumed[name] for name in before} == before
    for name in ("syl", "id", "anything"):
        for key in ("status", "expansions", "nodes", "edges", "tactics"):
            assert resumed[name][key] == anew[name][key], (name, key)
    (run,) = json.loads(command("evaluate", "run", "--json", "-q"))["runs"]
    assert (run["proved"], run["theorems"]) == (2, 3)


def test_old_trajectories_hold_what_they_held(command: Command) -> None:
    searches = {search.theorem.name: search for search in read_searches([STORED / "searches.parquet"])}
    scores = json.loads((STORED / "scores.json").read_text())
    assert {name: len(search.value) for name, search in searches.items()} == {k: len(v) for k, v in scores.items()}
    command("trajectories", "check", "searches.parquet")


def test_an_old_checkpoint_scores_as_it_did(old: Path, cache_folder: Path) -> None:
    expected = json.loads((STORED / "scores.json").read_text())
    config = RunFolder.open(old / "run").config
    with Rescorer(Plugins.discover(), config, "ebm", {"ebm": {"path": str(old / "checkpoint")}}) as rescorer:
        for search in read_searches([old / "searches.parquet"]):
            scores = rescorer.score(search.theorem, search, np.arange(len(search.value)).tolist())
            assert scores == pytest.approx(expected[search.theorem.name], rel=1e-4, abs=1e-4)


def test_an_old_training_is_resumed(old: Path, command: Command) -> None:
    longer = ("--trajectories", "searches.parquet", "--metamath-database", "small.mm", "--ebm-steps", "30")
    command("train", "--resume", "--out", "checkpoint", *longer, "--ebm-warm-restart", "-q")
    manifest = json.loads((old / "checkpoint" / "manifest.json").read_text())
    assert manifest["metrics"]["steps"] == 30
    state = json.loads((old / "checkpoint" / "latest.json").read_text())["folder"]
    history = json.loads((old / "checkpoint" / state / "training.json").read_text())["history"]
    first = json.loads((STORED / "checkpoint" / "state-00000020" / "training.json").read_text())["history"]
    assert history[: len(first)] == first
    assert len(history) > len(first)
