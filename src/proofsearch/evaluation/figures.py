"""The plots of an evaluation, as SVG files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from proofsearch.evaluation.result import Evaluation, run_names
from proofsearch.measures import plots
from proofsearch.storage.outputs import check_file, write_file


def write_plots(
    evaluation: Evaluation, folder: Path, *, inputs: Iterable[Path] = (), overwrite: bool = False
) -> list[Path]:
    """Writes the plots.

    Args:
        evaluation: what to draw.
        folder: made where it is missing.
        inputs: as :func:`proofsearch.storage.outputs.check_file`.
        overwrite: files of the plots' names may be replaced.

    Returns:
        The files: ``solved-expansions.svg`` and ``solved-seconds.svg`` of all runs together, and of each run ``N``,
        from 1, ``N-rank-by-depth.svg``, ``N-calibration.svg`` and ``N-values.svg``, where there is anything to draw.

    Raises:
        UsageError: matplotlib is not installed, or something is in the way.
        StorageError: they can't be written; those before are there.
    """
    plots.require_matplotlib()
    drawn = {folder / name: content for name, content in _drawn(evaluation)}
    for file in drawn:
        check_file(file, inputs=inputs, overwrite=overwrite)
    for file, content in drawn.items():
        write_file(file, content, inputs=inputs, overwrite=overwrite)
    return list(drawn)


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
