"""Stopping and going on: the same training whatever happened in between, and never half of one."""

from __future__ import annotations

import errno
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.losses.depth_regression import DepthRegression, DepthRegressionConfig
from proofsearch_ebm.losses.info_nce import InfoNce, InfoNceConfig
from proofsearch_ebm.model.checkpoint import load_checkpoint
from proofsearch_ebm.training.history import History
from proofsearch_ebm.training.trainer import EbmTrainer

from proofsearch import storage
from proofsearch.checkpoint import writing
from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.protocols import TrainingRequest
from proofsearch.trainers.state import load_state
from proofsearch.trainers.tensors import read_tensors

STEPS = 24
OPTIONS = {
    "parts": "goals",
    "loss": ("info_nce:1", "depth_regression:0.3"),
    "groups": "tiers",
    "learning_rate": 1e-3,
    "steps": STEPS,
    "hidden": (8, 4),
    "batch": 3,
    "negatives": 2,
    "warmup": 4,
    "validate_every": 5,
    "checkpoint_every": 7,
    "patience": 0,
    "bootstrap": 100,
    "validation_share": 0.3,
    "min_expansions": 1,
}


class Builder:
    """What the trainer asks for."""

    def __init__(self, encoder):
        self.made = encoder

    def status(self, message, done=None, total=None):
        pass

    def encoder_options(self, name):
        return {}

    def encoder(self, name, options=None):
        return self.made

    def loss_options(self, name):
        return {}

    def loss(self, name):
        return {"info_nce": InfoNce(InfoNceConfig()), "depth_regression": DepthRegression(DepthRegressionConfig())}[
            name
        ]


def proof(name, branches=4, depth=3):
    script, node = [], name
    for level in range(depth):
        siblings = [f"{name}{level}.{place} & x" for place in range(branches)]
        good = f"{name}{level} & y"
        script.append((node, [*siblings, good] if level < depth - 1 else ["qed", *siblings]))
        node = good
    return script


@pytest.fixture
def trajectories(table, write):
    return write("train", *(table(f"t{number}", proof(f"t{number}")) for number in range(10)))


@pytest.fixture
def train(trajectories, letters, tmp_path):
    def run(out, *, resume=False, report=lambda report: None, seed=0, paths=None, **options):
        trainer = EbmTrainer(EbmTrainerConfig(**(OPTIONS | options)), Builder(letters()))
        return trainer.train(TrainingRequest(paths or [trajectories], tmp_path / out, seed, resume, report))

    return run


def outcome(folder):
    """Everything that a training leaves: tensors, history, and what the manifest says."""
    (head,) = folder.glob("head-*.safetensors")
    rows = [(row.step, row.split, repr(dict(row.metrics))) for row in History.read(folder / "training.parquet").rows]
    metrics = json.loads((folder / "manifest.json").read_text())["metrics"]
    state = load_state(folder)
    tensors = {f"{group}/{name}": array.tobytes() for group, of in state.tensors.items() for name, array in of.items()}
    values = {name: value for name, value in state.values.items() if name != "config"}
    return head.name, head.read_bytes(), rows, metrics, tensors, json.dumps(values)


WHOLE = {}
"""What uninterrupted trainings left, by their options."""


@pytest.fixture
def whole(train, tmp_path):
    """What an uninterrupted training leaves; trained once, since the same options always give the same."""

    def look_up(**options):
        key = json.dumps(options)
        if key not in WHOLE:
            train("whole", **options)
            WHOLE[key] = outcome(tmp_path / "whole")
        return WHOLE[key]

    return look_up


class StopAt:
    """Asks a training to stop after a step, as Ctrl-C would or as whoever shows its progress may."""

    def __init__(self, step, how):
        self.step = step
        self.how = how
        self.done = False

    def __call__(self, report):
        if report.step == self.step and not self.done:
            self.done = True
            if self.how == "signal":
                signal.raise_signal(signal.SIGINT)
            else:
                raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def report_every_step_and_draw_nothing(monkeypatch):
    monkeypatch.setattr("proofsearch_ebm.training.trainer.write_plots", lambda folder, pictures: [])
    monkeypatch.setattr("proofsearch.trainers.progress.INTERVAL", -1.0)


