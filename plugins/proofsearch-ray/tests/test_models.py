"""Models in actors of their own: few processes are asked by all workers, and results are those of ``local``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compared import comparable

from proofsearch.config import RunConfig
from proofsearch.plugins.discovery import Plugins
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.usefixtures("cluster")]


def run(folder: Path, executor: str, **served: Any) -> Path:
    values: dict[str, Any] = {
        "env": "served-countdown",
        "generator": "served",
        "scorer": "served-value",
        "select": {"split": "all"},
        "search": {"limit": {"expansions": 30}},
        "execution": {"executor": executor, "workers": 2, "attempts": 4, "max_wait": 0.05},
        "options": {
            "served": {"notes": folder / f"{executor}.notes", **served},
            "served-countdown": {"size": 40},
            "ray": {"model_replicas": 1, "model_cpus": 0, "cpus": 1},
        },
    }
    if executor == "local":
        del values["options"]["ray"]
    run_search(RunConfig.model_validate(values), folder / executor, plugins=Plugins.discover(("servedparts",)))
    return folder / executor


def callers(folder: Path, executor: str, name: str) -> set[str]:
    """The processes in which a component was called."""
    lines = [line.split() for line in (folder / f"{executor}.notes").read_text().splitlines()]
    return {process for process, called, size in lines if called == name and int(size)}


def test_workers_ask_one_actor_a_model_and_find_what_they_would_with_their_own(tmp_path: Path) -> None:
    found, expected = comparable(run(tmp_path, "ray")), comparable(run(tmp_path, "local"))
    assert len(found) == 40
    assert found == expected
    for name in ("policy", "vectors"):
        assert len(callers(tmp_path, "ray", name)) == 1
        assert len(callers(tmp_path, "local", name)) == 2


def test_a_model_whose_actor_dies_is_replaced_and_no_theorem_ends_differently(tmp_path: Path) -> None:
    path = run(tmp_path, "ray", kill=tmp_path / "killed")
    assert (tmp_path / "killed").exists()
    found, expected = comparable(path), comparable(run(tmp_path, "local"))
    assert found == expected
    assert sum(len(callers(tmp_path, "ray", name)) for name in ("policy", "vectors")) == 3, "one died"
    assert max(result.attempts for result in RunFolder.open(path).results().values()) > 1
