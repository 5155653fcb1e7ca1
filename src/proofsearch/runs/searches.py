"""The recorded searches of a run that is being written: files of their own at first, merged now and then."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from proofsearch import storage
from proofsearch.process.background import BackgroundCall, UnansweredError
from proofsearch.runs.compaction import adopt, compact, keep_only, merge_aside, merged_ids

MOST_SINGLES = 2048
"""Searches in files of their own; as soon as there are so many, they are merged. Thousands more would make every
listing slow, and merging all of them at the end would keep a large run waiting for minutes."""

FEW_SINGLES = 256
"""Up to so many, merging takes no longer than starting a process for it."""

ROWS_PER_FILE = 2_000_000
"""A merged file is closed once it has so many rows."""

SMALL = 16_000_000
"""Bytes of merged files that are looked through without a process for it."""

Result = TypeVar("Result")


class RecordedSearches:
    """The folder of a run's recorded searches, for the one who writes to it.

    While the run goes on they are merged in a process beside it. Merging takes more of a processor than all else that
    the leading process does, and memory that it would keep.

    Args:
        folder: the folder.
        singles: by theorem, the file of its search; in the run's order, so that the merged files don't depend on
            which worker was first.
    """

    def __init__(self, folder: Path, singles: Mapping[str, Path]) -> None:
        self._folder = folder
        self._singles = singles
        self._unmerged: dict[str, str] = {}
        self._merge_failed = False
        self._merging: dict[str, Path] = {}
        self._call: BackgroundCall[list[Path]] | None = None

    def clear(self, wanted: Mapping[str, str]) -> None:
        """Deletes what no result names, merged or not, and what a kill left behind.

        Args:
            wanted: the id of the search, by theorem.

        Raises:
            OSError: the disk is full or the like; every search that is wanted is still there.
            InputError: a trajectory file is damaged; the message names it.
        """
        self.close()
        self._folder.mkdir(exist_ok=True)
        for stray in self._folder.glob(f"*{storage.PART_SUFFIX}"):
            stray.unlink(missing_ok=True)
        merged: frozenset[str] = frozenset()
        if parts := [*self._folder.glob("part-*.parquet")]:
            merged = looked_through(parts, keep_only, self._folder, frozenset(wanted.values()))
        there = {path.name for path in self._folder.iterdir()}
        self._unmerged.clear()
        for theorem, single in self._singles.items():
            if single.name in there:
                search_id = wanted.get(theorem)
                if search_id is None or search_id in merged:
                    single.unlink(missing_ok=True)
                else:
                    self._unmerged[theorem] = search_id

    def add(self, searches: Iterable[tuple[str, str]]) -> None:
        """Takes note of searches that are on the disk and committed, and merges when there are many.

        Args:
            searches: theorems, and the ids of their searches.

        Raises:
            OSError: merging failed, as the disk is full or the like; no search is lost.
            InputError: a trajectory file is damaged; the message names it.
        """
        self._unmerged.update(searches)
        if self._call is not None and (self._call.ended or len(self._unmerged) >= 2 * MOST_SINGLES):
            self._adopt()
        if self._call is None and len(self._unmerged) >= MOST_SINGLES:
            self._begin(ROWS_PER_FILE)
            if self._call is None and len(self._unmerged) >= 2 * MOST_SINGLES:
                self._merge_here(ROWS_PER_FILE)

    def merge(self, rows_per_file: int = ROWS_PER_FILE) -> None:
        """Merges all single files, and waits for it.

        Args:
            rows_per_file: a merged file is closed once it has so many rows.

        Raises:
            OSError: the disk is full or the like; no search is lost.
            InputError: a trajectory file is damaged; the message names it.
        """
        if self._call is not None:
            self._adopt()
        if len(self._unmerged) > FEW_SINGLES:
            self._begin(rows_per_file)
            if self._call is not None:
                self._adopt()
        if self._unmerged:
            self._merge_here(rows_per_file)

    def close(self) -> None:
        """Ends the process beside this one, if there is one; the searches stay as they are. Idempotent."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _to_merge(self) -> dict[str, Path]:
        """The single files, by theorem, without those that an attempt which failed halfway has merged."""
        if self._merge_failed:
            merged = merged_ids(self._folder)
            for theorem in [theorem for theorem, search_id in self._unmerged.items() if search_id in merged]:
                self._singles[theorem].unlink(missing_ok=True)
                del self._unmerged[theorem]
        return {theorem: single for theorem, single in self._singles.items() if theorem in self._unmerged}

    def _merge_here(self, rows_per_file: int) -> None:
        singles = self._to_merge()
        self._merge_failed = True
        compact(self._folder, [*singles.values()], rows_per_file)
        self._merge_failed = False
        self._unmerged.clear()

    def _begin(self, rows_per_file: int) -> None:
        """Starts the process beside this one, or none where none can be started, as with a full ``/tmp``."""
        self._merging = self._to_merge()
        with contextlib.suppress(OSError):
            self._call = BackgroundCall(merge_aside, self._folder, [*self._merging.values()], rows_per_file)

    def _adopt(self) -> None:
        """Waits for the process beside this one, and gives what it merged its place. If it is gone, nothing changes."""
        assert self._call is not None
        call, self._call = self._call, None
        try:
            merged = call.result()
        except UnansweredError:
            return
        self._merge_failed = True
        adopt(self._folder, merged, [*self._merging.values()])
        self._merge_failed = False
        for theorem in self._merging:
            del self._unmerged[theorem]


def looked_through(files: Iterable[Path], function: Callable[..., Result], *arguments: object) -> Result:
    """Calls a function that reads files of searches, in a process of its own if they are large.

    Args:
        files: that it reads.
        function: defined at the top of an importable module.
        arguments: what it is given; they can be pickled, and so can what it returns or raises.
    """
    if sum(file.stat().st_size for file in files) > SMALL:
        with contextlib.suppress(UnansweredError, OSError):  # the function's own OSError comes again below
            return BackgroundCall(function, *arguments).result()
    return function(*arguments)
