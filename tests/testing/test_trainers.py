"""The checks of trainers: a sound one passes, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conforming import failed
from pydantic import Field

from proofsearch.checkpoint import MANIFEST, Manifest, write_manifest
from proofsearch.config import ComponentConfig
from proofsearch.errors import InputError, UsageError
from proofsearch.guards import Owner, guarded
from proofsearch.protocols import Builder, Demonstrates, TrainingReport, TrainingRequest
from proofsearch.testing import CountdownConfig, CountdownEnvironment, SampleBuilder, check_trainer, record
from proofsearch.testing.training_case import _Trained
from proofsearch.trajectory.labels import POSITIVE
from proofsearch.trajectory.reader import read_searches
from proofsearch.types import Theorem


class Config(ComponentConfig):
    steps: int = Field(default=6, ge=1, description="Steps.")
    library: bool = Field(default=False, description="Learn from the library, not from searches.")

    @property
    def needs_trajectories(self) -> bool:
        return not self.library


class Sound:
    """Learns the mean length of states that a proof leads through, by steps towards it; saves after each."""

    file = "mean.json"

    def __init__(self, config: Config, builder: Builder) -> None:
        self.config, self.builder = config, builder

    def train(self, request: TrainingRequest) -> Path:
        if request.resume and (request.out / MANIFEST).exists():
            return request.out
        mean = self.target(request)
        state = self.saved(request)
        while state["step"] < self.config.steps:
            state = {"step": state["step"] + 1, "mean": state["mean"] + (mean - state["mean"]) / 2}
            self.save(request, state)
            self.report(request, state["step"], mean / state["step"])
        return self.finish(request)

    def target(self, request: TrainingRequest) -> float:
        lengths = list(self.lengths(request))
        if not lengths:
            raise InputError("no search found a proof: there is nothing to learn from")
        return sum(lengths) / len(lengths)

    def lengths(self, request: TrainingRequest) -> Iterable[int]:
        if self.config.library:
            environment = self.builder.environment()
            assert isinstance(environment, Demonstrates)
            yield from (len(step.state.text) for step in environment.demonstrations(self.theorems()))
            return
        for search in read_searches(request.trajectories):
            if self.wanted(search.theorem):
                labelled = zip(search.text, search.labels.label, strict=True)
                yield from (len(text) for text, label in labelled if label == POSITIVE)

    def theorems(self) -> Sequence[Theorem]:
        return [theorem for theorem in self.builder.environment().theorems() if self.wanted(theorem)]

    def wanted(self, theorem: Theorem) -> bool:
        return theorem.split != "test"

    def saved(self, request: TrainingRequest) -> dict[str, Any]:
        file = request.out / self.file
        state: dict[str, Any] = json.loads(file.read_text()) if request.resume and file.exists() else {}
        return {"step": 0, "mean": 0.0} | state

    def save(self, request: TrainingRequest, state: dict[str, Any]) -> None:
        (request.out / self.file).write_text(json.dumps(state))

    def report(self, request: TrainingRequest, step: int, loss: float) -> None:
        request.report(TrainingReport(step, self.config.steps, {"loss": loss, "rank": float("nan")}, ["a step"]))

    def finish(self, request: TrainingRequest) -> Path:
        write_manifest(request.out, Manifest("scorer", "mean"), [self.file])
        return request.out


class Refuses(Sound):
    def check(self, request: TrainingRequest) -> None:
        if not request.resume:
            raise UsageError("no")


class MakesRoom(Sound):
    def check(self, request: TrainingRequest) -> None:
        request.out.mkdir(exist_ok=True)


class SpeaksFirst(Sound):
    def check(self, request: TrainingRequest) -> None:
        request.report(TrainingReport(0, 1))


class Notes(Sound):
    def check(self, request: TrainingRequest) -> None:
        if request.resume:
            (request.out / "asked").touch()


class Looks(Sound):
    def check(self, request: TrainingRequest) -> None:
        assert not request.trajectories


class Elsewhere(Sound):
    def finish(self, request: TrainingRequest) -> Path:
        return super().finish(request) / self.file


class Nothing(Sound):
    """Leaves no manifest where it begins anew."""

    def finish(self, request: TrainingRequest) -> Path:
        return request.out


class OddKind(Sound):
    def finish(self, request: TrainingRequest) -> Path:
        write_manifest(request.out, Manifest("value function", "mean"), [self.file])
        return request.out


class Unhashed(Sound):
    """Changes a file after its hash was written down."""

    def finish(self, request: TrainingRequest) -> Path:
        out = super().finish(request)
        (out / self.file).write_text("{}")
        return out


class TidiesUp(Sound):
    def finish(self, request: TrainingRequest) -> Path:
        (request.out / "train.toml").unlink(missing_ok=True)
        return super().finish(request)


class TakesAll(Sound):
    def finish(self, request: TrainingRequest) -> Path:
        files = [path.name for path in request.out.iterdir() if path.name != MANIFEST]
        write_manifest(request.out, Manifest("scorer", "mean"), files)
        return request.out


class Silent(Sound):
    def report(self, request: TrainingRequest, step: int, loss: float) -> None:
        pass


class Overshoots(Sound):
    def report(self, request: TrainingRequest, step: int, loss: float) -> None:
        request.report(TrainingReport(step, 4, {"loss": loss}))


class OneString(Sound):
    def report(self, request: TrainingRequest, step: int, loss: float) -> None:
        request.report(TrainingReport(step, self.config.steps, {"loss": loss}, "a step"))


class NeedsBeginning(Sound):
    def saved(self, request: TrainingRequest) -> dict[str, Any]:
        if request.resume:
            json.loads((request.out / self.file).read_text())
        return super().saved(request)


class Unseeded(Sound):
    count = itertools.count()

    def report(self, request: TrainingRequest, step: int, loss: float) -> None:
        super().report(request, step, loss + next(Unseeded.count))


class TrainsAgain(Sound):
    def train(self, request: TrainingRequest) -> Path:
        (request.out / MANIFEST).unlink(missing_ok=True)
        if request.resume and json.loads(self.text(request)).get("step") == self.config.steps:
            (request.out / self.file).unlink()
        return super().train(request)

    def text(self, request: TrainingRequest) -> str:
        file = request.out / self.file
        return file.read_text() if file.exists() else "{}"


class GoesOn(Sound):
    def report(self, request: TrainingRequest, step: int, loss: float) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            super().report(request, step, loss)


class StartsOver(Sound):
    """Saves nothing before the end."""

    def save(self, request: TrainingRequest, state: dict[str, Any]) -> None:
        if state["step"] == self.config.steps:
            super().save(request, state)


class Forgets(Sound):
    """Goes on with another loss than it would have had."""

    def report(self, request: TrainingRequest, step: int, loss: float) -> None:
        super().report(request, step, 2 * loss if request.resume and (request.out / "stopped").exists() else loss)
        if step < self.config.steps and not request.resume:
            (request.out / "stopped").touch()

    def finish(self, request: TrainingRequest) -> Path:
        if not request.resume:
            (request.out / "stopped").unlink()
        return super().finish(request)


class Premature(Sound):
    """Writes the manifest before the end, and goes on from what is there all the same."""

    def train(self, request: TrainingRequest) -> Path:
        whole = json.loads(TrainsAgain.text(self, request)).get("step") == self.config.steps  # type: ignore[arg-type]
        if request.resume and not whole:
            (request.out / MANIFEST).unlink(missing_ok=True)
        return super().train(request)

    def save(self, request: TrainingRequest, state: dict[str, Any]) -> None:
        super().save(request, state)
        self.finish(request)


class ReadsTest(Sound):
    """Learns from searches of the test as well, except where there are no others."""

    def lengths(self, request: TrainingRequest) -> Iterable[int]:
        if not list(super().lengths(request)):
            return []
        self.wanted = lambda theorem: True  # type: ignore[method-assign]
        return list(super().lengths(request))


class Unbothered(Sound):
    """Trains on nothing."""

    def target(self, request: TrainingRequest) -> float:
        try:
            return super().target(request)
        except InputError:
            return 0.0


def test_a_sound_trainer_passes() -> None:
    def use(folder: Path, manifest: Manifest) -> str:
        return f"{manifest.name}: {json.loads((folder / Sound.file).read_text())['step']} steps"

    report = check_trainer(Looks, Config(), use=use)
    assert report.names("skipped") == report.names("failed") == []
    messages = {result.name: result.message for result in report.results}
    assert messages["the checkpoint can be used"] == "mean: 6 steps"
    assert messages["cancellation"] == "stopped at step 3 of 6"
    report = check_trainer(Sound, Config(library=True))
    assert report.names("skipped") == [
        "looks at its options beforehand",
        "the checkpoint can be used",
        "refuses what teaches nothing",
    ]


@pytest.mark.parametrize(
    ("trainer", "check"),
    [
        (Refuses, "looks at its options beforehand"),
        (MakesRoom, "looks at its options beforehand"),
        (SpeaksFirst, "looks at its options beforehand"),
        (Notes, "looks at its options beforehand"),
        (Elsewhere, "a whole checkpoint"),
        (OddKind, "a whole checkpoint"),
        (Unhashed, "a whole checkpoint"),
        (TidiesUp, "leaves the settings alone"),
        (TakesAll, "leaves the settings alone"),
        (Silent, "reports its progress"),
        (Overshoots, "reports its progress"),
        (OneString, "reports its progress"),
        (NeedsBeginning, "resumes from nothing"),
        (Unseeded, "same seed same training"),
        (TrainsAgain, "a finished training is left alone"),
        (GoesOn, "cancellation"),
        (StartsOver, "cancellation"),
        (Premature, "cancellation"),
        (Forgets, "resumed is uninterrupted"),
        (ReadsTest, "learns nothing from the test split"),
        (Unbothered, "refuses what teaches nothing"),
    ],
)
def test_a_broken_trainer_fails_that_check_alone(trainer: type[Sound], check: str) -> None:
    assert failed(check_trainer, trainer, Config()) == [check]


def test_what_it_learns_from_the_librarys_test_theorems_is_found() -> None:
    assert failed(check_trainer, ReadsTest, Config(library=True)) == ["learns nothing from the test split"]


def test_a_checkpoint_that_its_component_cannot_use_is_found() -> None:
    def use(folder: Path, manifest: Manifest) -> None:
        raise KeyError("weights")

    assert failed(check_trainer, Sound, Config(), use=use) == ["the checkpoint can be used"]


def test_recorded_searches_that_are_given_are_taken(tmp_path: Path) -> None:
    environment = CountdownEnvironment(CountdownConfig(size=20))
    path = record(environment, environment.theorems(), tmp_path / "some.parquet")
    searches = list(read_searches([path]))
    assert {search.theorem.split for search in searches} == {"train", "validation", "test"}
    assert all(search.proved for search in searches)
    assert any(POSITIVE in search.labels.label for search in searches)
    # An environment from which none could be recorded.
    with SampleBuilder(SimpleNamespace()) as builder:  # type: ignore[arg-type]
        assert check_trainer(Sound, Config(), builder=builder, trajectories=[path]).conforms
    with pytest.raises(UsageError, match="demonstrates no proofs"):
        record(SimpleNamespace(), [], tmp_path / "none.parquet")  # type: ignore[arg-type]


def test_an_environment_without_its_test_split_is_of_the_same_class_behind_a_guard_too() -> None:
    """Catches a trainer for one prover alone that refuses the checks as another prover's."""
    environment = CountdownEnvironment(CountdownConfig())
    owner = Owner("environment", "countdown", "builtins")
    assert isinstance(_Trained(environment), CountdownEnvironment)
    assert isinstance(_Trained(guarded(environment, owner)), CountdownEnvironment)
