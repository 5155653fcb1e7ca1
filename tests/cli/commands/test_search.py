"""Would catch: a search that stops by itself and doesn't say why, or how to go on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from runfolders import stopped_after

from proofsearch.config import RunConfig
from proofsearch.measures.sequential import decided_at
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search

pytestmark = pytest.mark.usefixtures("fake_prover")

SIZE = 40


def test_the_command_says_why_it_stopped(cli: Any, tmp_path: Path) -> None:
    config = {
        "env": "fake",
        "generator": "fake",
        "scorer": "random",
        "select": {"split": "all", "shuffle": True},
        "execution": {"workers": 1},
        "options": {"local": {"mode": "threads"}, "fake": {"size": SIZE}},
    }
    run = tmp_path / "run"
    run_search(RunConfig.model_validate(config), run)
    against = stopped_after(run, tmp_path / "poor", [False] * SIZE)
    (tmp_path / "run.toml").write_text((run / "config.toml").read_text())
    new = tmp_path / "new"
    command = ("search", "--config", tmp_path / "run.toml", "--out", new, "--quiet", "--until-decided-against", against)
    done = cli(*command)
    assert done.code == 0, done.err
    at = decided_at([1] * SIZE, SIZE)
    lines = done.out.splitlines()
    beginning = f"decided after {at} theorems: this run proves more than {against} (of the first "
    assert lines[0].startswith(beginning)
    looked = int(lines[0].removeprefix(beginning).split()[0])
    assert at <= looked <= at + 1, "the one that was under way is counted as well"
    assert lines[0].endswith(
        f"{looked} of {SIZE} theorems 0 only {against}, {looked} only this run; p ≤ 0.05, valid at every look)"
    )
    results = RunFolder.open(new).results()
    assert lines[1].startswith(f"proved {len(results)} of {len(results)} theorems searched (100")
    assert lines[2] == (
        f"stopped: {SIZE - len(results)} of {SIZE} theorems were not searched; "
        f"to search them too: proofsearch search --resume {new}"
    )
    shutil.rmtree(new)
    given_up = cli(*command[:-1], run, "--futility", "0.1", "--json")
    assert '"futile": true' in given_up.out
    refused = cli("search", "--futility", "0.1")
    assert refused.code == 2 and "--until-decided-against RUN" in refused.err
