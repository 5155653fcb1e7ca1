"""How long a job may take, and how much memory its worker."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from proofsearch.workers.slots import Failed, Slot

_MEMORY_INTERVAL = 0.2
"""Seconds between two looks at how much memory the workers use."""

_LONGEST_WAIT = 86400.0
"""Seconds; systems can't wait for longer than some weeks at a time, so a longer time-out is waited for in parts."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a worker may use for a job.

    Attributes:
        timeout: seconds; ``None`` for any.
        memory: megabytes, with what it started; ``None`` for any.
    """

    timeout: float | None
    memory: int | None

    def patience(self, slots: Iterable[Slot]) -> float | None:
        """Seconds until one of these workers has to be looked at; ``None``: when it says something."""
        waits = [] if self.memory is None else [_MEMORY_INTERVAL]
        if self.timeout is not None:
            now = time.monotonic()
            waits += [max(0.0, slot.since + self.timeout - now) for slot in slots if slot.since is not None]
        return min([*waits, _LONGEST_WAIT]) if waits else None

    def overrun(self, slot: Slot) -> Failed | None:
        """Kills a worker that is beyond a bound and says so; ``None`` for any other."""
        if self.timeout is not None and slot.since is not None and time.monotonic() - slot.since >= self.timeout:
            slot.kill()
            return Failed("timed out", f"stopped after {self.timeout:g} s")
        if self.memory is not None and slot.since is not None and (used := slot.memory()) > self.memory:
            slot.kill()
            return Failed("out of memory", f"stopped at {used:.0f} MB, allowed are {self.memory} MB")
        return None
