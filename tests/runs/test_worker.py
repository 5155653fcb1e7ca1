"""A worker's care for its prover: steps that are ended from outside, and provers that grow too large."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from installing import Site

from proofsearch.config import RunConfig
from proofsearch.protocols import TheoremResult
from proofsearch.protocols.events import Event, Recorded
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search

PROVER = """
import threading
from fakeprover import FakeConfig, FakeEnvironment, FakeSession
from proofsearch import TimedOut, hookimpl
from proofsearch.protocols import Usage

EVENTS = []

class Session(FakeSession):
    held = 0

    def step(self, state, tactic):
        Session.held += 1
        return super().step(state, tactic)

    def usage(self):
        return Usage(Session.held * 1_000_000, 0, Session.held)

    def renew(self):
        EVENTS.append("renewed")
        Session.held = 0

class Blocking(FakeSession):
    "Its first step waits until it is interrupted."

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.interrupted = threading.Event()

    def step(self, state, tactic):
        stepping.set()
        self.interrupted.wait()
        return TimedOut("interrupted")

    def interrupt(self):
        self.interrupted.set()

    def close(self):
        EVENTS.append("closed")
        closed.set()

stepping, closed = threading.Event(), threading.Event()

class Environment(FakeEnvironment):
    def open(self, theorem):
        number = int(theorem.statement.split()[0])
        made = Blocking if theorem.name == "reach-1" else Session
        return made(number, theorem.name, 0)

class Pooled(FakeEnvironment):
    "Its prover, which grows with each theorem, outlives the sessions."
    memory = 0

    def open(self, theorem):
        Pooled.memory += 2_000_000
        return super().open(theorem)

    def usage(self):
        return Usage(Pooled.memory, 0, 0)

    def renew(self):
        EVENTS.append("pool renewed")
        Pooled.memory = 0

@hookimpl
def register_environments(register):
    register("careful", Environment, config=FakeConfig)
    register("pooled", Pooled, config=FakeConfig)
"""


@pytest.fixture
def prover(fake_prover: Site, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the plugin; in threads it is the one that the workers use."""
    fake_prover.install("careful-prover", {"careful": "careful_plugin"}, {"careful_plugin": PROVER})
    monkeypatch.delitem(sys.modules, "careful_plugin", raising=False)  # that of the test before
    return importlib.import_module("careful_plugin")


def config(*theorems: str, env: str = "careful", **execution: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "env": env,
            "generator": "fake",
            "scorer": "small",
            "select": {"theorems": theorems},
            "execution": {"workers": 1, **execution},
            "options": {"local": {"mode": "threads"}},
        }
    )


def results(path: Path) -> dict[str, TheoremResult]:
    return dict(RunFolder.open(path).results())


def test_a_thread_past_its_time_is_interrupted_and_closes_its_prover(prover: Any, tmp_path: Path) -> None:
    run_search(config("reach-1", timeout=0.5), tmp_path / "run")
    assert results(tmp_path / "run")["reach-1"].failure == "timed out"
    assert prover.closed.wait(600), "the thread goes on"


def test_ctrl_c_ends_threads_before_the_program_does(prover: Any, tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Recorded):
            assert prover.stepping.wait(600)
            raise KeyboardInterrupt

    others = set(threading.enumerate())  # what other tests of this process have left behind
    with pytest.raises(KeyboardInterrupt):
        run_search(config("reach-0", "reach-1", workers=2), tmp_path / "run", on_event=interrupt)
    assert prover.EVENTS == ["closed"], "the session was not closed when the run had ended"
    left = [thread for thread in threading.enumerate() if thread.name == "proofsearch worker" and thread not in others]
    assert not left


def test_a_prover_above_its_bound_is_replaced_in_mid_search(prover: Any, tmp_path: Path) -> None:
    names = ["reach-2", "reach-3"]
    run_search(config(*names), tmp_path / "free")
    assert prover.EVENTS == []
    run_search(config(*names, max_prover_memory=1), tmp_path / "bound")
    free, bound = results(tmp_path / "free"), results(tmp_path / "bound")
    # It is asked at once, and again after each second.
    assert sum(result.replacements for result in bound.values()) == len(prover.EVENTS) >= 1
    assert free["reach-2"].usage["memory"] > 0
    for name in names:
        assert timeless(free[name]) == timeless(bound[name])


def test_a_prover_that_outlives_its_sessions_is_replaced_between_theorems(prover: Any, tmp_path: Path) -> None:
    names = [f"reach-{number}" for number in range(5)]
    run_search(config(*names, env="pooled", max_prover_memory=3), tmp_path / "run")
    # 2 MB more with each theorem: above the bound after the second and the fourth.
    assert [results(tmp_path / "run")[name].replacements for name in names] == [0, 1, 0, 1, 0]
    assert prover.EVENTS == ["pool renewed"] * 2


def timeless(result: TheoremResult) -> TheoremResult:
    return dataclasses.replace(result, seconds=0.0, seconds_by_part={}, search_id="", usage={}, replacements=0)
