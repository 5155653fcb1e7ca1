"""What a search may spend, and what it has spent: every limit, the clock, and cancellation in one place."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsearch.config import LimitConfig


SAMPLED = 16
"""Of so many expansions the steps of one have their processor time measured."""


class Budget:
    """Keeps account of one search.

    Args:
        limit: what may be spent.
        clock: seconds, from any origin, never going back.
        cancelled: whether the caller wants an end; asked often.
        processor: seconds that processors worked for the search, from any origin, never going back.

    Attributes:
        expansions, steps, generated: how many there were: nodes expanded, tactics tried, states sent to the generator.
        watched: whether time or cancellation can end the search, so that it is worth looking in between.
        generate_seconds, step_seconds, score_seconds, accept_seconds: where the time went.
        shortest: seconds that a part of it takes at least to be told anybody.
        accept_processor: processor seconds of verification.
    """

    def __init__(
        self,
        limit: LimitConfig,
        clock: Callable[[], float],
        cancelled: Callable[[], bool] | None = None,
        processor: Callable[[], float] = time.thread_time,
    ) -> None:
        self.clock = clock
        self.processor = processor
        self._cancelled = cancelled
        self._max_expansions = inf if limit.expansions is None else limit.expansions
        self._max_steps = inf if limit.steps is None else limit.steps
        self._max_seconds = inf if limit.seconds is None else limit.seconds
        self._max_model_calls = inf if limit.model_calls is None else limit.model_calls
        self.watched = cancelled is not None or limit.seconds is not None
        self.expansions = 0
        self.steps = 0
        self.generated = 0
        self.generate_seconds = 0.0
        self.step_seconds = 0.0
        self.score_seconds = 0.0
        self.accept_seconds = 0.0
        self.shortest = inf
        self._timers: list[tuple[float, Callable[[str, float, float, int], None]]] = []
        self.accept_processor = 0.0
        self._initial = (0.0, 0.0)  # seconds, and processor seconds
        self._sampled = (0.0, 0.0)
        self._processor_began = processor()
        self._began = clock()

    def tell_parts(self, shortest: float, timed: Callable[[str, float, float, int], None]) -> None:
        """Has somebody told of parts, as a :class:`proofsearch.protocols.PartsObserver`."""
        self._timers.append((shortest, timed))
        self.shortest = min(self.shortest, shortest)

    def tell(self, part: str, began: float, ended: float, count: int) -> None:
        """Tells of a part that took :attr:`shortest` or more."""
        for shortest, timed in self._timers:
            if ended - began >= shortest:
                timed(part, began, ended, count)

    def elapsed(self) -> float:
        """Seconds since the start, without verification."""
        return self.clock() - self._began - self.accept_seconds

    def processor_elapsed(self) -> float:
        """Processor seconds since the start, without verification."""
        return self.processor() - self._processor_began - self.accept_processor

    def note_initial(self, processor_seconds: float) -> None:
        """Takes down what the first state took; :attr:`step_seconds` has its time."""
        self._initial = (self.step_seconds, processor_seconds)

    @property
    def samples(self) -> bool:
        """Whether the processor time of the next expansion's steps is to be measured: it costs microseconds."""
        return self.expansions % SAMPLED == 0

    def note_steps(self, seconds: float, processor_seconds: float) -> None:
        """Takes down what the steps of one of the measured expansions took, without verification."""
        self._sampled = (self._sampled[0] + seconds, self._sampled[1] + processor_seconds)

    def step_processor(self) -> float:
        """Processor seconds of all steps: of some expansions measured, of the others in proportion to their time.

        They are at most those of the whole search, also where other processes made some of the steps take long.
        """
        (initial, first), (seconds, processor) = self._initial, self._sampled
        rest = self.step_seconds - initial
        estimate = first + (processor * rest / seconds if seconds > 0 else processor)
        return min(estimate, self.processor_elapsed())

    def at(self, now: float) -> float:
        """A reading of the clock as seconds since the start, without verification."""
        return now - self._began - self.accept_seconds

    def steps_left(self) -> float:
        """How many more tactics may be tried."""
        return self._max_steps - self.steps

    def room(self, scored: int) -> float:
        """How many nodes may be expanded now; below 1 where a limit on expansions or model calls is reached.

        Args:
            scored: states sent to the scorer so far.
        """
        return min(self._max_expansions - self.expansions, self._max_model_calls - self.generated - scored)

    def reached(self, scored: int) -> str | None:
        """The limit that ends the search before the next expansion; time and cancellation are not looked at."""
        if self.expansions >= self._max_expansions:
            return "expansions"
        if self.steps >= self._max_steps:
            return "steps"
        if self.generated + scored >= self._max_model_calls:
            return "model_calls"
        return None

    def is_cancelled(self) -> bool:
        """Whether the caller wants an end."""
        return self._cancelled is not None and self._cancelled()

    def is_late(self) -> bool:
        """Whether the time is up."""
        return self._max_seconds < inf and self.elapsed() >= self._max_seconds
