"""The plots of an evaluation, as SVG files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from proofsearch.comparison.report import Evaluation, run_names
from proofsearch.errors import StorageError
from proofsearch.evaluation import plots
from proofsearch.storage import write_whole


def write_plots(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Writes the plots, replacing those of the same names.

    Args:
        evaluation: what to draw.
        folder: made where it is missing.

    Returns:
        The files: ``solved-expansions.svg`` and ``solved-seconds.svg`` of all runs together, and of each run ``N``,
        from 1, ``N-rank-by-depth.svg``, ``N-calibration.svg`` and ``N-values.svg``, where there is anything to draw.

    Raises:
        UsageError: matplotlib is not installed.
        StorageError: they can't be written.
    """
    plots.require_matplotlib()
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in _drawn(evaluation):
            write_whole(folder / name, content)
            written.append(folder / name)
    except OSError as error:
        raise StorageError(f"{folder}: the plots can't be written: {error.strerror or error}") from error
    return written


def _drawn(evaluation: Evaluation) -> Iterator[tuple[str, bytes]]:
    efforts = {name: run.efforts for name, run in zip(run_names(evaluation), evaluation.runs, strict=True)}
    yield "solved-expansions.svg", plots.solved_curves(efforts, "expansions")
    yield "solved-seconds.svg", plots.solved_curves(efforts, "seconds")
    for number, run in enumerate(evaluation.runs, start=1):
        if run.ranking["all"].decisions:
            yield f"{number}-rank-by-depth.svg", plots.rank_by_depth(run.ranking)
        if run.calibration.bins:
            yield f"{number}-calibration.svg", plots.reliability(run.calibration)
        if run.histogram.edges:
            yield f"{number}-values.svg", plots.on_and_off_path(run.histogram)
