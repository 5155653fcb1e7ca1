"""Reading recorded searches: from files, from folders of them, from run folders.

A search is read once however often it is met, by its id: while a run merges its trajectory files, a search can for a
moment be in two. Of each place searches come in the order of their library (:mod:`proofsearch.trajectory.order`), not
in that in which they ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
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
from proofsearch.trajectory.files import reading, schema_version, stretch, stretches, trajectory_files
from proofsearch.trajectory.order import KEPT_GROUPS, Filed, RecentGroups, in_order
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.schema import upgrade


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


def read_tables(path: Path) -> Iterator[pa.Table]:
    """The searches of one trajectory file, a table of the current schema each, in the file's order.

    Raises:
        InputError: missing, no trajectory file, of a newer version, or damaged.
        FileNotFoundError: the file is gone.
    """
    with reading(path) as file:
        for groups in stretches(file):
            yield from _searches_of(file, groups, path)


def _searches_of(file: pq.ParquetFile, groups: list[int], path: Path) -> Iterator[pa.Table]:
    """The searches of row groups at whose ends no search goes on."""
    table = upgrade(file.read_row_groups(groups), schema_version(file, path), str(path))
    sound = _is_sound(table)
    for search in split_by_search(table):
        if not sound:
            _refuse_unsound(search, path)
        yield search


def _is_sound(table: pa.Table) -> bool:
    """Whether nothing is to be said against any search of a table: looked at together, since there are many."""
    try:
        check_numbers(table, "")
    except InputError:
        return False
    return search_starts(table) is not None


def _refuse_unsound(table: pa.Table, path: Path) -> None:
    """Refuses a search of which rows are missing, or with numbers that no search has.

    Raises:
        InputError: the message names the search, and what is wrong.
    """
    rows = table.num_rows
    if table.column("num_nodes")[0].as_py() != rows or not np.array_equal(table.column("node"), np.arange(rows)):
        raise InputError(
            f"{path}: damaged: search {table.column('search_id')[0].as_py()} has {rows} rows that stand together, "
            f"expected nodes 0 to {table.column('num_nodes')[0].as_py() - 1} in order; sort the rows by search_id, node"
        )
    check_numbers(table, str(path))


def search_starts(table: pa.Table) -> NDArray[np.int64] | None:
    """Where each search of a table begins, shape ``(searches + 1,)`` with the number of rows at its end.

    ``None`` where some search isn't whole, in consecutive rows, in the order of its nodes.

    Args:
        table: with the columns ``search_id``, ``node`` and ``num_nodes``.
    """
    rows = table.num_rows
    node = table.column("node").to_numpy()
    starts = np.append(np.flatnonzero(node == 0), rows)
    sizes = np.diff(starts)
    if rows and (starts[0] or not np.array_equal(node, np.arange(rows) - np.repeat(starts[:-1], sizes))):
        return None
    if not np.array_equal(table.column("num_nodes").to_numpy()[starts[:-1]], sizes):
        return None
    ids = table.column("search_id").combine_chunks()
    changes = pc.not_equal(ids.slice(1), ids.slice(0, max(rows - 1, 0))).to_numpy(zero_copy_only=False)
    return starts if np.array_equal(np.flatnonzero(changes) + 1, starts[1:-1]) else None


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
    with reading(path) as file:
        schema_version(file, path)
        return frozenset(map(str, file.read(columns=["search_id"]).column("search_id").unique().to_pylist()))


def environments(path: Path) -> frozenset[str]:
    """The names of the environments of the searches at a path, as :func:`trajectory_files`; reads one column only.

    Raises:
        InputError: as :func:`read_searches`.
    """
    found: set[str] = set()
    for file in trajectory_files(path):
        # A run may have merged the file into another since the folder was listed, one of the same environment.
        with suppress(FileNotFoundError), reading(file) as opened:
            version = schema_version(opened, file)
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
                with reading(file) as opened:
                    version = schema_version(opened, file)
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
    with reading(path) as file:
        schema_version(file, path)
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
            with reading(file) as opened:
                version = schema_version(opened, file)
                upgrade(opened.schema_arrow.empty_table(), version, str(file))  # refuses what lacks a column
                for groups in stretches(opened):
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
    with reading(path) as file:
        return list(_searches_of(file, stretch(file, number), path))
