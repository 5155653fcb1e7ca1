"""Plots: whole SVG files that depend on the figures alone, and none where there is nothing to show."""

from __future__ import annotations

import errno
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from proofsearch_ebm.training.plots import DepthRanks, TrainingPictures, write_plots

from proofsearch import storage
from proofsearch.errors import StorageError

EMPTY = TrainingPictures({}, {}, {}, {}, 0, (), np.zeros(0), np.zeros(0))
FULL = TrainingPictures(
    {"total (train)": ([100, 200], [1.0, 0.5]), "total (validation)": ([100, 200], [1.2, 0.8])},
    {"train": ([100, 200], [0.1, 2.0])},
    {"train": ([100, 200], [0.3, 0.5]), "validation": ([100, 200], [0.45, 0.4])},
    {"chance": 0.25, "policy": 0.389},
    100,
    (DepthRanks("0–1", 10, {"energy": 0.5, "chance": 0.1}), DepthRanks("8+", 3, {"energy": 0.4, "chance": 0.2})),
    np.array([-1.0, -2.0]),
    np.array([1.0, 3.0, 2.0]),
)


def test_every_plot_is_a_whole_svg_that_names_what_it_shows(tmp_path):
    assert write_plots(tmp_path / "plots", FULL) == ["loss.svg", "gap.svg", "learning.svg", "rank.svg", "energy.svg"]
    for name in ("loss.svg", "gap.svg", "learning.svg", "rank.svg", "energy.svg"):
        assert ElementTree.parse(tmp_path / "plots" / name).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("loss.svg", {"Losses over the training", "kept: step 100"}),
        ("gap.svg", {"How far states off the path lie above those on it", "kept: step 100"}),
        (
            "learning.svg",
            {"Groups in which a state on the path comes first", "kept: step 100", "policy (0.389)", "chance (0.250)"},
        ),
        ("rank.svg", {"The best head at validation decisions, by depth"}),
        ("energy.svg", {"Energies of validation states by the best head"}),
    ],
)
def test_a_plot_says_what_it_is_what_to_compare_with_and_what_was_kept(tmp_path, monkeypatch, name, texts):
    # As text and not as outlines, so that it can be read here.
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")
    write_plots(tmp_path, FULL)
    found = {
        "".join(element.itertext())
        for element in ElementTree.parse(tmp_path / name).iter()
        if element.tag[-4:] == "text"
    }
    assert texts <= found


def test_plots_depend_on_the_figures_alone(tmp_path):
    # A date or random identifiers would make every checkpoint differ from its repetition.
    for folder in ("a", "b"):
        write_plots(tmp_path / folder, FULL)
    for name in ("loss.svg", "energy.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_nothing_to_show_writes_nothing(tmp_path):
    assert write_plots(tmp_path, EMPTY) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("energies", [([1.0], []), ([], [1.0]), ([1.0, 1.0], [1.0])])
def test_one_sided_or_constant_energies_are_drawn(tmp_path, energies):
    on_path, off_path = (np.array(side) for side in energies)
    assert write_plots(tmp_path, TrainingPictures({}, {}, {}, {}, 0, (), on_path, off_path)) == ["energy.svg"]


def test_full_disk_is_an_error_for_people(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage, "write_whole", full)
    with pytest.raises(StorageError, match=r"loss\.svg.*No space left"):
        write_plots(tmp_path, FULL)
