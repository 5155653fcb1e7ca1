"""What ``proofsearch doctor`` finds out about Ray."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from proofsearch import Finding
from proofsearch.diagnosis import ask_python

_SHARED = Path("/dev/shm")
_NEEDED = 600 << 20
"""Bytes of shared memory that a private cluster takes at most."""

_QUESTION = "import ray; found = {'version': ray.__version__}"


def examine() -> Iterator[Finding]:
    """Whether Ray can be imported, has shared memory, and whether this machine belongs to a cluster."""
    said = ask_python(_QUESTION)
    if isinstance(said, str):
        yield Finding("ray", "problem", said, "pip install ray")
        return
    yield Finding("ray", "found", str(said["version"]))
    if _SHARED.is_dir() and shutil.disk_usage(_SHARED).free < _NEEDED:
        free = shutil.disk_usage(_SHARED).free >> 20
        yield Finding(
            "shared memory",
            "problem",
            f"{_SHARED} has {free} MB free, a cluster of this machine takes {_NEEDED >> 20}; without, it is slow",
            "in a container: docker run --shm-size=2g",
        )
    current = current_cluster()
    address = os.environ.get("RAY_ADDRESS") or (current.read_text().strip() if current.is_file() else "")
    if address:
        yield Finding("cluster", "found", f"{address}, which --ray-address auto joins")
    else:
        yield Finding(
            "cluster",
            "absent",
            f"this machine belongs to none ({current} names none); --ray-address local starts one for a run",
            "for --ray-address auto: ray start --head, and on the other machines: ray start --address HOST:6379",
        )


def current_cluster() -> Path:
    """The file in which ``ray start`` writes the address of the cluster that this machine belongs to."""
    folder = os.environ.get("RAY_TMPDIR")
    if folder is None and sys.platform.startswith("linux"):
        folder = os.environ.get("TMPDIR")
    return Path("/tmp" if folder is None else folder, "ray", "ray_current_cluster")
