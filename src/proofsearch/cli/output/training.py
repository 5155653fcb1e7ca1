"""What a training or an expert iteration shows while it is under way: its searches, and its steps."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Self

from rich.progress import TaskID

from proofsearch.cli.output.console import escape
from proofsearch.cli.output.run import Display, display, progress_bars
from proofsearch.process import streams
from proofsearch.protocols import TrainingReport
from proofsearch.protocols.events import Event, Noted, Progressed

SHOWN = ("loss", "gap", "rank")
"""The metrics that a person watches; where a trainer has none of them, its first three are shown.

Where there is a ``policy rank``, it stands beside ``rank``: what log-probability alone would give.
"""

_LINES = 20
"""Lines about a training's steps, where there are no bars."""


class TrainingDisplay:
    """Shows searches as ``proofsearch search`` does, and a training as a bar or as lines; on standard error.

    Args:
        quiet: show nothing but what a person should know.

    Attributes:
        learnt: whether a training was seen to make a step.
    """

    def __init__(self, quiet: bool) -> None:
        self.learnt = False
        self._quiet = quiet
        self._searches: Display | None = None
        self._steps: _Silence | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def show(self, event: Event) -> None:
        """Shows an event. Of searches and trainings that follow each other one at a time has the screen."""
        match event:
            case Noted(message):
                self._end()
                if not self._quiet:
                    streams.message(message)
            case Progressed(report) if self._steps is None and not report.step and not report.metrics:
                # It is still reading, encoding, setting up: a bar at 0 would hide which.
                for message in report.messages:
                    streams.message(message)
            case Progressed(report):
                self.learnt = self.learnt or report.step > 0
                if self._steps is None:
                    self._end()
                    steps = _Silence() if self._quiet else _Bar() if sys.stderr.isatty() else _Lines()
                    self._steps = self._open.enter_context(steps)
                self._steps.show(report)
            case _:
                if self._searches is None:
                    self._end()
                    self._searches = self._open.enter_context(display(self._quiet))
                self._searches.show(event)

    def _end(self) -> None:
        self._open.close()
        self._searches = self._steps = None


class _Silence:
    """Only what a person should know of the steps of a training."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def show(self, report: TrainingReport) -> None:
        for message in report.messages:
            streams.message(message)


class _Lines(_Silence):
    """A line every so many steps, for logs."""

    def __init__(self) -> None:
        self._shown = -1

    def show(self, report: TrainingReport) -> None:
        super().show(report)
        part = report.step * _LINES // max(report.steps, 1)
        if report.metrics and part != self._shown:
            self._shown = part
            streams.message(f"step {report.step}/{report.steps}: {figures(report.metrics)}")


class _Bar(_Silence):
    """A bar with the latest figures, and above it what a person should know."""

    def __init__(self) -> None:
        self._progress = progress_bars()
        self._task: TaskID | None = None
        self._note = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def show(self, report: TrainingReport) -> None:
        for message in report.messages:
            self._progress.console.print(f"[yellow]![/] {escape(message)}", highlight=False)
        self._note = figures(report.metrics) or self._note
        if self._task is None:
            self._task = self._progress.add_task("training", total=report.steps, note="")
        self._progress.update(self._task, completed=report.step, total=report.steps, note=self._note)


def figures(metrics: Mapping[str, float]) -> str:
    """The metrics that a person watches, on one line."""
    names = [name for name in SHOWN if name in metrics] or list(metrics)[:3]
    beside = {"rank": f" (policy {_figure(metrics['policy rank'])})"} if "policy rank" in metrics else {}
    return "  ".join(f"{name} {_figure(metrics[name])}{beside.get(name, '')}" for name in names)


def _figure(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "not finite"
