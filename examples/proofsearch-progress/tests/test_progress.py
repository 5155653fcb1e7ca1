"""The observer against its contract, and the table that it writes."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

from proofsearch_progress.observer import COLUMNS, Progress, ProgressConfig, make_progress

from proofsearch import Verdict
from proofsearch.config import RunConfig
from proofsearch.protocols import RunInfo, TheoremResult
from proofsearch.testing import check_observer


def test_it_conforms(tmp_path: Path) -> None:
    report = check_observer(make_progress, ProgressConfig(path=tmp_path / "progress.csv"))
    assert "survives odd runs" in report.names("passed")
    assert "changes nothing" in report.names("skipped"), "it watches runs alone"


def test_it_writes_a_line_a_theorem(tmp_path: Path) -> None:
    clock = itertools.count(10.0)
    observer = Progress(tmp_path / "progress.csv", lambda: next(clock))
    (tmp_path / "progress.csv").write_text("of an earlier run\n")
    observer.run_started(RunInfo(tmp_path, RunConfig(), 4, 1))
    observer.searched(TheoremResult("a,b", "proved", Verdict(True, "checker"), expansions=3, seconds=0.5))
    observer.searched(TheoremResult("c", "limit", limit_hit="steps", expansions=9, seconds=1.25))
    with (tmp_path / "progress.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == COLUMNS
    assert rows[1] == ["1.000", "2", "1", "a,b", "proved", "3", "0.500"]
    assert rows[2] == ["2.000", "3", "1", "c", "stopped at the limit on steps", "9", "1.250"]
