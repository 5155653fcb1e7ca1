"""An actor's own work, which needs no Ray: what becomes of jobs whose process crashes, hangs or never starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deadly
from deadly import PreparingRecipe
from proofsearch_ray.actor import WorkerActor

from proofsearch.protocols import Job
from proofsearch.testing.workers import CheckRecipe, refusing_recipe
from proofsearch.types import Theorem
from proofsearch.workers.bounds import Bounds
from proofsearch.workers.processes import ProcessSlot, pickled
from proofsearch.workers.slots import Broken, Done, Failed, Message, Ready, Told


class _Asked:
    """An actor that is given the same recipe with each job."""

    def __init__(self, made: WorkerActor, recipe: bytes) -> None:
        self.made = made
        self.recipe = recipe

    def run(self, job: Job) -> Iterator[Message]:
        return self.made.run(self.recipe, job)

    @property
    def slot(self) -> ProcessSlot | None:
        return self.made._slot


@contextmanager
def actor(factory: Callable[[], Any], timeout: float | None = None) -> Iterator[_Asked]:
    made = WorkerActor(1, Bounds(timeout, None))
    recipe = pickled(factory)
    try:
        yield _Asked(made, recipe)
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
        assert worker.slot is None
    assert len(list(tmp_path.glob("made-*"))) == 2


def test_a_process_that_died_between_two_jobs_costs_none(tmp_path: Path) -> None:
    with actor(CheckRecipe(tmp_path, "")) as worker:
        list(worker.run(job("say:a")))
        assert worker.slot is not None
        worker.slot._process.kill()
        worker.slot._process.wait()
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


def test_a_machine_is_prepared_by_the_process_that_then_works_there(tmp_path: Path) -> None:
    with actor(PreparingRecipe(tmp_path, "")) as worker:
        assert worker.made.prepare(worker.recipe) == Ready()
        assert list(worker.run(job("say:a"))) == [Done("a")]
    assert len(list(tmp_path.glob("prepared-*"))) == len(list(tmp_path.glob("made-*"))) == 1


def test_another_recipe_gets_another_process(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with actor(CheckRecipe(tmp_path, "")) as worker:
        assert list(worker.run(job("say:a"))) == [Done("a")]
        worker.recipe = pickled(CheckRecipe(tmp_path / "b", ""))
        assert list(worker.run(job("say:b"))) == [Done("b")]
    assert len(list(tmp_path.glob("closed-*"))) == len(list(tmp_path.glob("b/closed-*"))) == 1
