"""Plots of a training as SVG files: losses, gap, rank over the steps and by depth, energies on and off the path."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from proofsearch import storage
from proofsearch.checkpoint import writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = tuple[Sequence[float], Sequence[float]]
"""Steps and values."""
_BINS = 40


@dataclass(frozen=True, slots=True)
class DepthRanks:
    """Rank-1 at decisions of some depths.

    Attributes:
        depths: for people: ``"2–3"``.
        decisions: how many.
        ranks: share of decisions that are got right, by ranking; ties share credit.
    """

    depths: str
    decisions: int
    ranks: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrainingPictures:
    """What is plotted.

    Attributes:
        losses: curves by name, the total and its weighted parts, in training and validation.
        gaps: curves of mean E⁻ − mean E⁺ by name.
        learning: curves of the share of groups whose lowest is positive, by name; the head is chosen by the one in
            validation.
        levels: what those are to be compared with, by name: chance, and the policy alone.
        kept: the step whose head was kept.
        ranks: by depth.
        on_path: energies of states below which a proof was found, of validation theorems.
        off_path: energies of states below which none was found, of the same theorems.
    """

    losses: Mapping[str, Curve]
    gaps: Mapping[str, Curve]
    learning: Mapping[str, Curve]
    levels: Mapping[str, float]
    kept: int
    ranks: Sequence[DepthRanks]
    on_path: NDArray[np.floating]
    off_path: NDArray[np.floating]


def write_plots(folder: Path, pictures: TrainingPictures) -> list[str]:
    """Writes ``loss.svg``, ``gap.svg``, ``learning.svg``, ``rank.svg`` and ``energy.svg``.

    Each is written only where there is something to show.

    The files depend on the figures alone: no date, no random identifiers.

    Args:
        folder: created if it isn't there.
        pictures: what to show.

    Returns:
        The names of the files written.

    Raises:
        StorageError: a file can't be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    written = []
    for name, title, draw, shown in (
        ("loss.svg", "Losses over the training", _losses, bool(pictures.losses)),
        ("gap.svg", "How far states off the path lie above those on it", _gaps, bool(pictures.gaps)),
        ("learning.svg", "Groups in which a state on the path comes first", _learning, bool(pictures.learning)),
        ("rank.svg", "The best head at validation decisions, by depth", _ranks, bool(pictures.ranks)),
        (
            "energy.svg",
            "Energies of validation states by the best head",
            _energies,
            len(pictures.on_path) > 0 or len(pictures.off_path) > 0,
        ),
    ):
        if not shown:
            continue
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title)
        draw(axes, pictures)
        buffer = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": name}):
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        with writing(folder / name, "the training itself lacks nothing"):
            folder.mkdir(exist_ok=True)
            storage.write_whole(folder / name, buffer.getvalue())
        written.append(name)
    return written


def _curves(axes: Axes, curves: Mapping[str, Curve], kept: int) -> None:
    for name, (steps, values) in curves.items():
        axes.plot(steps, values, label=name, marker="." if len(steps) < 30 else None)
    axes.axvline(kept, color="black", linewidth=0.8, linestyle=":", label=f"kept: step {kept}")
    axes.set_xlabel("step")
    axes.legend(loc="upper right")


def _losses(axes: Axes, pictures: TrainingPictures) -> None:
    _curves(axes, pictures.losses, pictures.kept)
    axes.set_ylabel("loss")


def _gaps(axes: Axes, pictures: TrainingPictures) -> None:
    axes.axhline(0, color="grey", linewidth=0.8)
    _curves(axes, pictures.gaps, pictures.kept)
    axes.set_ylabel("gap: mean off the path − on it")


def _learning(axes: Axes, pictures: TrainingPictures) -> None:
    for number, (name, level) in enumerate(pictures.levels.items(), 2):
        axes.axhline(level, color=f"C{number}", linewidth=0.8, linestyle="--", label=f"{name} ({level:.3f})")
    _curves(axes, pictures.learning, pictures.kept)
    axes.set_ylabel("rank-1")
    axes.set_ylim(0, 1)


def _ranks(axes: Axes, pictures: TrainingPictures) -> None:
    names = list(pictures.ranks[0].ranks)
    places = np.arange(len(pictures.ranks))
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        heights = [entry.ranks[name] for entry in pictures.ranks]
        axes.bar(places + (number - (len(names) - 1) / 2) * width, heights, width, label=name)
    axes.set_xticks(places, [f"{entry.depths}\n({entry.decisions})" for entry in pictures.ranks])
    axes.set_xlabel("depth (validation decisions)")
    axes.set_ylabel("rank-1 among siblings")
    axes.set_ylim(0, 1)
    axes.legend(loc="upper right")


def _energies(axes: Axes, pictures: TrainingPictures) -> None:
    every = np.concatenate((pictures.on_path, pictures.off_path))
    low, high = float(every.min()), float(every.max())
    bins = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    for name, energies in (("on the path", pictures.on_path), ("off the path", pictures.off_path)):
        if len(energies):
            weights = np.full(len(energies), 1 / len(energies))
            axes.hist(energies, bins=bins.tolist(), weights=weights, alpha=0.6, label=f"{name} ({len(energies)})")
    axes.set_xlabel("energy of a state (lower is more provable)")
    axes.set_ylabel("share of states")
    axes.legend(loc="upper right")
