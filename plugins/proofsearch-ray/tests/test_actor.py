"""An actor's own work, which needs no Ray: what becomes of jobs whose process crashes, hangs or never starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deadly
from proofsearch_ray.actor import WorkerActor

from proofsearch.protocols import Job
from proofsearch.testing.workers import CheckRecipe, refusing_recipe
from proofsearch.types import Theorem
from proofsearch.workers.bounds import Bounds
from proofsearch.workers.processes import pickled
from proofsearch.workers.slots import Broken, Done, Failed, Told


@contextmanager
def actor(factory: Callable[[], Any], timeout: float | None = None) -> Iterator[WorkerActor]:
    made = WorkerActor(pickled(factory), 1, Bounds(timeout, None))
    try:
        yield made
    finally:
        made.close()


def job(key: str) -> Job:
    return Job(key, Theorem(key, ""))


def test_one_process_does_one_job_after_another_and_is_closed(tmp_path: Path) -> None:
    with actor(CheckRecipe(tmp_path, "")) as worker:
        assert list(worker.run(job("say:a"))) == [Done("a")]
        assert list(worker.run(job("tell:b"))) == [Told("b 1"), Told("b 2"), Done("b")]
        (failed,) = worker.run(job("raise:c"))
        assert isinstance(failed, Failed)
        assert failed.failure == "error"
        assert "raised on request: c" in failed.message
    assert len(list(tmp_path.glob("made-*"))) == len(list(tmp_path.glob("closed-*"))) == 1


def test_a_crash_and_a_hang_cost_their_job_and_their_process(tmp_path: Path) -> None:
    with actor(CheckRecipe(tmp_path, ""), timeout=1.0) as worker:
        for key, failure in (("exit:", "crashed"), ("hang:x", "timed out")):
            (failed,) = worker.run(job(key))
            assert isinstance(failed, Failed)
            assert failed.failure == failure
        assert worker._slot is None
    assert len(list(tmp_path.glob("made-*"))) == 2


def test_a_process_that_died_between_two_jobs_costs_none(tmp_path: Path) -> None:
    with actor(CheckRecipe(tmp_path, "")) as worker:
        list(worker.run(job("say:a")))
        assert worker._slot is not None
        worker._slot._process.kill()
        worker._slot._process.wait()
        assert list(worker.run(job("say:b"))) == [Done("b")]


def test_a_worker_that_cant_start_says_why() -> None:
    with actor(refusing_recipe) as worker:
        (refused,) = worker.run(job("say:a"))
    assert isinstance(refused, Broken)
    assert str(refused.error) == "the library of this check: no such file"


def test_processes_that_die_as_they_start_are_given_up() -> None:
    with actor(deadly.dying) as worker:
        (refused,) = worker.run(job("say:a"))
    assert isinstance(refused, Broken)
    assert "3 workers in a row died on" in str(refused.error)
