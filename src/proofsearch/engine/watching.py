"""Observers at work: whatever one of them raises is kept for a person to read, and the search goes on as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from proofsearch.errors import ComponentError, one_line, trace_of
from proofsearch.guards import described, interrupts
from proofsearch.protocols import PartsObserver, RunObserver, SearchObserver, TrainingObserver
from proofsearch.protocols.events import OnEvent, Warned

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Observer, RunInfo, TheoremResult, TrainingInfo, TrainingReport
    from proofsearch.protocols.results import SearchResult
    from proofsearch.types import Theorem


class Watcher:
    """An observer that can do no harm by raising.

    It is a :class:`proofsearch.protocols.SearchObserver`, a :class:`proofsearch.protocols.RunObserver` and a
    :class:`proofsearch.protocols.TrainingObserver`, and passes on what the observer has methods for. Once that has
    raised it is told of nothing more, but still closed.

    Args:
        observer: what watches.

    Attributes:
        name: what to call it in messages.
        timed: passes on where a search's time goes; ``None`` where the observer is no
            :class:`~proofsearch.protocols.PartsObserver`.
        shortest: seconds that a part takes at least for that.
    """

    timed: Callable[[str, float, float, int], None] | None

    def __init__(self, observer: Observer) -> None:
        self._observer: Observer | None = observer
        self.name = described(observer, "observer")
        self._searches = observer if isinstance(observer, SearchObserver) else None
        self._runs = observer if isinstance(observer, RunObserver) else None
        self._trainings = observer if isinstance(observer, TrainingObserver) else None
        self._expanded = None if self._searches is None else self._searches.expanded
        self._timed = observer.timed if isinstance(observer, PartsObserver) else None
        self.timed = None if self._timed is None else self._pass_on_time
        self.shortest = observer.shortest if isinstance(observer, PartsObserver) else 0.0
        self._failure: ComponentError | None = None

    @property
    def sees_searches(self) -> bool:
        """Whether it is told of searches, and has not failed."""
        return self._searches is not None

    @property
    def sees_trainings(self) -> bool:
        """Whether it is told of trainings, and has not failed."""
        return self._trainings is not None

    def take_failure(self) -> ComponentError | None:
        """What went wrong since this was asked last, with what was raised as its cause."""
        failure, self._failure = self._failure, None
        return failure

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """A search began."""
        if self._searches is not None:
            self._tell("started()", self._searches.started, theorem, graph)

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """A node was expanded."""
        if self._expanded is not None:
            # Not _tell(): this is called for every expansion, and must cost next to nothing.
            try:
                self._expanded(graph, node)
            except BaseException as error:
                self._give_up("expanded()", error)

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """A search ended."""
        if self._searches is not None:
            self._tell("finished()", self._searches.finished, graph, result)

    def run_started(self, run: RunInfo) -> None:
        """The searches of a run begin."""
        if self._runs is not None:
            self._tell("run_started()", self._runs.run_started, run)

    def searched(self, result: TheoremResult) -> None:
        """A theorem's result is in the run folder."""
        if self._runs is not None:
            self._tell("searched()", self._runs.searched, result)

    def run_finished(self, run: RunInfo, results: Mapping[str, TheoremResult]) -> None:
        """Every theorem of a run has a result."""
        if self._runs is not None:
            self._tell("run_finished()", self._runs.run_finished, run, results)

    def training_started(self, training: TrainingInfo) -> None:
        """A training begins."""
        if self._trainings is not None:
            self._tell("training_started()", self._trainings.training_started, training)

    def reported(self, report: TrainingReport) -> None:
        """A trainer said how far it is."""
        if self._trainings is not None:
            self._tell("reported()", self._trainings.reported, report)

    def training_finished(self, training: TrainingInfo, metrics: Mapping[str, Any]) -> None:
        """A training has made its checkpoint."""
        if self._trainings is not None:
            self._tell("training_finished()", self._trainings.training_finished, training, metrics)

    def close(self) -> None:
        """Closes the observer. Idempotent."""
        observer, self._observer = self._observer, None
        if observer is not None:
            self._tell("close()", observer.close)

    def _pass_on_time(self, part: str, began: float, ended: float, count: int) -> None:
        if self._timed is not None:
            try:
                self._timed(part, began, ended, count)
            except BaseException as error:
                self._give_up("timed()", error)

    def _tell(self, what: str, hear: Callable[..., None], *told: Any) -> None:
        try:
            hear(*told)
        except BaseException as error:
            self._give_up(what, error)

    def _give_up(self, what: str, error: BaseException) -> None:
        """Tells it of nothing more. Errors for people and a lack of memory are no end of a search either."""
        if interrupts(error):
            raise error
        self._searches = self._runs = self._trainings = self._expanded = self._timed = None
        named = str(error) if isinstance(error, ComponentError) else f"{self.name}: {what} raised {one_line(error)}"
        self._failure = ComponentError(f"{named}; it is told of nothing more")
        self._failure.__cause__ = error.__cause__ if isinstance(error, ComponentError) else error


class Watching:
    """The observers in the process that leads a run or a training. Leaving it closes them.

    Args:
        watchers: the observers.
        on_event: is told of each that fails.
    """

    def __init__(self, watchers: Sequence[Watcher], on_event: OnEvent) -> None:
        self._watchers = watchers
        self._on_event = on_event

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.notify(Watcher.close)

    def __bool__(self) -> bool:
        return bool(self._watchers)

    def notify(self, method: Callable[..., None], *arguments: object) -> None:
        """Calls a method of all of them."""
        for watcher in self._watchers:
            method(watcher, *arguments)
            if failure := watcher.take_failure():
                self._on_event(Warned("", str(failure), trace_of(failure)))
