"""The benchmark of faults in small: would catch a theorem lost, doubled or different after kills of Ray's processes."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    yield importlib.import_module("faults")
    sys.modules.pop("faults", None)


def test_random_kills_cost_nothing(faults: Any, tmp_path: Path) -> None:
    search = [sys.executable, "-m", "proofsearch", "search", "-q"]
    options = ["--executor", "ray", "--workers", "1", "--split", "test", "--limit", "12", "--max-expansions", "8"]
    subject = faults.Subject(
        [*search, *options, "--out"], [*search, "--resume"], ["--retry-failures"], tmp_path, random.Random(974)
    )
    # With this seed a raylet is killed, then an actor.
    reference = faults.undisturbed(subject)
    subject.seconds = 0.0  # each kill follows a result at once, however long that took
    faults.kill(subject, tmp_path / "disturbed", most=2)
    assert subject.kills.total() == 2
    assert faults.check(reference, tmp_path / "disturbed") == []
