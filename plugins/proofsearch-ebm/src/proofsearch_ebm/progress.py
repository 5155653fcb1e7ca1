"""What a person watching a training is told, and how often; and TensorBoard, where it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from proofsearch.errors import UsageError
from proofsearch.protocols import OnReport, TrainingReport

INTERVAL = 1.0
"""Seconds between reports without messages."""


class Progress:
    """Reports steps about once a second, and messages at once; a message that was said is not repeated.

    Args:
        report: who is told.
        steps: how many there will be at most.
        clock: seconds; for tests.
    """

    def __init__(self, report: OnReport, steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._steps = steps
        self._clock = clock
        self._last = float("-inf")
        self._step = 0
        self._metrics: dict[str, float] = {}
        self._said: set[str] = set()

    def at(self, step: int, metrics: Mapping[str, float]) -> None:
        """Takes notice of a step and of what changed with it; reports if the last report is long enough ago."""
        self._step = step
        self._metrics.update(metrics)
        now = self._clock()
        if now - self._last >= INTERVAL:
            self._last = now
            self._report(TrainingReport(step, self._steps, dict(self._metrics)))

    def say(self, *messages: str) -> None:
        """Reports messages that were not said yet."""
        new = tuple(message for message in dict.fromkeys(messages) if message not in self._said)
        self._said.update(new)
        if new:
            self._report(TrainingReport(self._step, self._steps, dict(self._metrics), new))


class ScalarWriter(Protocol):
    """Takes measurements by name and step."""

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Takes one row."""

    def close(self) -> None:
        """Flushes. Idempotent."""


class NoWriter:
    """Takes nothing."""

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


class TensorBoardWriter:
    """Writes event files that TensorBoard shows.

    Args:
        folder: for the event files; created.
        after: the step that the training goes on from: what an earlier session wrote of later ones, and this one will
            write again, is not shown any more.

    Raises:
        UsageError: the package tensorboard is not installed.
    """

    def __init__(self, folder: Path, after: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                "--ebm-tensorboard needs the package tensorboard, which is not installed; install it with: "
                "pip install 'proofsearch-ebm[tensorboard]', or leave the option out"
            ) from None
        self._writer: Any = SummaryWriter(str(folder), purge_step=after + 1)

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Takes one row; what is not a number is left out."""
        for name, value in metrics.items():
            if value == value:
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flushes and closes the event file."""
        self._writer.close()
