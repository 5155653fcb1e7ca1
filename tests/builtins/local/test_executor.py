"""The local executor: what a misbehaving job may cost, and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import fakeworkers
import psutil
import pytest

from proofsearch.builtins.local.executor import LocalConfig, LocalExecutor
from proofsearch.config import ExecutionConfig
from proofsearch.errors import InputError, ProofsearchError, UsageError
from proofsearch.protocols import Job, JobResult
from proofsearch.types import Theorem
from proofsearch.workers.slots import Done, Message, Slot

GUARD = 600.0
"""Seconds after which a test gives up waiting; nothing depends on how fast anything is."""


def jobs(*keys: str) -> list[Job]:
    return [Job(key, Theorem(key, "")) for key in keys]


def run(
    *keys: str,
    mode: Any = "processes",
    factory: Callable[[], Any] = fakeworkers.Worker,
    math_threads: int = 1,
    **execution: Any,
) -> list[JobResult]:
    execution.setdefault("workers", 2)
    executor = LocalExecutor(LocalConfig(mode=mode, math_threads=math_threads), ExecutionConfig(**execution))
    try:
        return list(executor.run(factory, jobs(*keys)))
    finally:
        executor.close()


def by_key(results: Iterable[JobResult]) -> dict[str, JobResult]:
    found: dict[str, JobResult] = {}
    for result in results:
        assert result.job.key not in found, "a job was reported twice"
        found[result.job.key] = result
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


@pytest.mark.parametrize("mode", ["processes", "threads"])
@pytest.mark.parametrize(("workers", "count"), [(1, 5), (3, 20), (4, 2), (2, 0)])
def test_every_job_is_reported_once_with_its_payload(mode: str, workers: int, count: int) -> None:
    keys = [f"ok:{number}" for number in range(count)]
    results = by_key(run(*keys, mode=mode, workers=workers))
    assert {key: result.payload for key, result in results.items()} == {key: key[3:] for key in keys}
    assert all(result.failure == "" and result.job.attempt == 1 for result in results.values())


def test_processes_and_threads_really_are_that() -> None:
    assert os.getpid() not in {result.payload for result in run("pid:1", "pid:2")}
    assert {result.payload for result in run("pid:1", "pid:2", mode="threads")} == {os.getpid()}


@pytest.mark.parametrize(
    ("key", "says"), [("exit:3", "code 3"), ("signal:SIGKILL", "SIGKILL"), ("signal:SIGSEGV", "SIGSEGV")]
)
def test_a_crash_costs_only_its_own_job_and_its_tries_are_counted(key: str, says: str) -> None:
    others = [f"ok:{number}" for number in range(6)]
    results = by_key(run(*others[:3], key, *others[3:], attempts=3))
    assert results[key].failure == "crashed"
    assert results[key].job.attempt == 3
    assert says in results[key].message
    assert [results[other].payload for other in others] == [other[3:] for other in others]


def test_a_job_that_crashes_once_succeeds_at_its_second_try(tmp_path: Path) -> None:
    (result,) = run(f"crash_once:{tmp_path / 'marker'}", attempts=2)
    assert (result.payload, result.job.attempt) == ("survived", 2)


def test_no_second_try_where_one_is_allowed(tmp_path: Path) -> None:
    (result,) = run(f"crash_once:{tmp_path / 'marker'}", attempts=1)
    assert (result.failure, result.job.attempt) == ("crashed", 1)


def test_a_thread_that_wants_to_exit_costs_only_its_own_job() -> None:
    results = by_key(run("system_exit", "ok:1", mode="threads", attempts=2, workers=1))
    assert results["system_exit"].failure == "crashed"
    assert results["system_exit"].job.attempt == 2
    assert results["ok:1"].payload == "1"


def test_a_job_past_its_time_is_killed_with_what_it_started_and_not_tried_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    key = f"hang_with_child:{pids}"
    results = by_key(run(key, "ok:1", "ok:2", timeout=3, attempts=3))
    assert (results[key].failure, results[key].job.attempt) == ("timed out", 1)
    assert results["ok:1"].payload == "1"
    assert results["ok:2"].payload == "2"
    for pid in pids.read_text().split():
        wait_until(lambda pid=int(pid): gone(pid))


def test_a_thread_past_its_time_is_left_behind(tmp_path: Path) -> None:
    # One worker: the second job can only run if the first one's thread was replaced.
    marker = tmp_path / "marker"
    key = f"wait_for:{marker}"
    results = by_key(run(key, "ok:1", mode="threads", workers=1, timeout=0.5))
    marker.touch()
    assert results[key].failure == "timed out"
    assert results["ok:1"].payload == "1"


def test_a_worker_that_grows_is_stopped() -> None:
    results = by_key(run("grow", "ok:1", memory=400))
    assert results["grow"].failure == "out of memory"
    assert "400 MB" in results["grow"].message
    assert results["grow"].job.attempt == 1
    assert results["ok:1"].payload == "1"


def test_memory_error_costs_the_job_and_replaces_the_process() -> None:
    results = run("pid:1", "memory_error", "pid:2", workers=1)
    first, error, second = results
    assert error.failure == "out of memory"
    assert first.payload != second.payload


def test_an_exception_costs_the_job_but_not_the_worker() -> None:
    first, bug, ours, second = run("pid:1", "raise:this", "raise_ours", "pid:2", workers=1)
    assert bug.failure == ours.failure == "error"
    assert "ValueError: no good: this" in bug.message
    assert "do_raise" in bug.message, "a bug's traceback says where"
    assert ours.message == "library.mm:3: unexpected $="
    assert first.payload == second.payload


def test_a_result_that_cant_be_sent_is_an_error_of_its_job() -> None:
    results = by_key(run("unpicklable", "ok:1"))
    assert results["unpicklable"].failure == "error"
    assert "pickled" in results["unpicklable"].message
    assert results["ok:1"].payload == "1"


@pytest.mark.parametrize("mode", ["processes", "threads"])
def test_a_worker_that_cant_start_is_one_error_of_its_own_class(mode: Any) -> None:
    with pytest.raises(InputError, match=r"library\.mm: no such file"):
        run("ok:1", "ok:2", "ok:3", mode=mode, factory=fakeworkers.refusing_factory)


@pytest.mark.parametrize("mode", ["processes", "threads"])
def test_a_bug_in_a_factory_keeps_its_traceback(mode: Any) -> None:
    with pytest.raises(ProofsearchError, match=r"(?s)can't start.*buggy_factory.*KeyError: 'a slip'"):
        run("ok:1", mode=mode, factory=fakeworkers.buggy_factory)


def test_workers_that_die_before_they_are_ready_end_the_run() -> None:
    with pytest.raises(ProofsearchError, match="3 workers in a row died before they were ready"):
        run("ok:1", "ok:2", factory=fakeworkers.dying_factory)


def test_a_factory_that_cant_be_sent_is_named() -> None:
    with pytest.raises(ProofsearchError, match="can't be sent to a process"):
        run("ok:1", factory=lambda: fakeworkers.Worker())


def test_workers_close_what_they_hold_at_the_end_of_a_run(tmp_path: Path) -> None:
    run("ok:1", factory=fakeworkers.ClosingFactory(tmp_path / "closed"))
    assert (tmp_path / "closed").exists()


def test_a_caller_who_stops_early_leaves_no_process(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    executor = LocalExecutor(LocalConfig(), ExecutionConfig(workers=2))
    results = executor.run(fakeworkers.Worker, jobs(f"hang_with_child:{pids}", "ok:1", "ok:2"))
    next(results)
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    executor.close()
    executor.close()
    for pid in pids.read_text().split():
        wait_until(lambda pid=int(pid): gone(pid))
    results.close()


def test_jobs_are_taken_as_they_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[Job]:
        nonlocal taken
        while True:
            taken += 1
            yield jobs(f"ok:{taken}")[0]

    executor = LocalExecutor(LocalConfig(), ExecutionConfig(workers=2))
    results = executor.run(fakeworkers.Worker, endless())
    for _ in range(10):
        next(results)
    assert taken <= 10 + 2 * 2
    results.close()


def test_standard_output_stays_the_callers(capfd: pytest.CaptureFixture[str]) -> None:
    run("print:chatter")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "chatter" in captured.err


@pytest.mark.parametrize(("math_threads", "expected"), [(1, "1"), (3, "3"), (0, "7")])
def test_numerical_libraries_get_their_threads(
    math_threads: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    (result,) = run("environment:OMP_NUM_THREADS", math_threads=math_threads)
    assert result.payload == expected


def test_hashes_of_strings_are_the_same_in_every_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    (result,) = run("environment:PYTHONHASHSEED")
    assert result.payload == "0"


def test_ctrl_c_is_the_parents_business() -> None:
    (result,) = run("interrupt")
    assert result.payload == "went on"


def test_a_memory_bound_on_threads_is_refused() -> None:
    with pytest.raises(UsageError, match="--memory bounds a worker process, but --local-mode is threads"):
        LocalExecutor(LocalConfig(mode="threads"), ExecutionConfig(memory=100))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_die_with_their_parent_however_it_ends(how: signal.Signals, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = textwrap.dedent(f"""
        import fakeworkers
        from proofsearch.builtins.local.executor import LocalConfig, LocalExecutor
        from proofsearch.config import ExecutionConfig
        from proofsearch.protocols import Job
        from proofsearch.types import Theorem

        executor = LocalExecutor(LocalConfig(), ExecutionConfig(workers=2))
        key = "hang_with_child:{pids}"
        try:
            list(executor.run(fakeworkers.Worker, [Job(key, Theorem(key, ""))]))
        except KeyboardInterrupt:
            pass
    """)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        parent.send_signal(how)
        parent.wait(GUARD)
    finally:
        parent.kill()
        parent.wait()
    for pid in pids.read_text().split():
        wait_until(lambda pid=int(pid): gone(pid))


# --------------------------------------------------------------------------------------------------- what is told


def heard(*keys: str, mode: Any = "processes", **execution: Any) -> tuple[list[tuple[str, Any]], dict[str, JobResult]]:
    """What workers told, with the job it was told at, and the results."""
    said: list[tuple[str, Any]] = []
    executor = LocalExecutor(LocalConfig(mode=mode), ExecutionConfig(**{"workers": 2} | execution))
    executor.relay_progress_to(lambda job, progress: said.append((job.key, progress)))
    try:
        results = by_key(executor.run(fakeworkers.TellingWorker, jobs(*keys)))
    finally:
        executor.close()
    return said, results


@pytest.mark.parametrize("mode", ["processes", "threads"])
def test_what_a_worker_tells_comes_with_its_job(mode: str) -> None:
    keys = [f"ok:{number}" for number in range(6)]
    said, results = heard(*keys, mode=mode)
    assert sorted(said) == [(key, f"at {key}") for key in keys]
    assert all(result.failure == "" for result in results.values())


def test_what_is_told_to_nobody_is_lost_and_harms_nothing() -> None:
    for mode in ("processes", "threads"):
        (result,) = run("ok:1", factory=fakeworkers.TellingWorker, mode=mode)
        assert result.payload == "1"


def test_a_worker_that_told_something_and_died_has_crashed() -> None:
    said, results = heard("exit", "ok:1", attempts=1)
    assert ("exit", "at exit") in said
    assert results["exit"].failure == "crashed"
    assert results["ok:1"].payload == "1"


def test_a_worker_that_keeps_telling_is_stopped_in_time_all_the_same() -> None:
    said, results = heard("chatter", "ok:1", timeout=1.0)
    assert results["chatter"].failure == "timed out"
    assert ("chatter", "still at it") in said
    assert results["ok:1"].payload == "1"


def test_it_says_how_many_results_came_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers' results that came before anybody looked are given one after another, and the first says so."""
    executor = LocalExecutor(LocalConfig(mode="threads"), ExecutionConfig(workers=2))
    wait = executor._wait

    def wait_for_two() -> list[tuple[Slot, Message]]:
        events = wait()
        while sum(isinstance(message, Done) for _, message in events) < 2:
            events += wait()
        return events

    monkeypatch.setattr(executor, "_wait", wait_for_two)
    waiting = [executor.results_waiting() for _ in executor.run(fakeworkers.Worker, jobs("ok:1", "ok:2"))]
    assert waiting == [1, 0]
    executor.close()
