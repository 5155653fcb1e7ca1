"""The files that recorded searches are in: which there are, and how one is opened and cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from proofsearch.errors import InputError
from proofsearch.trajectory.schema import version_of


def trajectory_files(path: Path) -> list[Path]:
    """The trajectory files at a path: itself, those in the folder, or those of the run folder, by name.

    Raises:
        InputError: there is nothing at the path, or a folder holds no trajectory file and is no run folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(
            f"{path}: no such file or folder; expected a trajectory file, a folder of them or a run folder"
        )
    run = (path / "run.json").is_file()
    files = sorted((path / "trajectories" if run else path).glob("*.parquet"))
    if not files and not run:
        raise InputError(f"{path}: holds no trajectory file (*.parquet) and is not a run folder (it has no run.json)")
    return files


@contextmanager
def reading(path: Path) -> Iterator[pq.ParquetFile]:
    """Opens a trajectory file; what goes wrong with it meanwhile is its fault.

    Raises:
        InputError: no regular file, or damaged.
        FileNotFoundError: the file is gone.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: no regular file; expected a trajectory file")  # a pipe would be waited for
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: names that are not UTF-8
        raise InputError(
            f"{path}: can't be read as Parquet: {str(error).strip()}; the file is damaged, cut short, or no trajectory "
            f"file"
        ) from error


def schema_version(file: pq.ParquetFile, path: Path) -> int:
    """The version of a file's schema.

    Raises:
        InputError: no trajectory file, or of a newer version.
    """
    return version_of(_metadata(file), str(path))


def stretches(file: pq.ParquetFile) -> Iterator[list[int]]:
    """The row groups of a file, those together that share a search: other programs end one in the midst of it."""
    first = 0
    while first < file.num_row_groups:
        groups = stretch(file, first)
        yield groups
        first = groups[-1] + 1


def stretch(file: pq.ParquetFile, first: int) -> list[int]:
    """A row group and those behind it that go on with its last search."""
    groups = [first]
    while groups[-1] + 1 < file.num_row_groups and _ids(file, groups[-1])[-1:] == _ids(file, groups[-1] + 1)[:1]:
        groups.append(groups[-1] + 1)
    return groups


def _ids(file: pq.ParquetFile, group: int) -> list[Any]:
    """The ids of a row group's searches, in order."""
    column = file.read_row_group(group, columns=["search_id"]).column("search_id")
    return [str(split) for split in column.unique().to_pylist()]


def _metadata(file: pq.ParquetFile) -> dict[bytes, bytes]:
    """The key-value metadata, of the file and of the Arrow schema in it: programs differ in where they write it."""
    return {**(file.metadata.metadata or {}), **(file.schema_arrow.metadata or {})}
