"""Steps, one after the other, until there is a reason to stop; and what is said of that reason."""

from __future__ import annotations

import contextlib
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

from proofsearch.errors import InputError
from proofsearch.interruption import Interruption
from proofsearch.trainers.progress import Progress

STEPS, PATIENCE, TIME, INTERRUPTED = "steps", "patience", "time", "interrupted"
"""Why a training stopped."""

_WHY = {
    STEPS: "all steps are made",
    PATIENCE: "validation has not become better for long",
    TIME: "the time is up",
}


@dataclass(frozen=True, slots=True)
class Stopping:
    """When a training stops, and when it is saved on the way.

    Attributes:
        steps: after which it is done.
        save_every: steps between saves.
        patience: validations in a row without a better one that end it; 0: never.
        max_minutes: time after which it ends; ``None``: never.
        max_skipped: steps in a row without a finite loss after which it is given up.
        remedy: what a person should try then.
    """

    steps: int
    save_every: int
    patience: int = 0
    max_minutes: float | None = None
    max_skipped: int = 1
    remedy: str = "train again with a lower learning rate"


class SteppedTraining(ABC):
    """A training by steps: a subclass makes one step, and this runs, reports, saves and stops them.

    Args:
        stopping: when it stops and is saved.
        progress: is told after every step.
        clock: seconds; for tests.

    Attributes:
        step: steps done. A subclass counts them up.
        stale: validations since the best one. A subclass counts them.
        skipped: steps in a row that had no finite loss or gradient, so that the weights were left alone. A subclass
            counts them.
        shown: metrics that a person is shown, by name.
        messages: sentences that a person is told after the step.
        validated: whether the last step was followed by a validation, which is shown at once.
    """

    def __init__(self, stopping: Stopping, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self.step = 0
        self.stale = 0
        self.skipped = 0
        self.shown: dict[str, float] = {}
        self.messages: list[str] = []
        self.validated = False
        self.progress = progress
        self._stopping = stopping
        self._clock = clock

    @abstractmethod
    def advance(self) -> None:
        """Makes a step, and the validation that is due after it."""

    def run(self, save: Callable[[], None], stop_requested: Callable[[], bool]) -> str:
        """Trains until there is a reason to stop.

        Args:
            save: called at every save that is due on the way.
            stop_requested: whether someone asks to stop; called after every step.

        Returns:
            :data:`STEPS`, :data:`PATIENCE`, :data:`TIME` or :data:`INTERRUPTED`; no step is half done.

        Raises:
            InputError: too many steps in a row had no finite loss.
        """
        stopping, between = self._stopping, True
        end = math.inf if stopping.max_minutes is None else self._clock() + 60 * stopping.max_minutes
        try:
            while self.step < stopping.steps:
                if stopping.patience and self.stale >= stopping.patience:
                    return PATIENCE
                between = self.validated = False
                self.advance()
                between = True
                self._report()
                if stop_requested():
                    return INTERRUPTED
                if self.step % stopping.save_every == 0:
                    save()
                if self._clock() >= end:
                    return TIME
        except KeyboardInterrupt:
            # Not a signal, which is remembered: whoever was told of the progress asks to stop.
            if not between:
                raise
            return INTERRUPTED
        return STEPS

    def run_and_save(self, save: Callable[[], None]) -> str:
        """Trains as :meth:`run` does; Ctrl-C waits for the step to be done. Saves at the end and says why it ended.

        Raises:
            KeyboardInterrupt: someone asked to stop; everything is saved.
        """
        with Interruption() as interruption:
            stopped = self.run(save, lambda: interruption.requested)
            save()
        report_stop(self.progress, stopped, self.step)
        return stopped

    def _report(self) -> None:
        messages, self.messages = self.messages, []
        self.progress.update(self.step, self.shown, at_once=self.validated)
        self.progress.say(*messages)
        if self.skipped >= self._stopping.max_skipped:
            refuse_divergence(self.step, self.skipped, self._stopping.remedy)


def refuse_divergence(step: int, skipped: int, remedy: str) -> None:
    """Ends a training whose loss is no number any more.

    Raises:
        InputError: always.
    """
    rows = f"{skipped} steps in a row had" if skipped > 1 else "the step has"
    raise InputError(f"training failed at step {step}: {rows} a loss or a gradient that is no finite number; {remedy}")


def report_stop(progress: Progress, stopped: str, step: int) -> None:
    """Says why a training stopped.

    Raises:
        KeyboardInterrupt: because someone asked it to.
    """
    if stopped == INTERRUPTED:
        progress.say(f"interrupted; saved after step {step}: resume with --resume")
        raise KeyboardInterrupt
    progress.say(f"stopped after step {step}: {_WHY[stopped]}")


@contextlib.contextmanager
def threads(library: ModuleType, count: int | None) -> Iterator[None]:
    """Gives a learning library, which is ``torch``, so many threads for a while; ``None``: as many as it has."""
    before = library.get_num_threads()
    if count is not None:
        library.set_num_threads(count)
    try:
        yield
    finally:
        library.set_num_threads(before)
