"""Merging the trajectory files of a run, one a theorem, into a few.

A part appears whole before its singles go. Between the two, and after a kill between the two, a search is in both:
readers take each search once, by its id, and whoever writes next deletes the singles that are merged already.

Reading and writing may be done in a process beside the one that leads the run (:func:`merge_aside`). It writes under
names that no reader takes, and the leader gives the files their own (:func:`adopt`): whatever becomes of either
process, nothing appears or goes without the leader. Tables are imported only where they are read or written, so that
they take no memory of the leader's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from proofsearch import storage

if TYPE_CHECKING:
    import pyarrow as pa


def compact(folder: Path, singles: Sequence[Path], rows_per_file: int) -> None:
    """Merges single trajectory files into ``part-00000.parquet`` and so on, then deletes them.

    Args:
        folder: where the parts go, numbered on from those that are there.
        singles: the files to merge, in order; no part holds a search of theirs.
        rows_per_file: a part is closed once it has so many rows.

    Raises:
        OSError: the disk is full or the like; every search is still in a single or a part.
        InputError: a trajectory file is damaged; the message names it.
    """
    number = _next_number(folder)
    for write in _parts(singles, rows_per_file):
        storage.write_whole(folder / f"part-{number:05d}.parquet", write)
        number += 1
    _delete(folder, singles)


def merge_aside(folder: Path, singles: Sequence[Path], rows_per_file: int) -> list[Path]:
    """Merges as :func:`compact` does, but under names that no reader takes, and deletes nothing.

    Args:
        folder: where the merged files go.
        singles: the files to merge, in order.
        rows_per_file: a file is closed once it has so many rows.

    Returns:
        The merged files, in order, on the disk. Their names are those of unfinished files, so that whoever opens the
        run next clears them away if nobody has adopted them.

    Raises:
        OSError: the disk is full or the like, or a single is gone.
        InputError: a trajectory file is damaged; the message names it.
    """
    merged = []
    try:
        for write in _parts(singles, rows_per_file):
            merged.append(folder / f"merged-{secrets.token_hex(8)}{storage.PART_SUFFIX}")
            storage.write_whole(merged[-1], write)
    except BaseException:
        for path in merged:
            path.unlink(missing_ok=True)
        raise
    return merged


def adopt(folder: Path, merged: Sequence[Path], singles: Sequence[Path]) -> None:
    """Gives merged files the names of parts, then deletes the singles that were merged.

    Args:
        folder: of the parts.
        merged: from :func:`merge_aside`.
        singles: which it merged.

    Raises:
        OSError: the disk is full or the like; every search is still in a single or a part.
    """
    for number, path in enumerate(merged, start=_next_number(folder)):
        path.replace(folder / f"part-{number:05d}.parquet")
    storage.sync_folder(folder)
    _delete(folder, singles)


def merged_ids(folder: Path) -> frozenset[str]:
    """The ids of the searches that are in parts.

    Raises:
        InputError: a trajectory file is damaged; the message names it.
    """
    from proofsearch.trajectory.reader import search_ids

    return frozenset().union(*map(search_ids, folder.glob("part-*.parquet")))


def keep_only(folder: Path, wanted: AbstractSet[str]) -> frozenset[str]:
    """Takes searches that no result names out of the parts: a person deleted its line, or restored an earlier file.

    Args:
        folder: with the parts.
        wanted: ids of the searches to keep.

    Returns:
        The ids of the searches that are in parts.

    Raises:
        OSError: the disk is full or the like; every search is still there.
        InputError: a trajectory file is damaged; the message names it.
    """
    from proofsearch.trajectory.merging import merge_files
    from proofsearch.trajectory.reader import search_ids

    kept: set[str] = set()
    for part in sorted(folder.glob("part-*.parquet")):
        found = search_ids(part)
        kept |= found & wanted
        if found <= wanted:
            continue
        if found & wanted:
            merge_files([part], part, only=wanted)
        else:
            storage.remove(part)
    return frozenset(kept)


def _next_number(folder: Path) -> int:
    parts = (int(part.stem.removeprefix("part-")) for part in folder.glob("part-*.parquet"))
    return 1 + max(parts, default=-1)


def _delete(folder: Path, singles: Sequence[Path]) -> None:
    for path in singles:
        path.unlink(missing_ok=True)
    storage.sync_folder(folder)


def _parts(singles: Sequence[Path], rows: int) -> Iterator[Callable[[BinaryIO], None]]:
    """A function for each part, which writes it to a stream; each must be called before the next is asked for."""
    from proofsearch.trajectory.reader import read_tables

    tables = (table for path in singles for table in read_tables(path))
    for first in tables:
        yield partial(_write_part, first=first, rest=tables, rows=rows)


def _write_part(stream: BinaryIO, *, first: pa.Table, rest: Iterator[pa.Table], rows: int) -> None:
    from proofsearch.trajectory.writer import write_tables

    def tables() -> Iterator[pa.Table]:
        written = 0
        for table in chain([first], rest):
            yield table
            written += table.num_rows
            if written >= rows:
                return

    write_tables(stream, tables())
