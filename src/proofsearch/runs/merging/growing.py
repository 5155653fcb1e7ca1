"""A run folder that is made from what is there already: it appears whole, or not at all."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from proofsearch import storage
from proofsearch.errors import RunFolderError, StorageError
from proofsearch.runs.layout import OWN_NAMES, refuse_taken
from proofsearch.storage.lock import FolderLock

_LOCK = "run.lock"


@contextlib.contextmanager
def growing(out: Path) -> Iterator[Path]:
    """A folder beside a place, locked and empty, that moves to the place when the block ends well.

    What a killed process left there is deleted. Whoever fills it flushes it to the disk.

    Args:
        out: the place; must not exist or be an empty folder.

    Raises:
        RunFolderError: the place is taken, another process fills the folder, or something else has its name.
        StorageError: what an :class:`OSError` in the block becomes; nothing is left of the folder.
    """
    place = out.resolve()
    part = place.with_name(place.name + storage.PART_SUFFIX)
    lock = FolderLock(part / _LOCK, "merged run")
    try:
        part.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(part)
        lock.acquire()
        refuse_taken(out)  # another process may have been faster
        try:
            _clear(part)
            yield part
            part.rename(place)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        storage.sync_folder(place.parent)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise StorageError(
            f"{out}: the merged run can't be written: {error.strerror or error}{where}; nothing of it was kept"
        ) from error
    finally:
        lock.release()


def _refuse_foreign(part: Path) -> None:
    names = {entry.name for entry in part.iterdir()}
    foreign = {name for name in names if name not in OWN_NAMES and not name.endswith(storage.PART_SUFFIX)}
    if foreign or (names and _LOCK not in names):
        raise RunFolderError(
            f"{part}: is in the way: the merged run grows in a folder of this name, and it holds "
            f"{min(foreign or names)!r}; move it, or choose another folder with --out"
        )


def _clear(part: Path) -> None:
    # Without run.json it is no run, whenever this is killed.
    for entry in sorted(part.iterdir(), key=lambda entry: entry.name != "run.json"):
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            entry.unlink()
