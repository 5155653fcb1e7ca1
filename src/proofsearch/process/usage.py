"""What a process and everything that it started use of the machine."""

from __future__ import annotations

import contextlib
import os

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
