"""Watching a run or a training, and telling a tracker of it: the part that is the same for every tracker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from proofsearch.protocols import Observer
from proofsearch_trackers.facts import Setting, Tally, numbers, settings

if TYPE_CHECKING:
    from proofsearch.protocols import RunInfo, TheoremResult, TrainingInfo, TrainingReport


class Backend(Protocol):
    """A tracker. What it raises is said once, and the run or the training goes on without it."""

    def begin(self, folder: Path, identity: str, about: Mapping[str, Setting]) -> None:
        """A run begins, or goes on.

        Args:
            folder: of the run or the checkpoint; its name is a good one.
            identity: the same when the run is resumed; unique among runs.
            about: its settings.
        """

    def record(self, figures: Mapping[str, float], step: int) -> None:
        """Figures, finite, at a step; steps never fall."""

    def end(self, whole: bool) -> None:
        """The run is at its end; or it was stopped before."""


class Tracker(Observer):
    """Tells a backend of a run and of a training. It watches no single search: each is told when its result is there.

    So the writer is in the process that leads, whatever executor searches, and a tracker sees one run.

    Args:
        backend: makes the tracker, when something begins.
        interval: seconds between two records, at least; figures that come in between are joined, the newest winning.
        run_id: of the run; empty in a training.
        clock: seconds, from any origin.
    """

    def __init__(
        self,
        backend: Callable[[], Backend],
        interval: float = 1.0,
        run_id: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = backend
        self._interval = interval
        self._run_id = run_id
        self._clock = clock
        self._backend: Backend | None = None
        self._waiting: dict[str, float] = {}
        self._step = 0
        self._recorded = -float("inf")
        self._tally = Tally(0)

    def run_started(self, run: RunInfo) -> None:
        """Begins the tracker's run."""
        self._tally = Tally(run.done)
        self._begin(run.path, self._run_id or str(run.path.absolute()), settings(run.config), run.done)

    def searched(self, result: TheoremResult) -> None:
        """Records how many theorems are proved, and what they took; the step is how many have a result."""
        self._tally.add(result)
        self._note(self._tally.figures(), self._tally.done)

    def run_finished(self, run: RunInfo, results: Mapping[str, TheoremResult]) -> None:
        """Records the figures of the whole run."""
        proved = sum(result.proved for result in results.values())
        whole = {"run/proved": proved, "run/proved share": proved / max(1, len(results))}
        self._note(self._tally.figures() | whole, self._tally.done, at_once=True)
        self._end(whole=True)

    def training_started(self, training: TrainingInfo) -> None:
        """Begins the tracker's run."""
        self._begin(training.path, f"training {training.path.absolute()}", settings(training.config), 0)

    def reported(self, report: TrainingReport) -> None:
        """Records what the trainer measured, at its step."""
        if report.metrics:
            self._note({f"train/{name}": value for name, value in numbers(report.metrics).items()}, report.step)

    def training_finished(self, training: TrainingInfo, metrics: Mapping[str, Any]) -> None:
        """Records what was measured on the checkpoint."""
        self._note(numbers(metrics, "checkpoint/"), self._step, at_once=True)
        self._end(whole=True)

    def close(self) -> None:
        """Ends the tracker's run, if that is still open. Idempotent."""
        if self._backend is not None:
            self._flush()
            self._end(whole=False)

    def _begin(self, folder: Path, identity: str, about: Mapping[str, Setting], step: int) -> None:
        self._waiting, self._step, self._recorded = {}, step, -float("inf")
        backend = self._make()
        backend.begin(folder, identity, about)
        self._backend = backend

    def _note(self, figures: Mapping[str, float], step: int, at_once: bool = False) -> None:
        self._waiting |= figures
        self._step = max(self._step, step)
        if at_once or self._clock() - self._recorded >= self._interval:
            self._flush()

    def _flush(self) -> None:
        if self._waiting and self._backend is not None:
            figures, self._waiting = self._waiting, {}
            self._recorded = self._clock()
            self._backend.record(figures, self._step)

    def _end(self, whole: bool) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.end(whole)
