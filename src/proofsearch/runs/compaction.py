"""Merging the trajectory files of a run, one a theorem, into a few.

A part appears whole before its singles go. Between the two, and after a kill between the two, a search is in both:
readers take each search once, by its id, and the next compaction sees that a single is merged already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from proofsearch import storage
from proofsearch.trajectory.merging import merge_files
from proofsearch.trajectory.reader import num_rows, search_ids


def compact(folder: Path, singles: Sequence[Path], rows_per_file: int) -> None:
    """Merges single trajectory files into ``part-00000.parquet`` and so on, then deletes them.

    Args:
        folder: where the parts go, numbered on from those that are there.
        singles: the files to merge, in order.
        rows_per_file: a part is closed once it has so many rows.

    Raises:
        OSError: the disk is full or the like; every search is still in a single or a part.
        InputError: a trajectory file is damaged; the message names it.
    """
    parts = sorted(folder.glob("part-*.parquet"))
    merged = {search for part in parts for search in search_ids(part)}
    number = 1 + max((int(part.stem.removeprefix("part-")) for part in parts), default=-1)
    for group in _groups([path for path in singles if not search_ids(path) <= merged], rows_per_file):
        merge_files(group, folder / f"part-{number:05d}.parquet")
        number += 1
    for path in singles:
        path.unlink(missing_ok=True)
    storage.sync_folder(folder)


def keep_only(folder: Path, wanted: AbstractSet[str]) -> None:
    """Takes searches that no result names out of the parts: a person deleted its line, or restored an earlier file.

    Args:
        folder: with the parts.
        wanted: ids of the searches to keep.

    Raises:
        OSError: the disk is full or the like; every search is still there.
        InputError: a trajectory file is damaged; the message names it.
    """
    for part in sorted(folder.glob("part-*.parquet")):
        found = search_ids(part)
        if found <= wanted:
            continue
        if found & wanted:
            merge_files([part], part, only=wanted)
        else:
            storage.remove(part)


def _groups(paths: Sequence[Path], rows: int) -> Iterator[list[Path]]:
    group: list[Path] = []
    total = 0
    for path in paths:
        group.append(path)
        total += num_rows(path)
        if total >= rows:
            yield group
            group, total = [], 0
    if group:
        yield group
