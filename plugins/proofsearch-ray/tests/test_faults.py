"""Runs through the command line whose processes are killed: what is said and left, and what a resumed run finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from compared import comparable

from proofsearch.config import RunConfig
from proofsearch.runs.run import resume_search, run_search

pytestmark = pytest.mark.xdist_group("ray")

GUARD = 300.0
"""Seconds after which a test gives up waiting; nothing depends on how fast anything is."""

THEOREMS, EXPANSIONS = 120, 96
"""Enough that a run is under way for some seconds after its first results."""


class Run:
    """A run of the command line, in a session of its own as from a terminal."""

    def __init__(self, out: Path, *options: str) -> None:
        self.out = out
        self._said = out.with_suffix(".log")
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "proofsearch", "search", *options, "--out", str(out)],
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
        self.started: dict[int, psutil.Process] = {}

    def results(self) -> int:
        file = self.out / "results.jsonl"
        return len(file.read_bytes().splitlines()) if file.exists() else 0

    def wait_for_results(self, number: int) -> None:
        """Waits for so many, and notes what the run has started by then."""
        wait_until(lambda: self.results() >= number or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        self.note()

    def note(self) -> None:
        self.started |= {one.pid: one for one in psutil.Process(self.process.pid).children(recursive=True)}

    def kill(self, name: str) -> None:
        """Kills, as the system does, one of its processes whose name begins so."""
        self.note()
        named = [one for one in self.started.values() if one.is_running() and one.name().startswith(name)]
        named[0].kill()

    def said(self) -> str:
        return self._said.read_text()

    def end(self) -> int:
        """Waits for its end; nothing that it started is left."""
        code = self.process.wait(GUARD)
        wait_until(lambda: not any(alive(one) for one in self.started.values()))
        return code


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@contextmanager
def running(out: Path, *options: str) -> Iterator[Run]:
    run = Run(
        out,
        *options,
        *("--executor", "ray", "--workers", "2", "--attempts", "3"),
        *("--split", "test", "--limit", str(THEOREMS), "--max-expansions", str(EXPANSIONS)),
    )
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()
        for process in filter(alive, run.started.values()):
            process.kill()


def searched(folder: Path) -> Path:
    """The same run by the executor ``local``, uninterrupted."""
    values = {
        "select": {"split": "test", "limit": THEOREMS},
        "search": {"limit": {"expansions": EXPANSIONS}},
        "execution": {"executor": "local", "workers": 2},
    }
    run_search(RunConfig.model_validate(values), folder)
    return folder


def marked(process: psutil.Process) -> bool:
    """Whether a process has the variable of the runtime environment."""
    try:
        return process.environ().get("PROOFSEARCH_MARK") == "handed over"
    except psutil.Error:
        return False


def test_ctrl_c_ends_a_run_and_its_cluster(tmp_path: Path) -> None:
    (tmp_path / "environment.yaml").write_text("env_vars: {PROOFSEARCH_MARK: handed over}\n")
    with running(tmp_path / "run", "--ray-runtime-env", str(tmp_path / "environment.yaml")) as run:
        run.wait_for_results(2)
        assert any(map(marked, run.started.values())), "workers have the runtime environment that was named"
        os.killpg(run.process.pid, signal.SIGINT)
        assert run.end() == 130, run.said()
        assert "--resume" in run.said()
        assert "Traceback" not in run.said()
        assert 2 <= run.results() < THEOREMS


def test_killed_actors_cost_nothing_and_a_killed_raylet_a_resumption(tmp_path: Path) -> None:
    with running(tmp_path / "run") as run:
        run.wait_for_results(1)
        run.kill("ray::WorkerActor")
        run.wait_for_results(run.results() + 6)
        run.kill("raylet")
        assert run.end() == 1, run.said()
        assert "error: --executor ray: the cluster is gone" in run.said()
        assert "--resume" in run.said()
        assert "Traceback" not in run.said()
        assert run.results() < THEOREMS
    resume_search(tmp_path / "run")
    found, expected = comparable(tmp_path / "run"), comparable(searched(tmp_path / "local"))
    assert len(found) == THEOREMS
    assert found == expected
