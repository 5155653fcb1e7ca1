"""What workers found, on disk before anybody is told of it."""

from __future__ import annotations

from typing import Self

from proofsearch.engine.watching import Watcher, Watching
from proofsearch.protocols import CountsWaiting, Executor
from proofsearch.protocols.events import OnEvent, Recorded, Warned
from proofsearch.runs.faults import source_of
from proofsearch.runs.folder import Recording, RunFolder
from proofsearch.runs.stopping import StopRule
from proofsearch.runs.worker import Searched

MOST_TOGETHER = 64
"""Results that are recorded together, at most, where so many wait."""


class Recorder:
    """Records what workers found, and tells of it; what waits at the same time together.

    Args:
        folder: where it is recorded.
        executor: whose results they are.
        observers: told of each result that is recorded.
        on_event: told of it too, before them.
        until: told of it too, before all of them.
    """

    def __init__(
        self,
        folder: RunFolder,
        executor: Executor,
        observers: Watching,
        on_event: OnEvent,
        until: StopRule | None = None,
    ) -> None:
        self._folder = folder
        self._executor = executor if isinstance(executor, CountsWaiting) else None
        self._observers = observers
        self._on_event = on_event
        self._until = until
        self._taken: list[Searched] = []
        self._warned: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._record()  # whatever ended the run, what came before it is kept

    def take(self, searched: Searched) -> None:
        """Takes what came of a theorem, and records it unless the next result is there already."""
        self._taken.append(searched)
        if self._executor is None or len(self._taken) >= MOST_TOGETHER or not self._executor.results_waiting():
            self._record()

    def _record(self) -> None:
        taken, self._taken = self._taken, []
        recordings = [Recording(one.result, one.proof, one.trajectory) for one in taken]
        for searched, result in zip(taken, self._folder.record_all(recordings), strict=True):
            if self._until is not None:
                self._until.take(result)
            self._on_event(Recorded(result))
            for warning in searched.result.warnings:
                if source_of(warning) not in self._warned:
                    self._warned.add(source_of(warning))
                    self._on_event(Warned(searched.result.theorem, warning, searched.result.traceback))
            self._observers.notify(Watcher.searched, result)
