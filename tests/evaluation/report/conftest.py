"""Runs to report on, searched once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installing import Site

from proofsearch.config import RunConfig
from proofsearch.runs.run import run_search

CONFIGS: dict[str, dict[str, Any]] = {
    "random": {},
    "small": {"scorer": "small"},
    "unrecorded": {"trajectories": False, "scorer": "small"},
    "unproved": {"search": {"limit": {"expansions": 3}}, "options": {"fake": {"offset": 900}}},
    "one": {"scorer": "small", "options": {"fake": {"size": 1}}},
}


@pytest.fixture
def runs(fake_prover: Site, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The run folder of a name of :data:`CONFIGS`; none may write to it."""

    def folder(name: str) -> Path:
        path = tmp_path_factory.getbasetemp() / "reported" / name
        if not path.exists():
            fields = CONFIGS[name]
            options = {"local": {"mode": "threads"}, "fake": {"size": 16, **fields.get("options", {}).get("fake", {})}}
            base = {"env": "fake", "generator": "fake", "scorer": "random", "select": {"split": "all"}}
            limit = {"search": {"limit": {"expansions": 64}}}
            run_search(RunConfig(**{**base, **limit, **fields, "options": options}), path)
        return path

    return folder


@pytest.fixture
def hostile(site: Site, tmp_path: Path) -> Path:
    """A run of which every text tries to be more than text, and its folder's name too."""
    site.install("hostile-prover", {"hostile": "hostileprover"})
    path = tmp_path / "<img src=x onerror=window.pwned=4>&amp;"
    run_search(
        RunConfig(
            env="hostile",
            generator="hostile",
            scorer="random",
            search={"limit": {"expansions": 40}},
            options={"local": {"mode": "threads"}},
        ),
        path,
    )
    return path
