"""Would catch: a command that says other lengths than its folder has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofsearch.config import RunConfig
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search

pytestmark = pytest.mark.usefixtures("fake_prover")


def test_the_command_says_what_got_shorter(cli: Any, tmp_path: Path) -> None:
    config = {
        "env": "fake",
        "generator": "fake",
        "scorer": "random",
        "select": {"theorems": ("reach-0", "reach-1", "reach-2")},
        "search": {"priority": {"kind": "value"}, "limit": {"expansions": 100}},
        "execution": {"workers": 1},
        "options": {"fake": {"size": 4}, "local": {"mode": "threads"}},
    }
    run = tmp_path / "run"
    run_search(RunConfig.model_validate(config), run)
    done = cli("minimise", run, "--workers", "1", "--max-expansions", "50", "--quiet", "--json")
    assert done.code == 0
    said = json.loads(done.out)
    assert said["run"] == f"{run}-minimised"
    results = RunFolder.open(Path(said["run"])).results()
    assert {name: of["after"] for name, of in said["theorems"].items()} == {
        name: len(result.tactics) for name, result in results.items()
    }
    shorter = [of for of in said["theorems"].values() if of["after"] < of["before"]]
    assert said["shorter"] == len(shorter) > 0
    assert not [of for of in said["theorems"].values() if of["after"] > of["before"] or of["failure"]]
    # Given again, it has nothing left to do.
    again = cli("minimise", run, "--workers", "1", "--quiet")
    assert f"{len(shorter)} of {len(results)} proofs got shorter" in again.out
    assert "in the median" in again.out
    failed = cli("search", "--resume", f"{run}-minimised")
    assert failed.code == 5 and "go on with: proofsearch minimise" in failed.err
