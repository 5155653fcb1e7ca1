"""Merging trajectory files: each search once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from proofsearch import storage
from proofsearch.trajectory.reader import read_tables
from proofsearch.trajectory.writer import write_tables


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
