"""Would catch: a tracker that is told too often, loses figures, or goes on at another step when a run is resumed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pytest
from proofsearch_trackers import plugin
from proofsearch_trackers.backends.library import library, require
from proofsearch_trackers.config import TrackerConfig
from proofsearch_trackers.facts import Setting, numbers, settings
from proofsearch_trackers.tracking import Tracker

from proofsearch.config import RunConfig, TrainConfig
from proofsearch.errors import PluginError
from proofsearch.protocols import RunInfo, TheoremResult, TrainingInfo, TrainingReport
from proofsearch.testing import SampleBuilder, check_observer
from proofsearch.types import Verdict


class Told:
    """A backend that keeps what it is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.records: list[tuple[dict[str, float], int]] = []
        self.ends: list[bool] = []

    def begin(self, folder: Path, identity: str, about: Mapping[str, Setting]) -> None:
        self.begun.append((folder.name, identity))

    def record(self, figures: Mapping[str, float], step: int) -> None:
        assert not self.ends
        self.records.append((dict(figures), step))

    def end(self, whole: bool) -> None:
        self.ends.append(whole)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def result(name: str, proved: bool, expansions: int = 10) -> TheoremResult:
    verdict = Verdict(True, "checker") if proved else None
    return TheoremResult(name, "proved" if proved else "limit", verdict, expansions=expansions, seconds=2.0)


def run(done: int = 0) -> RunInfo:
    return RunInfo(Path("runs/first"), RunConfig(), 4, done)


def test_a_run_is_told_theorem_by_theorem() -> None:
    told = Told()
    tracker = Tracker(lambda: told, interval=0, run_id="id")
    tracker.run_started(run())
    results = [result("a", True), result("b", False, 30), result("c", True)]
    for one in results:
        tracker.searched(one)
    tracker.run_finished(run(), {one.theorem: one for one in results})
    tracker.close()
    assert told.begun == [("first", "id")] and told.ends == [True]
    assert [step for _, step in told.records] == [1, 2, 3, 3]
    figures = told.records[1][0]
    assert figures["search/proved"] == 1 and figures["search/proved share"] == 0.5
    assert figures["search/expansions per theorem"] == 20 and figures["search/seconds per theorem"] == 2
    assert told.records[-1][0]["run/proved"] == 2
    assert told.records[-1][0]["run/proved share"] == pytest.approx(2 / 3)


def test_figures_within_the_interval_are_joined_and_none_is_lost() -> None:
    told, clock = Told(), Clock()
    tracker = Tracker(lambda: told, interval=1, clock=clock)
    tracker.training_started(TrainingInfo(Path("ckpt"), TrainConfig()))
    for step, metrics in enumerate([{"loss": 3.0}, {"loss": 2.0, "gap": 1.0}, {"loss": 1.5}, {"loss": 1.0}], start=1):
        clock.now = [10.0, 10.2, 10.9, 11.0][step - 1]
        tracker.reported(TrainingReport(step, 9, metrics))
    assert told.records == [({"train/loss": 3.0}, 1), ({"train/loss": 1.0, "train/gap": 1.0}, 4)]
    tracker.reported(TrainingReport(5, 9, {"loss": 0.5}))
    # A training that is stopped tells what it has.
    tracker.close()
    tracker.close()
    assert told.records[-1] == ({"train/loss": 0.5}, 5) and told.ends == [False]


def test_a_resumed_run_goes_on_at_the_step_where_it_was() -> None:
    told = Told()
    tracker = Tracker(lambda: told, interval=0, run_id="id")
    tracker.run_started(run(done=2))
    tracker.searched(result("c", True))
    assert told.begun == [("first", "id")] and [step for _, step in told.records] == [3]
    tracker.close()


def test_what_is_measured_on_a_checkpoint_is_told_at_the_last_step() -> None:
    told = Told()
    tracker = Tracker(lambda: told, interval=1e9)
    about = TrainingInfo(Path("ckpt"), TrainConfig())
    tracker.training_started(about)
    tracker.reported(TrainingReport(7, 9, {"loss": math.nan}))
    tracker.training_finished(about, {"rank": 0.5, "stopped": "steps", "by depth": {"0-1": 1}, "none": math.inf})
    assert told.records == [({"checkpoint/rank": 0.5, "checkpoint/by depth/0-1": 1.0}, 7)]


def test_nothing_is_opened_where_nothing_begins() -> None:
    def never() -> Told:
        raise AssertionError("a worker's instance is told of no run")

    Tracker(never).close()


def test_settings_are_a_flat_table() -> None:
    config = RunConfig(env="fake", options={"fake": {"size": 3, "path": None}}, observers=("a", "b"))
    table = settings(config)
    assert table["env"] == "fake" and table["options.fake.size"] == 3 and table["observers"] == "a, b"
    assert "options.fake.path" not in table and "select.file" not in table


def test_numbers_are_finite() -> None:
    assert numbers({"a": 1, "b": True, "c": math.nan, "d": "x", "e": {"f": 2.5}}) == {"a": 1.0, "e/f": 2.5}


def test_a_library_that_is_missing_is_named_with_its_extra() -> None:
    for ask in (library, require):
        with pytest.raises(PluginError, match=r"'wandb' needs the package no_such.*proofsearch-trackers\[wandb\]"):
            ask("no_such.module" if ask is library else "no_such", "wandb")
    with pytest.raises(PluginError, match=r"nothing\.inner"):
        require("nothing.inner", "wandb")


def test_a_tracker_keeps_the_contract_of_observers() -> None:
    report = check_observer(lambda config, builder: Tracker(Told, config.interval), TrackerConfig())
    assert "survives odd runs" in report.names("passed") and "survives odd trainings" in report.names("passed")


def test_the_factories_import_no_library() -> None:
    import subprocess
    import sys

    code = (
        "from proofsearch.testing import SampleBuilder\n"
        "from proofsearch_trackers import config, plugin\n"
        "import sys, pathlib\n"
        "builder = SampleBuilder()\n"
        "plugin.require = lambda *names: None\n"
        "plugin.make_tensorboard(config.TensorBoardConfig(), builder)\n"
        "plugin.make_wandb(config.WandbConfig(), builder)\n"
        "plugin.make_mlflow(config.MlflowConfig(), builder)\n"
        "plugin.make_trackio(config.TrackioConfig(), builder)\n"
        "plugin.make_spans(config.SpansConfig(), builder)\n"
        "print({'tensorboard', 'wandb', 'mlflow', 'trackio', 'opentelemetry'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert plugin.make_spans and SampleBuilder