@pytest.mark.parametrize("how", ["signal", "exception"])
@pytest.mark.parametrize("stops", [(5,), (7, 8), (1, 12, STEPS)])
def test_resumed_is_uninterrupted_bit_for_bit(train, whole, tmp_path, how, stops):
    # Weights, optimiser, the vectors of spectral norm, dropout, sampler, history: what is forgotten shows here.
    for number, step in enumerate(stops):
        with pytest.raises(KeyboardInterrupt):
            train("parts", resume=number > 0, report=StopAt(step, how))
        assert load_state(tmp_path / "parts").step == step
    train("parts", resume=True)
    assert outcome(tmp_path / "parts") == whole()


@pytest.mark.parametrize("groups", ["siblings", "frontier"])
def test_resumed_is_uninterrupted_for_the_other_samplers(train, whole, tmp_path, groups):
    expected = whole(groups=groups)
    with pytest.raises(KeyboardInterrupt):
        train("parts", groups=groups, report=StopAt(9, "signal"))
    train("parts", groups=groups, resume=True)
    assert outcome(tmp_path / "parts") == expected


def test_a_killed_training_goes_on_from_its_last_checkpoint(train, whole, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(report):
        if report.step == 17:
            raise Killed

    with pytest.raises(Killed):
        train("parts", report=kill)
    assert load_state(tmp_path / "parts").step == 14
    train("parts", resume=True)
    assert outcome(tmp_path / "parts") == whole()


def test_a_training_that_an_earlier_version_saved_is_resumed(train, tmp_path):
    """Its folder was written before trainers shared a frame; another processor may round otherwise, so not by bits."""
    shutil.copytree(Path(__file__).with_name("begun_before"), tmp_path / "old")
    assert load_state(tmp_path / "old").step == 14
    said = []
    train("old", resume=True, report=lambda report: said.extend(report.messages))
    assert "resumed after step 14" in said
    train("new")
    for name, array in load_state(tmp_path / "new").tensors["head"].items():
        np.testing.assert_allclose(load_state(tmp_path / "old").tensors["head"][name], array, rtol=1e-3, atol=1e-5)


def test_tensorboard_shows_each_step_of_a_killed_and_resumed_training_once(train, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def kill(report):
        if report.step == 17:
            raise MemoryError

    with pytest.raises(MemoryError):
        train("x", report=kill, tensorboard=True)
    assert load_state(tmp_path / "x").step == 14, "step 15 is validated twice"
    train("x", resume=True, tensorboard=True)
    events = EventAccumulator(str(tmp_path / "x/tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/gap")] == [5, 10, 15, 20, STEPS]


def test_ctrl_c_restores_the_handler_that_was_there(train):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train("parts", report=StopAt(2, "signal"))
    assert signal.getsignal(signal.SIGINT) is before


def test_time_up_finishes_and_resume_goes_on(train, whole, tmp_path):
    train("parts", max_minutes=1e-9)
    assert json.loads((tmp_path / "parts/manifest.json").read_text())["metrics"]["stopped"] == "time"
    train("parts", resume=True)
    assert outcome(tmp_path / "parts") == whole()


def test_a_finished_training_is_left_alone_and_more_steps_are_made(train, tmp_path):
    train("x")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "x").rglob("*")}
    train("x", resume=True, tensorboard=False, threads=1, checkpoint_every=3)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "x").rglob("*")} == before
    train("x", resume=True, steps=STEPS + 6, warm_restart=True)
    assert load_state(tmp_path / "x").step == STEPS + 6


def test_a_longer_training_is_a_warm_restart_and_has_to_be_called_so(train, tmp_path):
    # The learning rate has fallen to 0 and would rise to half of its height, unasked.
    train("x")
    with pytest.raises(UsageError, match=r"--ebm-steps: .*would rise again: say so with --ebm-warm-restart"):
        train("x", resume=True, steps=2 * STEPS)
    assert load_state(tmp_path / "x").step == STEPS
    train("x", resume=True, steps=2 * STEPS, warm_restart=True)
    rates = dict(History.read(tmp_path / "x/training.parquet").series("learning_rate", "train"))
    assert rates[STEPS] < 0.1 * OPTIONS["learning_rate"] < rates[25]
    with pytest.raises(KeyboardInterrupt):
        train("y", report=StopAt(3, "signal"))
    train("y", resume=True, steps=STEPS - 4)
    assert load_state(tmp_path / "y").step == STEPS - 4, "shorter only falls faster"


