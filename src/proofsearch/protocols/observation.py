"""The contract of observers: what watches searches, runs and trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from proofsearch.types import Theorem

if TYPE_CHECKING:
    from proofsearch.config import RunConfig, TrainConfig
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols.results import SearchResult, TheoremResult
    from proofsearch.protocols.training import TrainingReport


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


@dataclass(frozen=True, slots=True)
class TrainingInfo:
    """What a training is about, for those who watch it.

    Attributes:
        path: the checkpoint folder.
        config: the resolved configuration.
        resumed: whether it goes on with what the folder holds.
    """

    path: Path
    config: TrainConfig
    resumed: bool = False


@runtime_checkable
class TrainingObserver(Protocol):
    """Sees a training, in the process that leads it."""

    def training_started(self, training: TrainingInfo) -> None:
        """The trainer is about to begin."""

    def reported(self, report: TrainingReport) -> None:
        """The trainer reported how far it is; perhaps at every step, so it should be quick."""

    def training_finished(self, training: TrainingInfo, metrics: Mapping[str, Any]) -> None:
        """The checkpoint is whole, with what was measured on it; not called where a training is stopped before."""


@runtime_checkable
class PartsObserver(Protocol):
    """Sees what took long in a search: an ability of a :class:`SearchObserver`.

    What all parts of a kind took together is in the :class:`~proofsearch.protocols.results.SearchResult`.

    Attributes:
        shortest: seconds that a part takes at least to be told; most take less, and telling each would cost more.
    """

    shortest: float

    def timed(self, part: str, began: float, ended: float, count: int) -> None:
        """A part of the search under way was done.

        Args:
            part: ``"generate"``, ``"step"``, ``"score"`` or ``"verify"``; ``step`` is all that was tried at a node,
                with the verification of what finished there.
            began: when it began, by the search's clock, which in a run is :func:`time.perf_counter`.
            ended: when it ended.
            count: states sent, tactics tried, or proofs checked.
        """


class Observer(Protocol):
    """What watches searches and trainings, chosen with ``--observe``.

    It is a :class:`SearchObserver`, a :class:`RunObserver`, a :class:`TrainingObserver`, or several of these: one
    instance in each worker sees that worker's searches, and one in the leading process sees the run or the training. It
    never changes what is found: where it raises, that is said once and it is not told of anything more.
    """

    def close(self) -> None:
        """Frees what it holds. Idempotent."""
