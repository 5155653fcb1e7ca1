"""What the doctor is told: libraries, devices, and the models of the hub that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from proofsearch_transformers import diagnosis
from proofsearch_transformers.diagnosis import examine

from proofsearch import Finding


def found() -> dict[str, Finding]:
    return {finding.what: finding for finding in examine()}


def test_what_is_installed_and_a_model_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "models--someone--small" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (tmp_path / "models--someone--small" / "refs").mkdir()
    (tmp_path / "models--someone--small" / "refs" / "main").write_text("abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    findings = found()
    assert findings["libraries"].message == f"torch {torch.__version__}, transformers {transformers.__version__}"
    assert findings["models"].state == "found"
    assert findings["models"].message == f"someone/small (0.0 GB) in {tmp_path}"


def test_devices_are_named_and_many_models_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(code: str) -> Any:
        if "scan_cache_dir" in code:
            return {"folder": "hub", "models": [f"m{number:02}" for number in range(15)]}
        return {"torch": "2", "transformers": "5", "devices": ["cuda:0 Big, 80 GB", "cuda:1 Big, 80 GB"]}

    monkeypatch.setattr(diagnosis, "ask_python", answer)
    findings = found()
    assert findings["devices"].message == "cuda:0 Big, 80 GB; cuda:1 Big, 80 GB"
    assert findings["models"].message.endswith("m11 and 3 more in hub")


def test_what_cannot_be_loaded_is_a_problem_and_what_is_not_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "ask_python", lambda code: "ImportError: no")
    findings = found()
    assert findings["libraries"].state == findings["models"].state == "problem"
    assert "devices" not in findings

    def nothing(code: str) -> Any:
        return {"torch": "2", "transformers": "5", "devices": [], "folder": "hub", "models": []}

    monkeypatch.setattr(diagnosis, "ask_python", nothing)
    findings = found()
    assert findings["devices"].state == findings["models"].state == "absent"
    assert "--transformers-model" in findings["models"].remedy
