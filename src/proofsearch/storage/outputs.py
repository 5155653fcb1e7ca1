"""Where commands write: what is new, or what a person said may be replaced, and never what the command reads.

Every output path of every command goes through :func:`check_file` or :func:`check_folder` before the work begins, so
that nobody waits for an hour to be refused, and every output file through :func:`write_file`. Only regular files
count: a device would be turned into a file, a pipe waited for, a link replaced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from proofsearch.errors import ProofsearchError, StorageError, UsageError
from proofsearch.storage.files import PART_SUFFIX, sync_folder

OVERWRITE = "--overwrite"
"""The option that allows to replace a file, of every command that writes one."""

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""What file systems without hard links answer."""


def check_file(out: Path, *, inputs: Iterable[Path] = (), overwrite: bool = False) -> None:
    """Refuses a file that may not be written.

    Args:
        out: where the file is to be; missing folders on the way there are made later.
        inputs: files and folders that are read; neither they nor anything in the folders is ever replaced.
        overwrite: a regular file there may be replaced.

    Raises:
        UsageError: something is in the way, or is read.
        StorageError: the place can't be looked at, or can't be one of a file.
    """
    mode = _mode(out)
    if mode is not None and stat.S_ISDIR(mode):
        raise UsageError(f"{out}: a folder is in the way; expected a file to write, such as {out / 'out'}")
    if mode is not None and not stat.S_ISREG(mode):
        raise UsageError(f"{out}: is {_kind(mode)} and no regular file; choose another file with --out")
    for read in inputs:
        if _is_at(out, read):
            raise UsageError(
                f"{out}: is read by this command ({read}) and never replaced; choose another file with --out"
            )
    if mode is not None and not overwrite:
        raise UsageError(f"{out}: is there already; choose another file with --out, or replace it with {OVERWRITE}")


def write_file(
    out: Path,
    content: bytes | Callable[[BinaryIO], object],
    *,
    inputs: Iterable[Path] = (),
    overwrite: bool = False,
) -> None:
    """Writes a file durably, and whole or not at all; missing folders on the way there are made.

    Args:
        out: as :func:`check_file`, which is asked again: what was free may be taken by now.
        content: the bytes, or a function that writes them to a binary stream.
        inputs: as :func:`check_file`.
        overwrite: as :func:`check_file`.

    Raises:
        UsageError, StorageError: as :func:`check_file`, or the write failed; what stood there is untouched.
    """
    check_file(out, inputs=inputs, overwrite=overwrite)
    part = out.with_name(f".{secrets.token_hex(8)}{PART_SUFFIX}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as stream:
                if callable(content):
                    content(stream)
                else:
                    stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            if overwrite:
                part.replace(out)
            else:
                _appear(part, out)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(out.parent)
    except FileExistsError:
        raise UsageError(f"{out}: was made by another process in the meantime; nothing was written") from None
    except OSError as error:
        raise StorageError(
            f"{out}: can't be written: {error.strerror or error}; nothing was written or replaced"
        ) from error


def check_folder(
    out: Path,
    *,
    own: Callable[[set[str]], Iterable[str]] = lambda names: names,
    kind: str = "",
    overwrite: bool = False,
    error: type[ProofsearchError] = UsageError,
) -> None:
    """Refuses a folder that may not be made or filled.

    Args:
        out: the folder; new or empty.
        own: from the names in it to those that are in the way; what a killed command left need not be.
        kind: what a folder that is not empty could have been, and is not: ``"a run"``.
        overwrite: files in it may be replaced, each as :func:`write_file` says.
        error: what to raise.

    Raises:
        ProofsearchError: of the kind ``error``: a file is in the way, or the folder is not empty.
        StorageError: the place can't be looked at.
    """
    mode = _mode(out)
    if mode is None:
        return
    try:
        if not out.is_dir():
            what = "a file" if stat.S_ISREG(mode) else _kind(mode)
            raise error(f"{out}: {what} is in the way; choose another folder with --out")
        foreign = sorted(own({entry.name for entry in out.iterdir()}))
    except OSError as failure:
        raise StorageError(f"{out}: can't be looked at: {failure.strerror or failure}") from failure
    if foreign and not overwrite:
        no = f" and not {kind}" if kind else ""
        raise error(f"{out}: the folder is not empty{no} (it holds {foreign[0]!r}); choose another with --out")


def _appear(part: Path, out: Path) -> None:
    """Gives a whole file its name, unless there is something of that name by now."""
    try:
        os.link(part, out)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(out):
            raise FileExistsError(errno.EEXIST, "File exists", str(out)) from None
        part.rename(out)


def _mode(out: Path) -> int | None:
    """What is at a place, links not followed; ``None`` where nothing is."""
    try:
        return out.lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{out}: can't be written: {error.strerror or error}") from error


def _is_at(out: Path, read: Path) -> bool:
    place, source = out.resolve(), read.resolve()
    if place.is_relative_to(source):
        return True
    with contextlib.suppress(OSError):  # one of them is not there
        return out.samefile(read)
    return False


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a pipe",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
        stat.S_IFDIR: "a folder",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
