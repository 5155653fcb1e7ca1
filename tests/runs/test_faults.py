"""The benchmark of faults in small: would catch a theorem lost, doubled or different after a fault of any kind."""

from __future__ import annotations

import importlib
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

needs_a_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: install gcc or clang")


def may_mount() -> bool:
    """Whether a mount namespace can be made here."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("faults")
    sys.modules.pop("faults", None)


@pytest.fixture
def mode() -> str:
    """Threads start fastest; a test that needs processes says so."""
    return "threads"


@pytest.fixture
def subject(faults: Any, fake_prover: Any, tmp_path: Path, mode: str) -> Any:
    """A run of 7 theorems of the test prover, on two workers."""
    search = [sys.executable, "-m", "proofsearch", "search", "-q"]
    options = ["--env", "fake", "--generator", "fake", "--split", "all", "--fake-size", "7", "--fake-delay", "0.01"]
    return faults.Subject(
        [*search, *options, "--local-mode", mode, "--workers", "2", "--out"],
        [*search, "--resume"],
        ["--retry-failures"],
        tmp_path,
        random.Random(0),
    )


def assert_same(faults: Any, subject: Any, fault: Any, **options: Any) -> None:
    reference = faults.undisturbed(subject)
    fault(subject, subject.folder / "disturbed", **options)
    assert faults.check(reference, subject.folder / "disturbed") == []


@pytest.mark.parametrize("mode", ["processes"])
def test_killed_drivers_and_workers(faults: Any, subject: Any) -> None:
    assert_same(faults, subject, faults.kill, most=3)
    assert subject.kills.total() > 0


@needs_a_compiler
def test_writes_that_fail(faults: Any, subject: Any) -> None:
    assert_same(faults, subject, faults.errors)


@needs_a_compiler
def test_a_clock_that_jumps(faults: Any, subject: Any) -> None:
    assert_same(faults, subject, faults.clock)


def test_a_second_process_on_the_run(faults: Any, subject: Any) -> None:
    assert_same(faults, subject, faults.second)


@pytest.mark.skipif(not may_mount(), reason="needs the right to mount: run as root, or in a container that may")
@pytest.mark.parametrize("fault", ["disk", "read_only"])
def test_disks_that_are_full_or_read_only(faults: Any, subject: Any, fault: str) -> None:
    assert_same(faults, subject, getattr(faults, fault))
