"""Plots of measures, drawn with matplotlib, which is imported only where one is drawn (the extra ``plots``)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import UsageError
from proofsearch.measures.calibration import CalibrationError
from proofsearch.measures.paired import Cost, Efforts
from proofsearch.measures.ranking import RankingAtDepth
from proofsearch.measures.separation import Histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = (7.0, 4.5)
"""Inches."""


def require_matplotlib() -> None:
    """Says so early where matplotlib is missing.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"--plots needs matplotlib, which can't be imported ({error}); install it with: "
            f"pip install 'proofsearch[plots]', or leave --plots out"
        ) from error


def solved_curves(runs: Mapping[str, Efforts], cost: Cost) -> bytes:
    """The part of the theorems solved against what was allowed, a curve a run, as SVG.

    Args:
        runs: by name.
        cost: what was allowed: expansions or seconds.
    """
    figure, axes = _figure(f"{cost.replace('_', ' ')} a theorem", "theorems solved, %")
    for name, efforts in runs.items():
        spent = np.sort(efforts.cost(cost)[efforts.proved])
        if not len(spent):
            spent = np.array([1.0])
            part: NDArray[np.float64] = np.zeros(1)
        else:
            part = 100 * np.arange(1, len(spent) + 1) / len(efforts)
        end = max(float(efforts.cost(cost).max(initial=0.0)), float(spent[-1]))
        axes.step(np.append(spent, end), np.append(part, part[-1]), where="post", label=name)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right")
    return _svg(figure)


def rank_by_depth(ranking: Mapping[str, RankingAtDepth]) -> bytes:
    """Rank-1 by depth with intervals, a line a score, as SVG."""
    figure, axes = _figure("depth of the decision", "best-ranked child leads to a proof, %")
    depths = [label for label, at_depth in ranking.items() if at_depth.decisions]
    places = np.arange(len(depths))
    chance = [100 * ranking[label].random.rank1.value for label in depths]
    axes.plot(places, chance, linestyle=":", color="grey", marker="_", markersize=14, label="random")
    names = list(ranking["all"].rankings)
    for index, name in enumerate(names):
        rates = [ranking[label].rankings[name].rank1 for label in depths]
        values = np.array([100 * rate.value for rate in rates])
        ends = np.array([[100 * rate.low, 100 * rate.high] for rate in rates])
        errors = np.nan_to_num(np.abs(ends - values[:, None]).T)
        shift = (index - (len(names) - 1) / 2) * 0.1
        axes.errorbar(places + shift, values, errors, fmt="o", capsize=2, markersize=4, label=name)
    axes.set_xticks(places, depths)
    axes.set_ylim(0, 105)
    figure.legend(loc="outside upper center", fontsize="small", ncols=4)
    return _svg(figure)


def reliability(calibration: CalibrationError) -> bytes:
    """What happened against what was predicted, a point a bin, as SVG."""
    figure, axes = _figure("predicted probability of a proof below", "states with one, %")
    axes.plot([0, 1], [0, 100], linestyle=":", color="grey", label="perfect")
    states = np.array([bucket.states for bucket in calibration.bins], dtype=np.float64)
    axes.scatter(
        [bucket.predicted for bucket in calibration.bins],
        [100 * bucket.observed for bucket in calibration.bins],
        s=20 + 200 * states / states.max(initial=1.0),
        alpha=0.7,
        label=f"value; expected calibration error {calibration.error:.3f}",
    )
    axes.legend(loc="upper left")
    return _svg(figure)


def on_and_off_path(histogram: Histogram) -> bytes:
    """How the value spreads over states with a proof below and without, as densities, as SVG."""
    figure, axes = _figure("value", "density")
    for counts, name in ((histogram.positive, "on a path to a proof"), (histogram.negative, "searched in vain")):
        total = sum(counts)
        if total:
            widths = np.diff(histogram.edges)
            axes.stairs(
                np.array(counts) / total / widths, histogram.edges, fill=True, alpha=0.5, label=f"{name} ({total})"
            )
    axes.legend(loc="upper right")
    return _svg(figure)


def _figure(across: str, up: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.3)
    return figure, axes


def _svg(figure: Figure) -> bytes:
    from matplotlib import rc_context

    content = io.BytesIO()
    # Without a date and with fixed ids, equal plots are equal files.
    with rc_context({"svg.hashsalt": "proofsearch", "svg.fonttype": "none"}):
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()
