"""What ``proofsearch doctor`` finds out about the machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from proofsearch.diagnosis import TIMEOUT
from proofsearch.process.usage import processors
from proofsearch.storage.cache import CACHE_VARIABLE, cache_folder
from proofsearch.types import Finding

_SCARCE = 1e9
"""Bytes of free space below which prepared libraries and encoded states soon find no room."""


def examine_machine() -> Iterator[Finding]:
    """Python, processors, memory, accelerators, and the cache folder."""
    yield Finding(
        "Python", "found", f"{platform.python_version()} on {platform.platform(terse=True)} ({sys.executable})"
    )
    memory = psutil.virtual_memory()
    yield Finding(
        "processors",
        "found",
        f"{processors()} usable, {memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
    )
    yield _accelerators()
    yield _cache(cache_folder())


def _accelerators() -> Finding:
    """What the driver says; a learning library says for itself what it can use of it."""
    name = "nvidia-smi"
    path = shutil.which(name)
    if path is None:
        if sys.platform == "darwin" and platform.machine() == "arm64":
            return Finding("accelerators", "found", "Apple silicon (mps)")
        return Finding(
            "accelerators", "absent", "no NVIDIA driver was found", "models run on the processors; that is slow"
        )
    query = [path, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("accelerators", "problem", f"{path} can't be run: {error}", "install the driver again")
    devices = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    if done.returncode or not devices:
        said = (done.stdout or done.stderr).strip().splitlines()
        return Finding("accelerators", "problem", said[0] if said else f"{name} names none", "see to the driver")
    return Finding("accelerators", "found", "; ".join(devices))


def _cache(folder: Path) -> Finding:
    """Whether the cache folder can be written, as far as can be said without writing to it."""
    parent = folder
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    remedy = f"choose another folder with {CACHE_VARIABLE}"
    if not parent.is_dir():
        return Finding("cache", "problem", f"{folder}: {parent} is no folder", remedy)
    if not os.access(parent, os.W_OK | os.X_OK):
        return Finding("cache", "problem", f"{folder} can't be written", remedy)
    free = shutil.disk_usage(parent).free
    if free < _SCARCE:
        return Finding("cache", "problem", f"{folder}: only {free / 1e9:.1f} GB are free", f"make room, or {remedy}")
    return Finding("cache", "found", f"{folder}, {free / 1e9:.0f} GB free")