@pytest.mark.parametrize(
    ("option", "value"),
    [("hidden", (9, 4)), ("learning_rate", 0.5), ("loss", ("info_nce",)), ("parts", "state"), ("seed", 3)],
)
def test_what_is_trained_may_not_change(train, option, value):
    with pytest.raises(KeyboardInterrupt):
        train("x", report=StopAt(3, "signal"))
    with pytest.raises(UsageError, match=f"--(ebm-)?{option.replace('_', '-')}: .*trained with"):
        train("x", resume=True, **{option: value})


def test_other_data_are_refused(train, table, write):
    with pytest.raises(KeyboardInterrupt):
        train("x", report=StopAt(3, "signal"))
    others = write("others", *(table(f"u{number}", proof(f"u{number}")) for number in range(10)))
    with pytest.raises(InputError, match="other data"):
        train("x", resume=True, paths=[others])


def test_the_same_searches_with_another_split_are_other_data(train, table, write):
    with pytest.raises(KeyboardInterrupt):
        train("x", report=StopAt(3, "signal"))
    # As many validate as before, and every state and label is what it was.
    splits = ["validation"] * 3 + ["train"] * 7
    others = write("others", *(table(f"t{number}", proof(f"t{number}"), split=splits[number]) for number in range(10)))
    with pytest.raises(InputError, match="other data"):
        train("x", resume=True, paths=[others])


def test_a_taken_folder_is_refused_without_resume(train):
    train("x")
    with pytest.raises(UsageError, match="--resume"):
        train("x")


def test_resume_of_nothing_begins(train, whole, tmp_path):
    train("fresh", resume=True)
    assert outcome(tmp_path / "fresh") == whole()


def test_a_checkpoint_without_its_state_can_not_be_resumed(train, tmp_path):
    train("x")
    (tmp_path / "x/latest.json").unlink()
    with pytest.raises(InputError, match="not resumed"):
        train("x", resume=True)


# ----------------------------------------------------------------------------------------------- what fails meanwhile


def test_full_disk_in_training_is_an_error_and_the_training_can_be_resumed(train, whole, tmp_path, monkeypatch):
    write = storage.write_whole

    def full(path, content):
        if "state-00000014" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_whole", full)
        with pytest.raises(StorageError, match="state-00000007, is whole"):
            train("parts")
    train("parts", resume=True)
    assert outcome(tmp_path / "parts") == whole()


@pytest.mark.parametrize("fails", ["plots", "training.parquet"])
def test_what_is_only_for_people_can_fail_without_costing_the_checkpoint(train, whole, tmp_path, monkeypatch, fails):
    """Catches a search that has to wait for a picture, and a --resume that is told to write it and doesn't."""
    write = storage.write_whole

    def full(path, content):
        if fails in path.parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    def plot(folder, pictures):
        with writing(folder, "the training itself lacks nothing"):
            storage.write_whole(folder, b"")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_whole", full)
        patch.setattr("proofsearch_ebm.training.trainer.write_plots", plot)
        with pytest.raises(StorageError, match=rf"{fails}: can't be written.*--resume; the checkpoint is whole"):
            train("parts")
    load_checkpoint(tmp_path / "parts")
    assert not (tmp_path / "parts/training.parquet").exists()
    train("parts", resume=True)
    assert outcome(tmp_path / "parts") == whole()
    said = []
    train("parts", resume=True, report=lambda report: said.extend(report.messages))
    assert any("nothing to resume" in message for message in said)


def test_a_longer_training_whose_table_was_not_written_writes_it_when_resumed(train, whole, tmp_path, monkeypatch):
    # There is a table, but that of the shorter one.
    train("parts")
    write = storage.write_whole

    def full(path, content):
        if path.name == "training.parquet":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_whole", full)
        with pytest.raises(StorageError, match="the table that was there before is untouched"):
            train("parts", resume=True, steps=STEPS + 6, warm_restart=True)
    assert History.read(tmp_path / "parts/training.parquet").rows[-1].step == STEPS
    train("parts", resume=True, steps=STEPS + 6, warm_restart=True)
    assert History.read(tmp_path / "parts/training.parquet").rows[-1].step == STEPS + 6


def test_weights_of_one_step_are_never_paired_with_an_optimiser_of_another(train, tmp_path):
    for name, step in (("a", 5), ("b", 6)):
        with pytest.raises(KeyboardInterrupt):
            train(name, report=StopAt(step, "signal"))
    other = tmp_path / "b/state-00000006/optimiser.safetensors"
    assert read_tensors(other)
    (tmp_path / "a/state-00000005/optimiser.safetensors").write_bytes(other.read_bytes())
    with pytest.raises(InputError, match="optimiser"):
        train("a", resume=True)
