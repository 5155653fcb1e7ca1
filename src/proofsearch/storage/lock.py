"""One writer for a folder: of a run, of an expert iteration, of a training."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofsearch.errors import RunFolderError, StorageError


class FolderLock:
    """An advisory lock on a file, freed by the system when its process ends, however it ends.

    Args:
        path: the file, in the folder that is locked.
        what: stands in the folder, for people.
    """

    def __init__(self, path: Path, what: str = "run") -> None:
        self.path = path
        self._what = what
        self._descriptor = -1

    def acquire(self) -> None:
        """Takes the lock; does not wait.

        Raises:
            RunFolderError: another process, or another object of this one, holds it.
            OSError: the lock file can't be written, or the file system knows no locks.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            raise RunFolderError(
                f"{self.path.parent}: another process{f' ({holder})' if holder else ''} is writing to this "
                f"{self._what}; wait for it, stop it, or choose another folder with --out"
            ) from None
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Frees the lock. Idempotent. The file stays: deleting it would let two processes lock two files."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Makes a folder and holds its lock.

    Args:
        path: the lock file in the folder.
        what: stands in the folder, for people.

    Raises:
        RunFolderError: another process holds the lock.
        StorageError: the folder can't be written.
    """
    lock = FolderLock(path, what)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        why = error.strerror or error
        raise StorageError(f"{path.parent}: the {what} folder can't be written: {why}") from error
    try:
        yield
    finally:
        lock.release()
