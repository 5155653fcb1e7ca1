"""Merging the trajectory files of a run, one a theorem, into a few.

A part appears whole before its singles go. Between the two, and after a kill between the two, a search is in both:
readers take each search once, by its id, and whoever writes next deletes the singles that are merged already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from proofsearch import storage
from proofsearch.trajectory.merging import merge_files
from proofsearch.trajectory.reader import read_tables, search_ids
from proofsearch.trajectory.writer import write_tables


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
    parts = (int(part.stem.removeprefix("part-")) for part in folder.glob("part-*.parquet"))
    number = 1 + max(parts, default=-1)
    tables = (table for path in singles for table in read_tables(path))
    for first in tables:
        write = partial(_write_part, first=first, rest=tables, rows=rows_per_file)
        storage.write_whole(folder / f"part-{number:05d}.parquet", write)
        number += 1
    for path in singles:
        path.unlink(missing_ok=True)
    storage.sync_folder(folder)


def merged_ids(folder: Path) -> frozenset[str]:
    """The ids of the searches that are in parts.

    Raises:
        InputError: a trajectory file is damaged; the message names it.
    """
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


def _write_part(stream: BinaryIO, *, first: pa.Table, rest: Iterator[pa.Table], rows: int) -> None:
    def tables() -> Iterator[pa.Table]:
        written = 0
        for table in chain([first], rest):
            yield table
            written += table.num_rows
            if written >= rows:
                return

    write_tables(stream, tables())
