"""The folder of a private cluster and the processes that belong to it, also where who started it was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

_PREFIX = "ray-"
_LOCK = "owner.lock"

MARK = "PROOFSEARCH_RAY_FOLDER"
"""Environment variable of all processes of a private cluster: its folder."""


class PrivateFolder:
    """A new folder for a private cluster, held by this process until it is closed or dies.

    What killed processes left, folders and what still runs in them, is cleared away first. Ray ends its processes with
    the one that started them, but some of them a minute later, or never where they were about to start.

    Attributes:
        path: the folder.
    """

    def __init__(self) -> None:
        clear_abandoned()
        self.path = tempfile.mkdtemp(prefix=_PREFIX)
        # It gets its name when it is locked, so that no other process takes the folder for abandoned.
        lock = Path(self.path, f"{_LOCK}.new")
        self._descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.rename(Path(self.path, _LOCK))

    @contextlib.contextmanager
    def marking(self) -> Iterator[None]:
        """Whatever is started meanwhile belongs to the cluster."""
        os.environ[MARK] = self.path
        try:
            yield
        finally:
            os.environ.pop(MARK, None)

    def close(self) -> None:
        """Ends what still runs and deletes the folder. Idempotent."""
        if self._descriptor >= 0:
            _clear(self.path)
            os.close(self._descriptor)
            self._descriptor = -1


def clear_abandoned() -> None:
    """Clears away the folders of this user whose owners have died."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError):  # held by its owner, another user's, or gone meanwhile
            descriptor = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _clear(str(lock.parent))
            finally:
                os.close(descriptor)


def _clear(folder: str) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == folder:
                process.kill()
    shutil.rmtree(folder, ignore_errors=True)
