"""Stopping the training of the ranker: the same weights whatever happened in between, and never unfinished ones."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proofsearch_metamath.plugin import make_generator, make_trainer
from proofsearch_metamath.ranker.config import RankerConfig, RankerTrainerConfig
from proofsearch_metamath.ranker.weights import load_weights

from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import TrainingReport, TrainingRequest, ignore_report
from proofsearch.testing import SampleBuilder, check_trainer

pytest.importorskip("torch")

# Dropout, so that random numbers count; a last step that is no validation's.
QUICK = RankerTrainerConfig(
    max_examples=200,
    validation_examples=50,
    epochs=4.96,
    batch=32,
    negatives=8,
    width=8,
    rows=256,
    validate_every=6,
    processes=1,
    patience=0,
)
STEPS = 31


Train = Callable[..., Path]


@pytest.fixture(scope="module")
def train(builder: SampleBuilder) -> Train:
    def run(
        out: Path,
        *,
        resume: bool = False,
        report: Callable[[TrainingReport], None] = ignore_report,
        seed: int = 0,
        **options: Any,
    ) -> Path:
        config = QUICK.model_copy(update=options)
        return make_trainer(config, builder).train(TrainingRequest([], out, seed, resume, report))

    return run


@pytest.fixture(scope="module")
def whole(train: Train, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a training leaves that nothing stops."""
    return left(train(tmp_path_factory.mktemp("whole") / "out"))


@pytest.fixture(autouse=True)
def report_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch.trainers.progress.INTERVAL", -1.0)


def left(folder: Path) -> dict[str, Any]:
    """Everything that a training leaves, by file; of the manifest what was measured."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "latest.json":
            name = path.relative_to(folder).as_posix()
            found[name] = json.loads(path.read_bytes()) if path.suffix == ".json" else path.read_bytes()
    found["manifest.json"] = found["manifest.json"]["metrics"]
    for name in found:
        if name.endswith("training.json"):
            del found[name]["origin"]  # options may differ by how long it may take
    return found


class Stop:
    """Ends a training at the report of a step."""

    def __init__(self, step: int, how: str) -> None:
        self.step, self.how, self.done = step, how, False

    def __call__(self, report: TrainingReport) -> None:
        if report.step >= self.step and not self.done:
            self.done = True
            if self.how == "killed":
                raise MemoryError  # nothing is saved any more
            if self.how == "told":
                raise KeyboardInterrupt
            signal.raise_signal(signal.Signals[self.how])


@pytest.mark.parametrize("stops", [{5: "SIGINT"}, {5: "SIGTERM"}, {6: "SIGHUP", 7: "told", STEPS: "SIGTERM"}])
def test_resumed_is_uninterrupted_bit_for_bit(
    train: Train, whole: dict[str, Any], tmp_path: Path, stops: dict[int, str]
) -> None:
    # Weights, their average, the optimiser, dropout, the order, the best so far, patience: what is forgotten shows.
    out = tmp_path / "out"
    for number, (step, how) in enumerate(stops.items()):
        with pytest.raises(KeyboardInterrupt):
            train(out, resume=number > 0, report=Stop(step, how))
        assert (out / f"state-{step:08d}").is_dir()
    train(out, resume=True)
    assert left(out) == whole


@pytest.mark.parametrize("step", [3, 12, 29])
def test_a_killed_training_goes_on_from_its_last_validation(
    train: Train, whole: dict[str, Any], tmp_path: Path, step: int
) -> None:
    out = tmp_path / "out"
    with pytest.raises(MemoryError):
        train(out, report=Stop(step, "killed"))
    # Step 12 is a validation's: it was told of before it is saved.
    assert [path.name for path in out.glob("state-*")] == {3: [], 12: ["state-00000006"], 29: ["state-00000024"]}[step]
    reached: list[int] = []
    train(out, resume=True, report=lambda report: reached.append(report.step))
    assert left(out) == whole
    assert min(step for step in reached if step) > {3: 0, 12: 5, 29: 23}[step]


def test_time_up_leaves_weights_and_the_training_goes_on(train: Train, whole: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    train(out, max_minutes=1e-9)
    assert load_weights(out).manifest.metrics["stopped"] == "time"
    train(out, resume=True)
    assert left(out) == whole


def test_a_killed_training_leaves_nothing_to_search_with(builder: SampleBuilder, train: Train, tmp_path: Path) -> None:
    # Its weights are those of some step on the way, which nobody chose.
    (tmp_path / "dead").mkdir()
    (tmp_path / "dead/train.toml").write_text("")  # as the command leaves it
    with pytest.raises(MemoryError):
        train(tmp_path / "dead", report=Stop(20, "killed"))
    with pytest.raises(InputError, match=r"its training did not come to its end.*train --resume --out"):
        make_generator(RankerConfig(path=tmp_path / "dead"), builder).prepare()


@pytest.mark.parametrize("stopped", ["unfinished", "interrupted"])
def test_weights_that_an_earlier_version_left_unfinished_are_refused(
    train: Train, tmp_path: Path, stopped: str
) -> None:
    train(tmp_path / "out")
    file = tmp_path / "out/manifest.json"
    manifest = json.loads(file.read_text())
    assert load_weights(tmp_path / "out").manifest.metrics["stopped"] == "steps"
    manifest["metrics"]["stopped"] = stopped
    file.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=f"did not come to its end: {stopped} after step {STEPS}"):
        load_weights(tmp_path / "out")


def test_finished_weights_of_an_earlier_version_are_searched_with_and_left_alone(train: Train, tmp_path: Path) -> None:
    out = tmp_path / "out"
    train(out)
    for path in [*out.glob("state-*/*"), *out.glob("state-*"), out / "latest.json"]:
        path.rmdir() if path.is_dir() else path.unlink()
    before = {path: path.read_bytes() for path in out.iterdir()}
    load_weights(out)
    train(out, resume=True)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    with pytest.raises(InputError, match="without the state of its training"):
        train(out, resume=True, epochs=6.0, warm_restart=True)


def test_a_longer_training_is_a_warm_restart_and_has_to_be_called_so(train: Train, tmp_path: Path) -> None:
    # The learning rate has fallen to 0, and would rise to half of its height unasked.
    out = tmp_path / "out"
    train(out)
    with pytest.raises(UsageError, match=r"--metamath-ranker-epochs: .*it would rise again: .*-warm-restart"):
        train(out, resume=True, epochs=8.0)
    assert load_weights(out).manifest.metrics["steps"] == STEPS
    train(out, resume=True, epochs=8.0, warm_restart=True)
    assert load_weights(out).manifest.metrics["steps"] == 50


@pytest.mark.parametrize(("option", "value"), [("width", 16), ("learning_rate", 0.5), ("negatives", 4), ("seed", 3)])
def test_what_is_trained_may_not_change(train: Train, tmp_path: Path, option: str, value: object) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "out", report=Stop(3, "told"))
    with pytest.raises(UsageError, match=f"--(metamath-ranker-)?{option.replace('_', '-')}: .*trained with"):
        train(tmp_path / "out", resume=True, **{option: value})


def test_it_conforms(builder: SampleBuilder) -> None:
    report = check_trainer(make_trainer, QUICK, builder=builder)
    assert report.names("skipped") == ["the checkpoint can be used", "refuses what teaches nothing"]
