"""The observer ``opentelemetry``: spans of a run, its searches and their parts, and of trainings."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proofsearch.protocols import Observer
from proofsearch_trackers.config import SpansConfig
from proofsearch_trackers.facts import numbers
from proofsearch_trackers.spans.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import RunInfo, SearchResult, TheoremResult, TrainingInfo, TrainingReport
    from proofsearch.types import Theorem


class Spans(Observer):
    """Makes spans. Each worker makes those of its searches, and the leading process that of the run, in one trace.

    A part of a search that takes less than ``shortest`` is no span, since thousands of them would cost more than they
    tell; the search's span has the time and the number of all of each kind.

    Args:
        config: the options.
        run_id: of the run; empty outside of one.

    Attributes:
        shortest: seconds that a part takes at least to be a span.
    """

    def __init__(self, config: SpansConfig, run_id: str = "") -> None:
        self._config = config
        self._run_id = run_id
        self.shortest = config.shortest
        self._tracing: Tracing | None = None
        self._whole: Any = None  # the span of the run or the training
        self._theorem = ""  # of the search under way
        self._search: SpanContext | None = None  # where its span will be
        self._began = 0  # when it began, nanoseconds since the epoch
        self._epoch = 0  # nanoseconds since the epoch at 0 of the search's clock

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """Begins the span of a search."""
        self._break_off()
        tracing = self._traced()
        self._began = time.time_ns()
        self._epoch = self._began - time.perf_counter_ns()
        self._theorem = theorem.name
        self._search = tracing.place(tracing.run)

    def timed(self, part: str, began: float, ended: float, count: int) -> None:
        """Makes a span of a part that took long."""
        if self._search is not None:
            times = self._at(began), self._at(ended)
            self._traced().write(part, {"proofsearch.count": count}, times, below=self._search)

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """Nothing: what an expansion took has been told."""

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """Ends the span of the search, with how it went."""
        attributes: dict[str, Any] = {
            "proofsearch.status": str(result.status),
            "proofsearch.limit": result.limit_hit or "",
            "proofsearch.expansions": result.expansions,
            "proofsearch.nodes": result.nodes,
        }
        for part, seconds, count in (
            ("generate", result.generate_seconds, result.generated),
            ("step", result.step_seconds, result.steps),
            ("score", result.score_seconds, result.scored),
            ("verify", result.accept_seconds, result.refused + (result.verdict is not None)),
        ):
            attributes[f"proofsearch.{part}.seconds"] = seconds
            attributes[f"proofsearch.{part}.count"] = count
        self._end_search(attributes)

    def run_started(self, run: RunInfo) -> None:
        """Begins the span of the run; that of a resumed one is below the first."""
        tracing, config = self._traced(), run.config
        attributes = {
            "proofsearch.run": run.path.name,
            "proofsearch.theorems": run.theorems,
            "proofsearch.done": run.done,
            "proofsearch.environment": config.env,
            "proofsearch.generator": config.generator,
            "proofsearch.scorer": config.scorer,
        }
        if not run.done:
            tracing.ids.next = tracing.ids.root
        self._whole = tracing.begin("run", attributes, below=tracing.run if run.done else None)

    def searched(self, result: TheoremResult) -> None:
        """Nothing: a search has its span; one whose worker died has none, which is an event of the run."""
        if result.failure and self._whole is not None:
            self._whole.add_event("failed", {"proofsearch.theorem": result.theorem, "proofsearch.why": result.failure})

    def run_finished(self, run: RunInfo, results: Mapping[str, TheoremResult]) -> None:
        """Ends the span of the run."""
        self._end_whole({"proofsearch.proved": sum(result.proved for result in results.values())})

    def training_started(self, training: TrainingInfo) -> None:
        """Begins the span of a training."""
        attributes = {"proofsearch.checkpoint": training.path.name, "proofsearch.trainer": training.config.plugin}
        self._whole = self._traced().begin("train", attributes)

    def reported(self, report: TrainingReport) -> None:
        """Adds what the trainer said to people; the figures of every step are for the trackers."""
        if report.messages and self._whole is not None:
            said = {"proofsearch.step": report.step, "proofsearch.messages": list(report.messages)}
            self._whole.add_event("report", said)

    def training_finished(self, training: TrainingInfo, metrics: Mapping[str, Any]) -> None:
        """Ends the span of the training, with what was measured."""
        self._end_whole({f"proofsearch.metric.{name}": value for name, value in numbers(metrics).items()})

    def close(self) -> None:
        """Exports what is left. Idempotent."""
        self._break_off()
        self._end_whole({"proofsearch.stopped": True})
        tracing, self._tracing = self._tracing, None
        if tracing is not None:
            tracing.close()

    def _traced(self) -> Tracing:
        if self._tracing is None:
            self._tracing = Tracing(self._config, self._run_id)
        return self._tracing

    def _at(self, clock: float) -> int:
        """A reading of the search's clock as nanoseconds since the epoch."""
        return self._epoch + int(clock * 1e9)

    def _break_off(self) -> None:
        """Ends the span of a search whose end was never told."""
        if self._search is not None:
            self._end_search({"proofsearch.status": "broken off"})

    def _end_search(self, attributes: dict[str, Any]) -> None:
        place, self._search = self._search, None
        if place is not None:
            tracing = self._traced()
            told = {"proofsearch.theorem": self._theorem} | attributes
            tracing.write("search", told, (self._began, time.time_ns()), place, tracing.run)

    def _end_whole(self, attributes: Mapping[str, Any]) -> None:
        whole, self._whole = self._whole, None
        if whole is not None:
            whole.set_attributes(attributes)
            whole.end()
