"""Why a training stops. Would catch: a half step that is saved, a save that is left out, a stop that is not heard."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import pytest

from proofsearch.errors import InputError
from proofsearch.protocols import TrainingReport, ignore_report
from proofsearch.trainers import progress as progress_module
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.stepping import (
    INTERRUPTED,
    PATIENCE,
    STEPS,
    TIME,
    SteppedTraining,
    Stopping,
    report_stop,
    threads,
)


class Counting(SteppedTraining):
    """Counts, and does at some steps what it is told."""

    def __init__(
        self,
        report: Callable[[TrainingReport], None] = ignore_report,
        clock: Callable[[], float] = lambda: 0.0,
        at: dict[int, Callable[[Any], object]] | None = None,
        **options: Any,
    ) -> None:
        stopping = Stopping(**{"steps": 10, "save_every": 4, **options})
        super().__init__(stopping, Progress(report, stopping.steps, clock), clock)
        self.saved: list[int] = []
        self._at = at or {}

    def advance(self) -> None:
        self._at.get(self.step + 1, lambda training: None)(self)
        self.step += 1

    def save(self) -> None:
        self.saved.append(self.step)


def interrupt(training: Counting) -> None:
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def report_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "INTERVAL", -1.0)


def test_it_makes_all_steps_and_saves_on_the_way_and_at_the_end() -> None:
    said: list[str] = []
    training = Counting(lambda report: said.extend(report.messages))
    assert training.run_and_save(training.save) == STEPS
    assert training.saved == [4, 8, 10]
    assert said == ["stopped after step 10: all steps are made"]


def test_patience_ends_it_and_is_asked_before_a_step() -> None:
    training = Counting(patience=2, at={3: lambda it: setattr(it, "stale", 2)})
    assert training.run(training.save, lambda: False) == PATIENCE
    assert training.step == 3
    assert training.run(training.save, lambda: False) == PATIENCE
    assert training.step == 3, "a resumed one that was stopped by it makes no step more"


def test_time_ends_it_after_a_step_that_is_saved() -> None:
    now = [0.0]
    training = Counting(clock=lambda: now[0], max_minutes=1.0, at={4: lambda it: now.__setitem__(0, 60.0)})
    assert training.run(training.save, lambda: False) == TIME
    assert (training.step, training.saved) == (4, [4])


@pytest.mark.parametrize("how", ["signal", "told"])
def test_who_asks_to_stop_waits_for_the_step_and_its_save(how: str) -> None:
    said: list[str] = []

    def report(report: TrainingReport) -> None:
        said.extend(report.messages)
        if report.step == 3 and not report.messages:
            if how == "told":
                raise KeyboardInterrupt
            signal.raise_signal(signal.SIGINT)

    training = Counting(report)
    with pytest.raises(KeyboardInterrupt):
        training.run_and_save(training.save)
    assert training.saved == [3]
    assert said == ["interrupted; saved after step 3: resume with --resume"]
    training.run_and_save(training.save)
    assert training.saved == [3, 4, 8, 10]


def test_a_step_that_is_half_done_is_not_saved() -> None:
    training = Counting(at={3: interrupt})
    with pytest.raises(KeyboardInterrupt):
        training.run_and_save(training.save)
    assert training.saved == []


def test_a_loss_that_stays_no_number_ends_it_and_says_what_to_do() -> None:
    def skip(it: Any) -> None:
        it.skipped += 1

    training = Counting(max_skipped=2, remedy="lower the rate", at={1: skip, 2: skip})
    with pytest.raises(InputError, match=r"step 2: 2 steps in a row .* no finite number; lower the rate"):
        training.run_and_save(training.save)
    assert training.saved == []


def test_messages_and_metrics_of_a_step_are_told_after_it() -> None:
    reports: list[TrainingReport] = []

    def learn(it: Any) -> None:
        it.shown["loss"] = 0.5
        it.messages.append("well")

    Counting(reports.append, at={2: learn}, steps=3).run(lambda: None, lambda: False)
    assert [(one.step, one.steps, dict(one.metrics), tuple(one.messages)) for one in reports] == [
        (1, 3, {}, ()),
        (2, 3, {"loss": 0.5}, ()),
        (2, 3, {"loss": 0.5}, ("well",)),
        (3, 3, {"loss": 0.5}, ()),
    ]


@pytest.mark.parametrize("stopped", [STEPS, PATIENCE, TIME, INTERRUPTED])
def test_every_reason_is_said(stopped: str) -> None:
    said: list[str] = []
    progress = Progress(lambda report: said.extend(report.messages))
    if stopped == INTERRUPTED:
        with pytest.raises(KeyboardInterrupt):
            report_stop(progress, stopped, 7)
    else:
        report_stop(progress, stopped, 7)
    assert len(said) == 1 and "after step 7" in said[0]


def test_threads_are_put_back_whatever_happens() -> None:
    class Library:
        count = 4

        def get_num_threads(self) -> int:
            return self.count

        def set_num_threads(self, count: int) -> None:
            self.count = count

    library = Library()
    with pytest.raises(ZeroDivisionError), threads(cast(ModuleType, library), 2):
        assert library.count == 2
        _ = 1 / 0
    assert library.count == 4
    with threads(cast(ModuleType, library), None):
        assert library.count == 4
