"""The observer ``log``: what happens in runs, searches and trainings, one JSON object a line, as it happens.

Several processes write to one file. Each line is one call of the system on a file that is open for appending, so on a
file system of this machine lines never mix.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.protocols import Builder
from proofsearch.types import Theorem

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import RunInfo, TheoremResult, TrainingInfo, TrainingReport
    from proofsearch.protocols.results import SearchResult


class LogConfig(ComponentConfig):
    """Configuration of the observer ``log``."""

    path: Path = Field(default=Path("proofsearch-log.jsonl"), description="The file; an existing one is appended to.")
    expansions: bool = Field(default=False, description="Also a line for each expansion.")


class Log:
    """Writes a line for whatever happens; it watches searches, runs and trainings.

    Args:
        path: the file; made when there is something to write.
        expansions: whether expansions are written too.
    """

    def __init__(self, path: Path, expansions: bool = False) -> None:
        self._path = path
        self._expansions = expansions
        self._file: int | None = None
        self._theorem = ""
        self._count = 0

    def run_started(self, run: RunInfo) -> None:
        """The run folder and how many theorems there are."""
        self._write("run started", run=str(run.path), theorems=run.theorems, done=run.done)

    def searched(self, result: TheoremResult) -> None:
        """How a theorem's search ended, also where its worker died."""
        self._write("recorded", theorem=result.theorem, ending=result.ending, attempts=result.attempts)

    def run_finished(self, run: RunInfo, results: Mapping[str, TheoremResult]) -> None:
        """How many theorems are proved."""
        proved = sum(result.proved for result in results.values())
        self._write("run finished", run=str(run.path), theorems=run.theorems, proved=proved)

    def training_started(self, training: TrainingInfo) -> None:
        """The checkpoint folder and the trainer."""
        self._write("training started", checkpoint=str(training.path), trainer=training.config.plugin)

    def reported(self, report: TrainingReport) -> None:
        """What the trainer measured and said."""
        self._write(
            "reported",
            step=report.step,
            steps=report.steps,
            metrics={name: value if math.isfinite(value) else None for name, value in report.metrics.items()},
            messages=list(report.messages),
        )

    def training_finished(self, training: TrainingInfo, metrics: Mapping[str, Any]) -> None:
        """The checkpoint is whole."""
        self._write("training finished", checkpoint=str(training.path), trainer=training.config.plugin)

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """The theorem, and the process that searches for it."""
        self._theorem, self._count = theorem.name, 0
        self._write("search started", theorem=self._theorem, process=os.getpid())

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """The node, how it was reached, and what came of it."""
        if not self._expansions:
            return
        edges = graph.edge_range(node)
        self._count += 1
        self._write(
            "expanded",
            theorem=self._theorem,
            expansion=self._count,
            node=node,
            depth=graph.depth[node],
            goals=graph.state[node].num_goals,
            logprob=graph.logprob[node],
            value=graph.value[node] if graph.has_value(node) else None,
            tried=len(edges),
            advanced=sum(graph.edge_target[edge] >= 0 for edge in edges),
            nodes=graph.num_nodes,
        )

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """How it ended, and what it took."""
        self._write(
            "search finished",
            theorem=self._theorem,
            status=str(result.status),
            limit=result.limit_hit,
            expansions=result.expansions,
            steps=result.steps,
            nodes=result.nodes,
            seconds=round(result.seconds, 6),
        )

    def close(self) -> None:
        """Closes the file. Idempotent."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _write(self, event: str, **what: Any) -> None:
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        os.write(self._file, (json.dumps({"time": time, "event": event, **what}) + "\n").encode())


def make_log(config: LogConfig, builder: Builder) -> Log:
    """Builds the observer."""
    return Log(config.path, config.expansions)
