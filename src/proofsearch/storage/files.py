"""Files that appear whole or not at all, and survive a power cut once the call returns.

A new file is written beside its place as ``<name>.part``, flushed to the disk, renamed over the place, and then the
rename itself is flushed with the folder. A kill at any moment leaves the old file or the new one, and at worst a
``.part`` file that nobody reads. Several processes may write one file at once, as those do that fill a cache: they
write after each other, and each file that is seen is one writer's. These functions raise :class:`OSError`; who calls
them knows what to tell the user.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

PART_SUFFIX = ".part"
"""What an unfinished file's name ends with; such files may be deleted whenever nobody is writing."""


def write_whole(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Writes a file durably and atomically, replacing what stood there.

    Args:
        path: where; its folder must exist.
        content: the bytes, or a function that writes them to a binary stream.

    Raises:
        OSError: the write failed; what stood at ``path`` is untouched and the ``.part`` file is removed.
    """
    write_together({path: content})


def write_together(files: Mapping[Path, bytes | Callable[[BinaryIO], object]]) -> None:
    """Writes files, each as :func:`write_whole` does, with fewer flushes than one after another.

    Args:
        files: what to write, by where; their folders must exist.

    Raises:
        OSError: a write failed. Files that appeared are whole, what stood at the other places is untouched, and no
            ``.part`` file is left.
    """
    with contextlib.ExitStack() as stack:
        streams: dict[Path, BinaryIO] = {}
        try:
            for path, content in files.items():
                stream = streams[path] = stack.enter_context(_sole_writer(_part(path)))
                if callable(content):
                    content(stream)
                else:
                    stream.write(content)
                stream.flush()
            # The first flush takes much of what the others would have to do along.
            for stream in streams.values():
                os.fsync(stream.fileno())
            for path in list(streams):
                _part(path).replace(path)
                del streams[path]
        except BaseException:
            for path in streams:
                _part(path).unlink(missing_ok=True)
            raise
    for folder in dict.fromkeys(path.parent for path in files):
        sync_folder(folder)


def _part(path: Path) -> Path:
    return path.with_name(path.name + PART_SUFFIX)


def append(descriptor: int, content: bytes, at: int) -> int:
    """Appends bytes to an open file and flushes them to the disk; all of them or none.

    Args:
        descriptor: of a file open for appending, which nobody else writes.
        content: what to append.
        at: the length that the file should have. Anything beyond is what a failed write left: it is cut off first.

    Returns:
        The file's new length.

    Raises:
        OSError: the write failed; call again with the same ``at``.
    """
    if os.fstat(descriptor).st_size != at:
        os.ftruncate(descriptor, at)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        # Best effort: the next append cuts it off anyway, and so does whoever opens the file after a kill.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, at)
        raise
    return at + len(content)


def remove(path: Path) -> None:
    """Deletes a file if it is there, durably."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flushes a folder's entries, so that renames and deletions in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sole_writer(part: Path) -> BinaryIO:
    """Opens an unfinished file, emptied, when nobody else writes to it any more; closing it lets the next one write."""
    while True:
        stream = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666), "wb")
        try:
            # Where the file system knows no locks, who writes at the same time is on his own.
            with contextlib.suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_EX)
            if _is_at(stream.fileno(), part):
                stream.truncate(0)
                return stream
        except BaseException:
            stream.close()
            raise
        stream.close()  # whoever had it has moved it to its place


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
