"""What a person watching a training is told, and how often."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from proofsearch.protocols import OnReport, TrainingReport

INTERVAL = 1.0
"""Seconds between reports without messages."""


class Progress:
    """Reports steps about once a second, and messages at once; a message that was said is not repeated.

    Args:
        report: who is told.
        steps: how many there will be at most, as far as is known yet.
        clock: seconds; for tests.

    Attributes:
        steps: as given; may be set once it is known.
        metrics: what is reported, by name.
    """

    def __init__(self, report: OnReport, steps: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self.steps = steps
        self._report = report
        self._clock = clock
        self._last = -math.inf
        self._step = 0
        self.metrics: dict[str, float] = {}
        self._said: set[str] = set()

    def update(self, step: int, metrics: Mapping[str, float], *, at_once: bool = False) -> None:
        """Takes notice of a step and of what changed with it.

        Args:
            step: how many were made.
            metrics: the names that changed, with their values.
            at_once: report it now, and not only if the last report is long enough ago.
        """
        self._step = step
        self.metrics.update(metrics)
        now = self._clock()
        if at_once or now - self._last >= INTERVAL:
            self._last = now
            self._tell()

    def say(self, *messages: str) -> None:
        """Reports messages that were not said yet."""
        new = tuple(message for message in dict.fromkeys(messages) if message not in self._said)
        self._said.update(new)
        if new:
            self._tell(new)

    def _tell(self, messages: tuple[str, ...] = ()) -> None:
        self._report(TrainingReport(self._step, max(self._step, self.steps), dict(self.metrics), messages))
