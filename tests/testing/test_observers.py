"""The checks of observers: a sound one passes, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conforming import failed

from proofsearch.builtins.log import LogConfig, make_log
from proofsearch.engine import SearchGraph, SearchResult
from proofsearch.protocols import RunInfo, TheoremResult, TrainingInfo, TrainingReport
from proofsearch.testing import check_observer
from proofsearch.types import Theorem


class Counter:
    """Counts expansions; what is broken overrides one method."""

    def __init__(self, config: object = None, builder: object = None) -> None:
        self.expansions = 0
        self.open = True
        self.theorem = ""

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        self.theorem = theorem.name

    def expanded(self, graph: SearchGraph, node: int) -> None:
        self.expansions += 1

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        pass

    def run_started(self, run: RunInfo) -> None:
        pass

    def searched(self, result: TheoremResult) -> None:
        pass

    def run_finished(self, run: RunInfo, results: Mapping[str, TheoremResult]) -> None:
        pass

    def training_started(self, training: TrainingInfo) -> None:
        pass

    def reported(self, report: TrainingReport) -> None:
        pass

    def training_finished(self, training: TrainingInfo, metrics: Mapping[str, Any]) -> None:
        pass

    def close(self) -> None:
        self.open = False


class Blind:
    def __init__(self, config: object = None, builder: object = None) -> None:
        pass

    def close(self) -> None:
        pass


class Meddling(Counter):
    def expanded(self, graph: SearchGraph, node: int) -> None:
        graph.num_tokens[node] += 1


class Dicing(Counter):
    def expanded(self, graph: SearchGraph, node: int) -> None:
        random.random()


class Filed(Counter):
    """Takes the theorem's name for that of a file."""

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        if "/" in theorem.name or len(theorem.name) > 255:
            raise FileNotFoundError(theorem.name)


class Averaging(Counter):
    """Divides by what a search that ends at once has none of."""

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        result.steps / result.expansions


class Pairing(Counter):
    """Believes that every search ends."""

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        assert not self.theorem
        self.theorem = theorem.name

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        self.theorem = ""


class Trusting(Counter):
    """Believes that every result is of a search."""

    def searched(self, result: TheoremResult) -> None:
        result.seconds_by_part["step"]


class Measuring(Counter):
    """Believes that every report has a loss."""

    def reported(self, report: TrainingReport) -> None:
        report.metrics["loss"]


class Sharing(Counter):
    """All instances have one file, and the first that is closed closes it."""

    held: Any = None

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        Sharing.held = {}

    def expanded(self, graph: SearchGraph, node: int) -> None:
        Sharing.held[node] = True

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        Sharing.held[0] = True

    def close(self) -> None:
        Sharing.held = None


class ClosedOnce(Counter):
    def close(self) -> None:
        assert self.open
        super().close()


def test_a_sound_observer_passes() -> None:
    report = check_observer(Counter)
    assert {"changes nothing", "survives odd runs", "survives odd trainings", "several at once"} <= set(
        report.names("passed")
    )


@pytest.mark.parametrize(
    ("observer", "check"),
    [
        (Blind, "sees something"),
        (Meddling, "changes nothing"),
        (Dicing, "leaves chance alone"),
        (Filed, "survives odd searches"),
        (Averaging, "survives odd searches"),
        (Pairing, "survives a broken off search"),
        (Trusting, "survives odd runs"),
        (Measuring, "survives odd trainings"),
        (Sharing, "several at once"),
        (ClosedOnce, "idempotent close"),
    ],
)
def test_a_broken_observer_fails_that_check_alone(observer: type, check: str) -> None:
    assert failed(check_observer, observer) == [check]


@pytest.mark.parametrize("expansions", [False, True])
def test_the_observer_that_comes_along_passes(expansions: bool, tmp_path: Path) -> None:
    report = check_observer(make_log, LogConfig(path=tmp_path / "log.jsonl", expansions=expansions))
    assert report.names("skipped") == []
    assert (tmp_path / "log.jsonl").stat().st_size
