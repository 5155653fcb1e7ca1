"""A recorded run of the test prover."""

from __future__ import annotations

from pathlib import Path

import pytest
from installing import Site

from proofsearch.config import RunConfig
from proofsearch.runs.run import run_search


@pytest.fixture
def run(fake_prover: Site, tmp_path: Path) -> Path:
    """A run over eight theorems of all splits, of which some are proved and some are not."""
    config = RunConfig.model_validate(
        {
            "env": "fake",
            "generator": "fake",
            "scorer": "small",
            "select": {"split": "all"},
            "search": {"limit": {"expansions": 8}},
            "execution": {"workers": 1},
            "options": {"fake": {"size": 8, "log": str(tmp_path / "somewhere" / "log")}, "local": {"mode": "threads"}},
        }
    )
    (tmp_path / "somewhere").mkdir()
    summary = run_search(config, tmp_path / "run")
    assert 0 < summary.proved < summary.theorems
    return tmp_path / "run"
