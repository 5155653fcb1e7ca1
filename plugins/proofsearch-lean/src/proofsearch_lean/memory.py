"""What processes of Lean use."""

from __future__ import annotations

import contextlib

import psutil

from proofsearch.protocols import Usage


def usage_of(*processes: psutil.Process | None) -> Usage:
    """What some processes use, without what they map from files.

    The compiled libraries that a Lean process maps, gigabytes with Mathlib, are there once however many processes map
    them, and a new process would map them as well. So they say nothing about what replacing one would free.
    """
    memory = number = 0
    for process in processes:
        if process is None:
            continue
        with contextlib.suppress(psutil.Error):
            used = process.memory_info()
            memory += max(used.rss - getattr(used, "shared", 0), 1)
            number += 1
    return Usage(memory, number)
