"""The folder of a private cluster: held by who made it, and cleared away by the next one where that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from proofsearch_ray.private import PrivateFolder

OWNER = """
import os, subprocess, sys, time
from proofsearch_ray.private import PrivateFolder
folder = PrivateFolder()
with folder.marking():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
print(folder.path, child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_what_a_killed_owner_left_is_cleared_away_and_what_a_living_one_holds_is_not(temporary: Path) -> None:
    (temporary / "ray-of-somebody-else").mkdir()
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    path, child = owner.stdout.readline().split()
    PrivateFolder().close()
    assert Path(path).is_dir(), "its owner lives"
    assert psutil.pid_exists(int(child))
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    mine = PrivateFolder()
    assert not Path(path).exists()
    psutil.wait_procs([psutil.Process(int(child))] if psutil.pid_exists(int(child)) else [], 60)
    assert not psutil.pid_exists(int(child)) or psutil.Process(int(child)).status() == psutil.STATUS_ZOMBIE
    mine.close()
    assert [entry.name for entry in temporary.iterdir()] == ["ray-of-somebody-else"]


def test_closing_ends_what_belongs_to_it_and_nothing_else() -> None:
    folder, other = PrivateFolder(), PrivateFolder()
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with folder.marking():
        ours = subprocess.Popen(sleep)
    theirs = subprocess.Popen(sleep)
    try:
        folder.close()
        folder.close()
        assert ours.wait(60) == -signal.SIGKILL
        assert theirs.poll() is None
        assert not Path(folder.path).exists()
        assert Path(other.path).is_dir()
    finally:
        theirs.kill()
        theirs.wait()
        other.close()
