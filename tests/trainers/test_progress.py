"""What a person is told of a training: about once a second, and no sentence twice."""

from __future__ import annotations

import pytest

from proofsearch.protocols import TrainingReport
from proofsearch.trainers.progress import Progress


def test_progress_comes_about_once_a_second_and_messages_at_once() -> None:
    clock, reports = [0.0], list[TrainingReport]()
    progress = Progress(reports.append, 100, clock=lambda: clock[0])
    for step in range(1, 31):
        clock[0] += 0.125  # exact in binary
        progress.update(step, {"loss": 1.0 / step})
    assert [report.step for report in reports] == [1, 9, 17, 25]
    assert reports[-1].metrics == {"loss": pytest.approx(1 / 25)}
    assert reports[-1].steps == 100
    progress.say("b", "a", "b")
    progress.say("a")
    assert [report.messages for report in reports[4:]] == [("b", "a")]
    assert reports[4].step == 30


def test_a_step_that_matters_is_reported_at_once() -> None:
    reports: list[TrainingReport] = []
    progress = Progress(reports.append, clock=lambda: 0.0)
    for step in (1, 2, 3):
        progress.update(step, {f"metric {step}": step}, at_once=step == 3)
    assert [report.step for report in reports] == [1, 3]
    assert set(reports[-1].metrics) == {"metric 1", "metric 2", "metric 3"}
    assert reports[-1].steps == 3, "more steps than there were to be"


def test_trainings_one_after_the_other_are_one_progress() -> None:
    reports: list[TrainingReport] = []
    progress = Progress(reports.append, 10, clock=lambda: 0.0)
    progress.update(4, {}, at_once=True)
    progress.before += 4
    progress.update(1, {}, at_once=True)
    assert [(report.step, report.steps) for report in reports] == [(4, 10), (5, 10)]
