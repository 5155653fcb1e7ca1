"""Folders that are computed once, whole or not at all, and shared between processes."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from proofsearch.errors import InputError, StorageError

if sys.platform != "win32":
    import fcntl


T = TypeVar("T")


def open_or_build(
    parent: Path, key: str, load: Callable[[Path], T], build: Callable[[Path], None], status: Callable[[str], None]
) -> T:
    """Opens the folder ``parent/key``; builds it first where it is missing or damaged.

    Several processes may ask at once: one builds, the others wait for it.

    Args:
        parent: where such folders are; made if need be.
        key: the folder's name, which changes with everything that it depends on.
        load: opens a folder; raises ``FileNotFoundError`` or ``InputError`` for one that is missing or damaged.
        build: writes the files into an empty folder.
        status: tells a person what goes on.

    Raises:
        StorageError: the folder can't be written.
    """
    folder = parent / key
    with contextlib.suppress(FileNotFoundError, InputError):
        return load(folder)
    with storing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        lock = (parent / f"{key}.lock").open("a")
    with lock:
        _wait(lock, status)
        try:
            return load(folder)
        except FileNotFoundError:
            pass
        except InputError as error:
            status(f"k-NN memory: {error}; building it again")
        with storing(parent):
            for leftover in parent.glob(f"{key}.tmp*"):
                shutil.rmtree(leftover, ignore_errors=True)
            fresh = Path(tempfile.mkdtemp(prefix=f"{key}.tmp", dir=parent))
        try:
            build(fresh)
            with storing(parent):
                if folder.exists():
                    shutil.rmtree(folder)
                fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return load(folder)


@contextlib.contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Reports what the system says of a write that failed.

    Raises:
        StorageError: in place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{folder}: the k-NN memory can't be kept there ({error}); free some space or choose another cache folder"
        ) from error


def _wait(file: IO[str], status: Callable[[str], None]) -> None:
    """Takes the lock on a file; the system lets go of it when the file is closed or the process dies."""
    if sys.platform == "win32":
        # No such lock there: processes may build side by side, and the first to finish wins.
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        status("k-NN memory: waiting for another process that builds it")
        fcntl.flock(file, fcntl.LOCK_EX)
