"""What a cluster adds to the local executor: actors that die, machines that differ, and results that don't."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from compared import comparable
from deadly import DeadlyRecipe
from proofsearch_ray.config import RayConfig
from proofsearch_ray.executor import RayExecutor
from proofsearch_ray.versions import Machine

from proofsearch.config import ExecutionConfig, RunConfig
from proofsearch.errors import PluginError, ProofsearchError
from proofsearch.protocols import Job, JobResult
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search
from proofsearch.types import Theorem

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.usefixtures("cluster")]

GUARD = 120.0
"""Seconds after which a test gives up waiting; nothing depends on how fast anything is."""


def run(folder: Path, *keys: str, workers: int = 2, **execution: int) -> dict[str, JobResult]:
    with closing(RayExecutor(RayConfig(), ExecutionConfig(workers=workers, **execution))) as executor:
        found = list(executor.run(DeadlyRecipe(folder), [Job(key, Theorem(key, "")) for key in keys]))
    assert sorted(result.job.key for result in found) == sorted(keys), "each once"
    return {result.job.key: result for result in found}


def gone(pid: int) -> bool:
    end = time.monotonic() + GUARD
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_job_that_loses_its_actor_is_tried_again_and_leaves_no_prover(tmp_path: Path) -> None:
    found = run(tmp_path, "kill_actor:1", "say:a", "say:b", "say:c", attempts=2)
    assert found["kill_actor:1"].payload == "attempt 2"
    assert [found[f"say:{one}"].payload for one in "abc"] == ["a", "b", "c"]
    assert {found[f"say:{one}"].job.attempt for one in "abc"} == {1}
    assert gone(int((tmp_path / "prover-1").read_text()))


def test_a_job_that_keeps_killing_its_actor_is_set_aside(tmp_path: Path) -> None:
    found = run(tmp_path, "kill_actor:9", "exit:", "say:a", attempts=2)
    lost, crashed = found["kill_actor:9"], found["exit:"]
    assert (lost.failure, lost.job.attempt, lost.payload) == ("crashed", 2, None)
    assert "actor was lost" in lost.message
    assert (crashed.failure, crashed.message) == ("crashed", "the worker exited with code 7")
    assert found["say:a"].payload == "a"
    assert gone(int((tmp_path / "prover-2").read_text()))


def test_a_machine_with_other_packages_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Machine.this()
    other = Machine("here", here.node, here.cache, here.versions | {"proofsearch-mine": "1"})
    monkeypatch.setattr(Machine, "this", lambda: other)  # in this process alone
    executor = RayExecutor(RayConfig(), ExecutionConfig(workers=1))
    with closing(executor), pytest.raises(PluginError, match=r"proofsearch-mine is not installed on .*, and 1 on here"):
        list(executor.run(DeadlyRecipe(tmp_path), [Job("say:a", Theorem("a", ""))]))


def test_who_hears_the_end_signal_hears_it_still(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    run(tmp_path, "say:a")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_run_finds_what_a_local_run_finds(tmp_path: Path) -> None:
    for executor in ("local", "ray"):
        values = {
            "select": {"split": "test", "limit": 20},
            "search": {"limit": {"expansions": 16}},
            "execution": {"executor": executor, "workers": 2},
        }
        run_search(RunConfig.model_validate(values), tmp_path / executor)
    found = comparable(tmp_path / "ray")
    assert len(found) == 20
    assert sum(result.proved for result, _, _ in found.values()) > 10
    assert sum(len(nodes) for _, _, nodes in found.values()) > 100
    assert {result.attempts for result in RunFolder.open(tmp_path / "ray").results().values()} == {1}
    assert found == comparable(tmp_path / "local")


def test_a_job_that_ran_out_of_memory_is_tried_again_with_twice_as_much(tmp_path: Path) -> None:
    """It takes more than the bound; what it takes at the second attempt is within twice the bound."""
    recipe, keys = DeadlyRecipe(tmp_path), ("swell:500", "swell:2500", "say:a")
    with closing(RayExecutor(RayConfig(), ExecutionConfig(workers=1, attempts=2, memory=450))) as executor:
        found = {
            result.job.key: result for result in executor.run(recipe, [Job(key, Theorem(key, "")) for key in keys])
        }
    assert (found["swell:500"].payload, found["swell:500"].job.attempt) == ("swelled by 512", 2)
    assert (found["swell:2500"].failure, found["swell:2500"].job.attempt) == ("out of memory", 2)
    assert "allowed are 900 MB" in found["swell:2500"].message
    assert (found["say:a"].payload, found["say:a"].job.attempt) == ("a", 1)


def test_where_no_cluster_is_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def init(**options: object) -> None:  # with "auto", Ray finds the clusters of tests that run beside this one
        raise ConnectionError("Could not find any running Ray instance.\nMore of it.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    executor = RayExecutor(RayConfig(address="auto"), ExecutionConfig(workers=1))
    said = "--ray-address auto: no cluster can be joined there: Could not find any running Ray instance"
    with closing(executor), pytest.raises(ProofsearchError, match=said):
        list(executor.run(DeadlyRecipe(tmp_path), [Job("say:a", Theorem("a", ""))]))
