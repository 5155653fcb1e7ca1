"""What a prover uses while it is searched with, and its replacement where that is too much."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from proofsearch.protocols import Renews, ReportsUsage, Usage

INTERVAL = 1.0
"""Seconds between two questions what a prover uses: looking through the system's processes takes milliseconds."""


class ProverWatch:
    """Asks a session now and then what its prover uses; serves one search after another.

    Between two questions an expansion costs one look at the clock; of a session that doesn't say, nothing.

    Args:
        most: bytes; a prover that uses more is replaced. ``None``: it may use what it likes.
        environment: of the sessions. It is asked where the session doesn't say.
        interval: seconds between two questions at least, also from one search to the next.
        clock: seconds, from any origin, never going back.

    Attributes:
        last: what the prover used when it was asked last; ``None`` where it never was in this search.
        highest: the highest of each number in this search; ``None`` likewise.
        replacements: how often the prover was replaced in this search.
        messages: what a person should know of it.
    """

    def __init__(
        self,
        most: float | None = None,
        environment: Any = None,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._environment = environment if isinstance(environment, ReportsUsage) else None
        self._interval = interval
        self._clock = clock
        self._next = clock()
        self._session: object = None
        self._source: ReportsUsage | None = None
        self._hopeless = False
        self.last: Usage | None = None
        self.highest: Usage | None = None
        self.replacements = 0
        self.messages: list[str] = []

    def begin(self, session: object) -> bool:
        """Begins with the session of a search; returns whether there is anything to ask."""
        self._session = session
        self._source = session if isinstance(session, ReportsUsage) else self._environment
        self.last = self.highest = None
        self.replacements = 0
        self.messages = []
        self._hopeless = False
        return self._source is not None

    def look(self) -> None:
        """Asks, if it is time, and has the session replace a prover that uses too much. Between two expansions."""
        if self._clock() < self._next:
            return
        usage = self._ask()
        session = self._session
        if self._too_much(usage) and not self._hopeless and isinstance(session, Renews):
            session.renew()
            self.replacements += 1
            if self._too_much(renewed := self._ask()):
                # Each replacement costs the replay of what is stepped next: once has to be enough.
                self._hopeless = True
                self.messages.append(
                    f"the prover uses {_megabytes(renewed)} when it is new, more than it may: it is replaced no more "
                    "in this search; give it more with --max-prover-memory"
                )

    def between(self) -> None:
        """Has the environment replace a prover that uses too much and outlives the session. Between two theorems."""
        self._session = self._source = None
        environment = self._environment
        if self._most is None or environment is None or not isinstance(environment, Renews):
            return
        if self._too_much(environment.usage()):
            environment.renew()
            self.replacements += 1

    def _ask(self) -> Usage:
        assert self._source is not None
        self.last = usage = self._source.usage()
        self.highest = usage if self.highest is None else usage.highest(self.highest)
        self._next = self._clock() + self._interval
        return usage

    def _too_much(self, usage: Usage) -> bool:
        return self._most is not None and usage.memory > self._most


def _megabytes(usage: Usage) -> str:
    return f"{usage.memory / 1e6:.0f} MB"
