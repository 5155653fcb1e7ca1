"""Reading recorded searches: from files, from folders of them, from run folders.

A search is read once however often it is met, by its id: while a run merges its trajectory files, a search can for a
moment be in two. Of each place searches come in the order of their library (:mod:`proofsearch.trajectory.order`), not
in that in which they ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.trajectory.columns import check_numbers
from proofsearch.trajectory.order import KEPT_GROUPS, Filed, RecentGroups, in_order
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.schema import upgrade, version_of


def read_searches(paths: Iterable[Path]) -> Iterator[RecordedSearch]:
    """Every recorded search in these places, once each: place by place, of each by its theorem's position and name.

    Args:
        paths: trajectory files, folders of them, or run folders. Folders that a run is writing to are fine.

    Raises:
        InputError: a path is missing, no trajectory file, of a newer version, or damaged.
    """
    seen: set[str] = set()
    for path in paths:
        for filed, table in tables_in_order(path):
            search = RecordedSearch(table)
            if search.search_id not in seen:
                seen.add(search.search_id)
                _refuse_impossible(filed.file, search)
                yield search


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


def read_tables(path: Path) -> Iterator[pa.Table]:
    """The searches of one trajectory file, a table of the current schema each, in the file's order.

    Raises:
        InputError: missing, no trajectory file, of a newer version, or damaged.
        FileNotFoundError: the file is gone.
    """
    with _reading(path) as file:
        for groups in _stretches(file):
            yield from _searches_of(file, groups, path)


def _searches_of(file: pq.ParquetFile, groups: list[int], path: Path) -> Iterator[pa.Table]:
    """The searches of row groups at whose ends no search goes on."""
    version = version_of(_metadata(file), str(path))
    for table in split_by_search(upgrade(file.read_row_groups(groups), version, str(path))):
        rows = table.num_rows
        if table.column("num_nodes")[0].as_py() != rows or not _counts_up(table):
            search = table.column("search_id")[0].as_py()
            raise InputError(
                f"{path}: damaged: search {search} has {rows} rows that stand together, expected nodes 0 to "
                f"{table.column('num_nodes')[0].as_py() - 1} in order; sort the rows by search_id, node"
            )
        check_numbers(table, str(path))
        yield table


def _stretches(file: pq.ParquetFile) -> Iterator[list[int]]:
    """The row groups of a file, those together that share a search: other programs end one in the midst of it."""
    first = 0
    while first < file.num_row_groups:
        groups = _stretch(file, first)
        yield groups
        first = groups[-1] + 1


def _stretch(file: pq.ParquetFile, first: int) -> list[int]:
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


def split_by_search(table: pa.Table) -> Iterator[pa.Table]:
    """Cuts a table with whole searches, each in consecutive rows, into one table a search."""
    if not table.num_rows:
        return
    ids = table.column("search_id").to_numpy()
    starts = [0, *(np.flatnonzero(ids[1:] != ids[:-1]) + 1).tolist()]
    for start, end in pairwise([*starts, table.num_rows]):
        yield table.slice(start, end - start)


def search_ids(path: Path) -> frozenset[str]:
    """The ids of the searches in a file; reads one column only.

    Raises:
        InputError: as :func:`read_tables`.
        FileNotFoundError: the file is gone.
    """
    with _reading(path) as file:
        version_of(_metadata(file), str(path))
        return frozenset(map(str, file.read(columns=["search_id"]).column("search_id").unique().to_pylist()))


def environments(path: Path) -> frozenset[str]:
    """The names of the environments of the searches at a path, as :func:`trajectory_files`; reads one column only.

    Raises:
        InputError: as :func:`read_searches`.
    """
    found: set[str] = set()
    for file in trajectory_files(path):
        # A run may have merged the file into another since the folder was listed, one of the same environment.
        with suppress(FileNotFoundError), _reading(file) as opened:
            version = version_of(_metadata(opened), str(file))
            upgrade(opened.schema_arrow.empty_table(), version, str(file))  # refuses what lacks a column
            found.update(map(str, opened.read(columns=["environment"]).column("environment").unique().to_pylist()))
    return frozenset(found)


def recorded_splits(path: Path) -> frozenset[tuple[str, str]]:
    """The theorems of the searches at a path, each with every split that is recorded of it; reads two columns only.

    Raises:
        InputError: as :func:`read_searches`.
    """
    found: set[tuple[str, str]] = set()
    gone: set[Path] = set()
    while True:
        for file in trajectory_files(path):
            if file in gone:
                continue
            try:
                with _reading(file) as opened:
                    version = version_of(_metadata(opened), str(file))
                    upgrade(opened.schema_arrow.empty_table(), version, str(file))  # refuses what lacks a column
                    table = opened.read(columns=["theorem", "split"]).group_by(["theorem", "split"]).aggregate([])
                    found.update(zip(*(map(str, column.to_pylist()) for column in table.columns), strict=True))
            except FileNotFoundError:
                gone.add(file)  # The run has merged it into another, which may not have been listed yet.
                break
        else:
            return frozenset(found)


def num_rows(path: Path) -> int:
    """The number of nodes in a file; reads its footer only.

    Raises:
        InputError: as :func:`read_tables`.
        FileNotFoundError: the file is gone.
    """
    with _reading(path) as file:
        version_of(_metadata(file), str(path))
        return int(file.metadata.num_rows)


def _refuse_impossible(file: Path, search: RecordedSearch) -> None:
    """Refuses numbers that no search records and that nothing can be measured with.

    Raises:
        InputError: there is one; the message names search, node and column.
    """
    edges = pc.sum(pc.list_value_length(search.table.column("edges"))).as_py() or 0
    best_edge = search.best_edge
    wrong: dict[str, tuple[NDArray[np.bool_], NDArray[Any], str]] = {
        "logprob": (~np.isfinite(search.logprob), search.logprob, "a finite number"),
        "value": (np.isinf(search.value), search.value, "a finite number or none"),
        "best_edge": ((best_edge < -1) | (best_edge >= edges), best_edge, f"one of its {edges} edges"),
    }
    for column, (places, values, expected) in wrong.items():
        if places.any():
            node = int(places.argmax())
            where = f"{file}: damaged: search {search.search_id}, node {node}"
            raise InputError(f"{where}: {column} is {values[node]}, expected {expected}")


def tables_in_order(path: Path, kept_groups: int = KEPT_GROUPS) -> Iterator[tuple[Filed, pa.Table]]:
    """The searches at a path, each once, a table of the current schema each, with where it is filed: in their order.

    Args:
        path: as :func:`read_searches`.
        kept_groups: row groups that are held at a time.

    Raises:
        InputError: as :func:`read_searches`, but the numbers of a search are not looked at as a whole.
    """
    groups = RecentGroups(_row_group, kept_groups)
    given: set[str] = set()
    gone: set[Path] = set()
    while True:
        # Where the run has merged a file into a part since the folder was listed, look again for the part.
        try:
            waiting = in_order(_filed(path, gone))
        except FileNotFoundError:
            continue
        for filed in waiting:
            if filed.search_id not in given:
                try:
                    table = groups.search(filed)
                except FileNotFoundError:
                    gone.add(filed.file)
                    break
                given.add(filed.search_id)
                yield filed, table
        else:
            return


def _filed(path: Path, gone: set[Path]) -> Iterator[Filed]:
    """Where the searches at a path are; reads few columns.

    Raises:
        FileNotFoundError: a file is there no more; it is added to those that are gone, which are passed over.
    """
    for number, file in enumerate(trajectory_files(path)):
        if file in gone:
            continue
        try:
            with _reading(file) as opened:
                version = version_of(_metadata(opened), str(file))
                upgrade(opened.schema_arrow.empty_table(), version, str(file))  # refuses what lacks a column
                for groups in _stretches(opened):
                    table = opened.read_row_groups(groups, columns=["search_id", "theorem", "position"])
                    for place, rows in enumerate(split_by_search(table)):
                        search_id, theorem, position = (
                            str(rows.column(0)[0]),
                            str(rows.column(1)[0]),
                            rows.column(2)[0],
                        )
                        at = position.as_py()
                        yield Filed(at is None, at or 0, theorem, number, groups[0], place, search_id, file)
        except FileNotFoundError:
            gone.add(file)
            raise


def _row_group(path: Path, number: int) -> list[pa.Table]:
    with _reading(path) as file:
        return list(_searches_of(file, _stretch(file, number), path))


def _counts_up(table: pa.Table) -> bool:
    nodes = table.column("node").to_numpy()
    return np.array_equal(nodes, np.arange(table.num_rows))


@contextmanager
def _reading(path: Path) -> Iterator[pq.ParquetFile]:
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
