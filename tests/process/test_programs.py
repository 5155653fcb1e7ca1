"""Programs are run in bounds, and nothing of them stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from proofsearch.process.programs import run_command

HANG = 600
"""Seconds that only a hang reaches."""


def _gone(pid: int) -> None:
    """Waits until there is no such process."""
    until = time.monotonic() + HANG
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, f"{pid} is still there"
        time.sleep(0.01)


def _number(path: Path) -> int:
    """The number that a process has written into a file."""
    until = time.monotonic() + HANG
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.01)
    return int(path.read_text())


def test_what_it_said_and_how_it_ended(tmp_path: Path) -> None:
    ended = run_command(["sh", "-c", 'echo "$WORD"; pwd; echo no >&2; exit 3'], tmp_path, HANG, {"WORD": "∀"})
    assert (ended.code, ended.output, ended.errors, ended.stopped) == (3, f"∀\n{tmp_path}\n", "no\n", "")
    assert ended.last_words() == f"∀ {tmp_path} no"
    assert run_command(["sh", "-c", "kill -SEGV $$"], tmp_path, HANG).code == -signal.SIGSEGV


def test_it_has_no_input(tmp_path: Path) -> None:
    assert run_command(["cat"], tmp_path, HANG).code == 0


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    for words, folder in ((["/no/such/program"], tmp_path), (["true"], tmp_path / "nowhere")):
        with pytest.raises(FileNotFoundError):
            run_command(words, folder, HANG)
    assert psutil.Process().children() == []


def test_no_process_is_left_to_be_waited_for(tmp_path: Path) -> None:
    """In a container this process may be the one that all orphans are left to."""
    for _ in range(3):
        run_command(["true"], tmp_path, HANG)
    assert psutil.Process().children() == []


def test_past_its_time_it_is_killed_with_its_children(tmp_path: Path) -> None:
    number = tmp_path / "pid"
    script = f"(trap '' TERM HUP; sleep 1000 & echo $! >{number}; wait) & wait"
    # Enough to start them: the time must not be up before.
    ended = run_command(["sh", "-c", script], tmp_path, 2.0)
    assert ended.stopped == "time"
    _gone(_number(number))


def test_children_do_not_outlive_a_program_that_ends_itself(tmp_path: Path) -> None:
    ended = run_command(["sh", "-c", "sleep 1000 & echo $!"], tmp_path, HANG)
    assert (ended.code, ended.stopped) == (0, "")
    _gone(int(ended.output))


def test_output_without_an_end(tmp_path: Path) -> None:
    ended = run_command(["yes"], tmp_path, HANG, most=100_000)
    assert ended.stopped == "output" and len(ended.output) == 100_000


def test_memory_within_its_bound(tmp_path: Path) -> None:
    script = [sys.executable, "-c", "x = bytearray(600_000_000); print(len(x))"]
    assert run_command(script, tmp_path, HANG, max_memory=1 << 32).output == "600000000\n"
    ended = run_command(script, tmp_path, HANG, max_memory=1 << 29)
    assert ended.code != 0 and "MemoryError" in ended.errors
    with pytest.raises(FileNotFoundError, match="no_such"):
        run_command(["/no_such/program"], tmp_path, HANG, max_memory=1 << 29)


def test_it_dies_with_us(tmp_path: Path) -> None:
    """However this process ends, also when nothing of it can run any more."""
    number = tmp_path / "pid"
    code = (
        "import sys; from pathlib import Path; from proofsearch.process.programs import run_command\n"
        f"run_command(['sh', '-c', 'sleep 1000 & echo $! >{number}; wait'], Path('/'), 1000)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    ours = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    try:
        sleeper = _number(number)
        assert psutil.pid_exists(sleeper)
    finally:
        ours.kill()
        ours.wait()
    _gone(sleeper)
