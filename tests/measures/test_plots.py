"""Would catch: a plot without its curves, files that differ from run to run, a bare ImportError."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from proofsearch.errors import UsageError
from proofsearch.measures import plots
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.calibration import Bin, CalibrationError
from proofsearch.measures.paired import Efforts
from proofsearch.measures.ranking import Decisions, rank
from proofsearch.measures.separation import Histogram


def run(proved: list[bool]) -> Efforts:
    spent = np.arange(1.0, len(proved) + 1)
    return Efforts(tuple(map(str, spent)), np.array(proved), ("",) * len(proved), spent, spent, spent, spent / 10)


def test_plots_name_what_they_show_and_are_the_same_each_time() -> None:
    runs = {"baseline": run([True, False, True]), "none proved": run([False, False, False])}
    where = Decisions(np.array([0, 2]), np.array([0, 3]), np.array([0, 1]), 2, np.array([True, False, True, False]))
    ranking = rank(where, {"value": np.array([1.0, 0, 0, 1])}, {}, Bootstrap(100))
    for draw, shown in (
        (lambda: plots.solved_curves(runs, "seconds"), ["baseline", "none proved", "seconds a theorem"]),
        (lambda: plots.rank_by_depth(ranking), ["value", "random", "2-3"]),
        (lambda: plots.reliability(CalibrationError(0.125, (Bin(0.2, 0.3, 5),))), ["0.125", "perfect"]),
        (lambda: plots.on_and_off_path(Histogram((0.0, 1.0, 2.0), (1, 2), (0, 0))), ["on a path to a proof (3)"]),
    ):
        content = draw().decode()
        assert content.startswith("<?xml")
        for text in shown:
            assert text in content
        assert draw().decode() == content


def test_a_missing_matplotlib_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r"pip install 'proofsearch\[plots\]'"):
        plots.require_matplotlib()
