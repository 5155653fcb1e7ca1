"""Merging trajectory files: each search once."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from proofsearch import storage
from proofsearch.trajectory.order import Filed
from proofsearch.trajectory.reader import read_tables, tables_in_order
from proofsearch.trajectory.writer import write_tables

FAN_IN = 8
"""Places that are read at once where searches are merged in their order; of each a row group is in memory."""


def merge_files(paths: Sequence[Path], out: Path, *, only: AbstractSet[str] | None = None) -> int:
    """Merges trajectory files into one; a search that is in several is taken once.

    Args:
        paths: the files.
        out: the file to write.
        only: ids of the searches to take; default: all.

    Returns:
        The number of searches written.

    Raises:
        InputError: a file is damaged or of a newer version.
        OSError: a file is gone, or ``out`` can't be written; what stood there is untouched.
    """
    count = 0

    def write(stream: BinaryIO) -> None:
        nonlocal count
        count = merge_into(stream, paths, only)

    storage.write_whole(out, write)
    return count


def merge_into(stream: BinaryIO, paths: Sequence[Path], only: AbstractSet[str] | None = None) -> int:
    """Writes the searches of trajectory files to a stream; as :func:`merge_files`."""
    seen: set[str] = set()

    def searches() -> Iterator[pa.Table]:
        for path in paths:
            for table in read_tables(path):
                search_id = table.column("search_id")[0].as_py()
                if search_id not in seen and (only is None or search_id in only):
                    seen.add(search_id)
                    yield table

    write_tables(stream, searches())
    return len(seen)


def merge_in_order(
    places: Sequence[Path],
    folder: Path,
    *,
    only: AbstractSet[str],
    rows_per_file: int,
    on_search: Callable[[], None] = lambda: None,
) -> frozenset[str]:
    """Merges the searches of many places, each of which has its own in order, into ``part-00000.parquet`` and so on.

    The searches stand in the parts in the order in which readers give them, so that reading the parts needs little
    memory, from however many places they came. Of more places than :data:`FAN_IN` some are merged first, and those
    files again: the memory depends neither on their number nor on their size.

    Args:
        places: trajectory files, folders of them, or run folders.
        folder: an empty folder for the parts. Nobody reads it before this is done.
        only: ids of the searches to take.
        rows_per_file: a part is closed once it has so many rows.
        on_search: told of each search that stands in a part.

    Returns:
        The ids of the searches that were found.

    Raises:
        InputError: a file is damaged or of a newer version.
        OSError: a file can't be written.
    """
    scratch: list[Path] = []
    numbers = count()
    while len(places) > FAN_IN:
        merged = []
        for start in range(0, len(places), FAN_IN):
            merged.append(folder / f"merging-{next(numbers)}.parquet")
            with merged[-1].open("wb") as stream:
                write_tables(stream, _interleaved(places[start : start + FAN_IN], only, set()))
        for path in scratch:
            path.unlink()
        places = scratch = merged
    found: set[str] = set()
    _write_parts(_interleaved(places, only, found), folder, rows_per_file, on_search)
    for path in scratch:
        path.unlink()
    return frozenset(found)


def _interleaved(places: Sequence[Path], only: AbstractSet[str], given: set[str]) -> Iterator[pa.Table]:
    """The searches of several places in their common order, each once; their ids are added to those given."""

    def order(found: tuple[Filed, pa.Table]) -> tuple[bool, int, str]:
        return found[0].unplaced, found[0].position, found[0].theorem

    for filed, table in heapq.merge(*(tables_in_order(place, kept_groups=1) for place in places), key=order):
        if filed.search_id in only and filed.search_id not in given:
            given.add(filed.search_id)
            yield table


def _write_parts(tables: Iterator[pa.Table], folder: Path, rows_per_file: int, on_search: Callable[[], None]) -> None:
    def part(first: pa.Table) -> Iterator[pa.Table]:
        rows = 0
        for table in chain([first], tables):
            rows += table.num_rows
            yield table
            on_search()
            if rows >= rows_per_file:
                return

    for number in count():
        first = next(tables, None)
        if first is None:
            break
        with (folder / f"part-{number:05d}.parquet").open("wb") as stream:
            write_tables(stream, part(first))
