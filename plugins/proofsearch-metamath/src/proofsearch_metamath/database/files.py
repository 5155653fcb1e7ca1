"""The files of a database: regular ones, read whole, with what is in the way said by its name."""

from __future__ import annotations

import errno
import gzip
import stat
import zlib
from pathlib import Path

from proofsearch_metamath.errors import ReadError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def file_problem(path: Path) -> str | None:
    """Why a path can't be read as a file, for a message; ``None`` where it looks as if it could.

    Only regular files are read, since a database is read again where its lines are wanted.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "it is a link that leads back to itself"
        if isinstance(error, FileNotFoundError):
            return f"it is a link to {path.readlink()}, which isn't there" if path.is_symlink() else "no such file"
        return error.strerror or str(error)
    except ValueError:
        return "its name holds a null character"
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFREG:
        return None
    return f"it is {_KINDS.get(kind, 'something else')}, not a file"


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, unpacked if its name ends in ``.gz``.

    Raises:
        ReadError: it can't be read.
    """
    reason = file_problem(path)
    if reason is None:
        try:
            data = path.read_bytes()
            return gzip.decompress(data) if path.suffix == ".gz" else data
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
    raise ReadError(f"can't read the file: {reason}; check its name", path, kind="unreadable")
