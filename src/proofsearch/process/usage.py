"""What a process and everything that it started use of the machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

import psutil


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def family(pid: int) -> tuple[int, int]:
    """Resident memory of a process and all of its children, in bytes, and how many processes they are.

    Pages that they share are counted for each of them. A process that is gone counts for nothing.
    """
    memory = processes = 0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                memory += process.memory_info().rss
                processes += 1
    return memory, processes


class ProcessorTimes:
    """Adds up how long processors worked for processes that follow one another, such as those of one prover.

    A process counts with what it had used when it was last looked at, its children not included: look at those too.
    """

    def __init__(self) -> None:
        self._seconds: dict[psutil.Process, float] = {}

    def read(self, processes: Iterable[psutil.Process | None]) -> float:
        """Looks at those that run now, and returns the seconds of all that were ever looked at.

        Args:
            processes: ``None`` among them, and one that is gone, add nothing.
        """
        for process in processes:
            if process is not None:
                with contextlib.suppress(psutil.Error):
                    used = process.cpu_times()
                    self._seconds[process] = used.user + used.system
        return sum(self._seconds.values())
