"""The processes that a component has started, and whether they end."""

from __future__ import annotations

import multiprocessing.forkserver
import multiprocessing.resource_tracker
from collections.abc import Sequence

import psutil


def children() -> list[psutil.Process]:
    """The processes that this one has started, directly or not, without Python's own."""
    own = {
        getattr(getattr(multiprocessing.resource_tracker, "_resource_tracker", None), "_pid", None),
        getattr(getattr(multiprocessing.forkserver, "_forkserver", None), "_forkserver_pid", None),
    }
    return [process for process in psutil.Process().children(recursive=True) if process.pid not in own]


def ended(processes: Sequence[psutil.Process], seconds: float = 2.0) -> list[int]:
    """Waits for processes to end.

    Returns:
        The ids of those that are still running after so many seconds.
    """
    psutil.wait_procs(list(processes), timeout=seconds)
    return [process.pid for process in processes if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
