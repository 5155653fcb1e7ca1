"""The contract of observers: what watches searches and runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from proofsearch.types import Theorem

if TYPE_CHECKING:
    from proofsearch.config import RunConfig
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols.results import SearchResult, TheoremResult


@runtime_checkable
class SearchObserver(Protocol):
    """Sees searches as they go. Called by the engine, in its thread; must not change the graph."""

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """The root is node 0 of the graph."""

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """``node`` was expanded; its edges stand in the graph."""

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """The search ended."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run is about, for those who watch it.

    Attributes:
        path: the run folder.
        config: the resolved configuration.
        theorems: how many theorems it is about.
        done: how many of them had a result before, where a run is resumed.
    """

    path: Path
    config: RunConfig
    theorems: int
    done: int


@runtime_checkable
class RunObserver(Protocol):
    """Sees a whole run, in the process that leads it."""

    def run_started(self, run: RunInfo) -> None:
        """The searches begin."""

    def searched(self, result: TheoremResult) -> None:
        """A theorem's result is in the run folder."""

    def run_finished(self, run: RunInfo, results: Mapping[str, TheoremResult]) -> None:
        """Every theorem has a result; not called where a run is stopped before."""


class Observer(Protocol):
    """What watches searches, chosen with ``--observe``.

    It is a :class:`SearchObserver`, a :class:`RunObserver`, or both: one instance in each worker sees that worker's
    searches, and one in the leading process sees the run. It never changes what is found: where it raises, that is said
    once and it is not told of anything more.
    """

    def close(self) -> None:
        """Frees what it holds. Idempotent."""
