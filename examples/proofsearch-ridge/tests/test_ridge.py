"""The scorer and its trainer against their contracts, and the regression against what it should find."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from proofsearch_ridge.config import RidgeConfig, RidgeTrainerConfig
from proofsearch_ridge.features import NAMES, features
from proofsearch_ridge.model import Ridge
from proofsearch_ridge.plugin import make_scorer, make_trainer
from proofsearch_ridge.scorer import RidgeScorer
from proofsearch_ridge.trainer import MODEL, PROGRESS, RidgeTrainer

from proofsearch import Goal, State, Theorem
from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest, write_manifest
from proofsearch.errors import InputError
from proofsearch.protocols import ScoreRequest, TrainingReport, TrainingRequest
from proofsearch.testing import CountdownConfig, CountdownEnvironment, check_scorer, check_trainer, record


@pytest.fixture(scope="module")
def searches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    environment = CountdownEnvironment(CountdownConfig(size=40))
    return record(environment, environment.theorems(), tmp_path_factory.mktemp("searches") / "searches.parquet")


@pytest.fixture
def checkpoint(searches: Path, tmp_path: Path) -> Path:
    return trained([searches], tmp_path / "checkpoint")


def trained(searches: list[Path], out: Path, seed: int = 0, **options: int) -> Path:
    out.mkdir()
    return RidgeTrainer(RidgeTrainerConfig(**options)).train(TrainingRequest(searches, out, seed))


def value(path: Path, *goals: str, caution: float = 0.0) -> float:
    state = State(" ; ".join(goals), tuple(map(Goal, goals)))
    request = ScoreRequest(Theorem("t", ""), state, 0, 0.0, 1)
    (found,) = RidgeScorer(RidgeConfig(path=path, caution=caution)).score([request])
    assert found is not None
    return found


# -------------------------------------------------------------------------------------------------- the contracts


def test_the_trainer_conforms_and_so_does_what_reads_its_checkpoints() -> None:
    def use(folder: Path, manifest: Manifest) -> None:
        assert (manifest.kind, manifest.name) == ("scorer", "ridge")
        check_scorer(make_scorer, RidgeConfig(path=folder, caution=0.5))

    check_trainer(make_trainer, RidgeTrainerConfig(), use=use)


# -------------------------------------------------------------------------------------------------- the regression


def test_it_finds_a_line_and_shrinks_it_under_a_penalty() -> None:
    numbers = np.random.default_rng(0)
    rows = numbers.normal(size=(500, 3)) * [1.0, 10.0, 0.1] + [5.0, 0.0, -3.0]
    targets = rows @ [2.0, -0.3, 4.0] + 7.0 + numbers.normal(scale=0.01, size=500)
    found = Ridge.fit(rows, targets, 1e-6)
    assert found.weights / found.scales == pytest.approx([2.0, -0.3, 4.0], abs=0.05)
    assert found.expected(rows) == pytest.approx(targets, abs=0.05)
    assert np.linalg.norm(Ridge.fit(rows, targets, 1e3).weights) < 0.5 * np.linalg.norm(found.weights)


def test_it_is_less_sure_of_what_is_unlike_anything_it_has_seen() -> None:
    numbers = np.random.default_rng(0)
    rows = numbers.normal(size=(100, 2))
    found = Ridge.fit(rows, rows[:, 0] + numbers.normal(size=100), 1.0)
    near, far = found.deviations(np.array([[0.0, 0.0], [10.0, -10.0]]))
    assert far > 5 * near
    # About as large as the error of a mean of 100.
    assert near == pytest.approx(0.1, rel=0.2)


def test_a_column_that_never_changed_changes_nothing() -> None:
    rows = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    found = Ridge.fit(rows, np.array([1.0, 2.0, 3.0]), 1e-6)
    assert found.expected(rows) == pytest.approx([1.0, 2.0, 3.0], abs=1e-3)
    assert found.weights[1] == 0.0


def test_each_column_is_what_it_is_called() -> None:
    one, two = "a b a c", "b"
    (row,) = features([State(f"{one} ; {two}", (Goal(one), Goal(two)))])
    expected = [2, np.log(3), np.log(6), np.log(5) + np.log(2), np.log(5), np.log(4)]
    assert dict(zip(NAMES, row, strict=True)) == pytest.approx(dict(zip(NAMES, expected, strict=True)))


# ------------------------------------------------------------------------------------------- checkpoints and options


def test_caution_takes_deviations_off_the_value(checkpoint: Path) -> None:
    goal = "a goal unlike any that is known to it " * 20
    plain, careful, anxious = (value(checkpoint, goal, caution=caution) for caution in (0.0, 1.0, 2.0))
    assert plain > careful > anxious
    assert plain - careful == pytest.approx(careful - anxious)


def test_the_penalty_is_the_one_with_the_least_error(searches: Path, tmp_path: Path) -> None:
    reports: list[TrainingReport] = []
    (tmp_path / "out").mkdir()
    RidgeTrainer(RidgeTrainerConfig(penalties=6)).train(
        TrainingRequest([searches], tmp_path / "out", report=reports.append)
    )
    losses = [report.metrics["loss"] for report in reports]
    assert len(losses) == 6
    metrics = read_manifest(tmp_path / "out").metrics
    assert metrics["squared error"] == min(losses)
    assert metrics["penalty"] == pytest.approx(0.01 * 10 ** int(np.argmin(losses)))
    assert not (tmp_path / "out" / PROGRESS).exists()


@pytest.mark.parametrize(("option", "other"), [("folds", 2), ("penalties", 1)])
def test_options_of_the_trainer_act(option: str, other: int, searches: Path, tmp_path: Path) -> None:
    one = read_manifest(trained([searches], tmp_path / "one")).metrics
    two = read_manifest(trained([searches], tmp_path / "two", **{option: other})).metrics
    assert one["squared error"] != two["squared error"]


def test_a_theorems_states_are_in_one_part(searches: Path, tmp_path: Path) -> None:
    """Two theorems and many folds: each is measured by what the other teaches, whatever the number of folds."""
    environment = CountdownEnvironment(CountdownConfig(size=40))
    learnt = [theorem for theorem in environment.theorems() if theorem.split != "test"]
    two = record(environment, learnt[-2:], tmp_path / "two.parquet")
    errors = {
        folds: read_manifest(trained([two], tmp_path / str(folds), folds=folds)).metrics["squared error"]
        for folds in (2, 50)
    }
    assert errors[2] == errors[50]


def test_one_theorem_is_too_little(tmp_path: Path) -> None:
    environment = CountdownEnvironment(CountdownConfig(size=40))
    learnt = [theorem for theorem in environment.theorems() if theorem.split != "test"]
    one = record(environment, learnt[-1:], tmp_path / "one.parquet")
    with pytest.raises(InputError, match=r"one\.parquet: found proofs of 1 theorems .*expected at least 2"):
        trained([one], tmp_path / "out")


def test_a_checkpoint_of_other_features_is_refused(checkpoint: Path) -> None:
    manifest = Manifest("scorer", "ridge", fingerprints={"features": "moons"})
    write_manifest(checkpoint, manifest, [MODEL])
    with pytest.raises(InputError, match="was trained on the features 'moons'"):
        RidgeScorer(RidgeConfig(path=checkpoint))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda values: values | {"weights": [1.0]}, "weights is no finite array of shape"),
        (lambda values: values | {"offset": float("nan")}, "offset is no finite array"),
        (lambda values: {"weights": values["weights"]}, "damaged: KeyError: 'means'"),
        (lambda values: [values], "damaged: TypeError"),
    ],
)
def test_a_damaged_model_is_named(checkpoint: Path, damage: object, message: str) -> None:
    file = checkpoint / MODEL
    file.write_text(json.dumps(damage(json.loads(file.read_text()))))  # type: ignore[operator]
    with pytest.raises(InputError, match="its SHA-256 is"):
        RidgeScorer(RidgeConfig(path=checkpoint))
    # Even where the manifest agrees: it says that nothing was changed since, not that it was right.
    write_manifest(checkpoint, Manifest("scorer", "ridge", fingerprints={"features": ", ".join(NAMES)}), [MODEL])
    with pytest.raises(InputError, match=message):
        RidgeScorer(RidgeConfig(path=checkpoint))


def test_what_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        RidgeScorer(RidgeConfig(path=tmp_path / "nowhere"))
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(InputError, match="damaged"):
        RidgeScorer(RidgeConfig(path=tmp_path))
