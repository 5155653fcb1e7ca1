"""What the doctor is told about Ray."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest
from proofsearch_ray import diagnosis

from proofsearch import Finding

Usage = namedtuple("Usage", "total used free")


def found() -> dict[str, Finding]:
    return {finding.what: finding for finding in diagnosis.examine()}


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    return tmp_path / "ray" / "ray_current_cluster"


def test_the_cluster_that_auto_joins_is_named(no_cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found()["ray"].state == "found"
    assert found()["cluster"].state == "absent"
    assert str(no_cluster) in found()["cluster"].message
    no_cluster.write_text("10.0.0.1:6379")
    assert "10.0.0.1:6379" in found()["cluster"].message
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.2:6379")
    assert "10.0.0.2:6379" in found()["cluster"].message


@pytest.mark.parametrize("variables", [{}, {"TMPDIR": "/of-all"}, {"TMPDIR": "/of-all", "RAY_TMPDIR": "/of-ray"}])
def test_the_cluster_is_looked_for_where_ray_writes_it(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._common.utils import get_ray_address_file

    for name in ("TMPDIR", "RAY_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(diagnosis.current_cluster()) == get_ray_address_file(None)


def test_too_little_shared_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_SHARED", tmp_path)
    monkeypatch.setattr(diagnosis.shutil, "disk_usage", lambda path: Usage(64 << 20, 0, 64 << 20))
    finding = found()["shared memory"]
    assert finding.state == "problem"
    assert "has 64 MB free" in finding.message


def test_a_ray_that_cant_be_imported_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_QUESTION", "raise ImportError('no module of that name')")
    finding = found()["ray"]
    assert finding.state == "problem"
    assert "no module of that name" in finding.message
