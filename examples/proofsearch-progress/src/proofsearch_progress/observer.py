"""How a run goes, as a table: a line for each theorem when its result is there."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.protocols import Observer

if TYPE_CHECKING:
    from proofsearch.protocols import Builder, RunInfo, TheoremResult

COLUMNS = ("seconds", "done", "proved", "theorem", "ending", "expansions", "search_seconds")
"""The table's columns: the seconds since the run began or was resumed, how many theorems have a result, and how many of
these were proved since then; then the theorem, how its search ended, and what it took."""


class ProgressConfig(ComponentConfig):
    """Options of the observer ``progress``."""

    path: Path = Field(default=Path("progress.csv"), description="The table; what is there is replaced.")


class Progress(Observer):
    """Watches a run, not its searches; see :class:`proofsearch.protocols.RunObserver`.

    Only the process that leads the run is told of it, so one process alone writes.

    Args:
        path: the table.
        clock: seconds, from any origin.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._began = 0.0
        self._done = self._proved = 0

    def run_started(self, run: RunInfo) -> None:
        """Begins the table."""
        self._began, self._done, self._proved = self._clock(), run.done, 0
        self._write(COLUMNS, "w")

    def searched(self, result: TheoremResult) -> None:
        """Adds a line for the theorem."""
        self._done += 1
        self._proved += result.proved
        seconds = self._clock() - self._began
        counts = (f"{seconds:.3f}", self._done, self._proved)
        self._write((*counts, result.theorem, result.ending, result.expansions, f"{result.seconds:.3f}"))

    def run_finished(self, run: RunInfo, results: Mapping[str, TheoremResult]) -> None:
        """Adds nothing: the last line says it all."""

    def _write(self, row: tuple[object, ...], mode: str = "a") -> None:
        # The file is closed after each line, so a run that is killed leaves a whole table.
        with self._path.open(mode, newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(row)


def make_progress(config: ProgressConfig, builder: Builder) -> Progress:
    """Builds the observer."""
    return Progress(config.path)
