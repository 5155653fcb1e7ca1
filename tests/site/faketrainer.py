"""A small trainer for tests, with the scorer that reads its checkpoints and an environment that shows its proofs.

What it "learns" is how many searches it was given that were proved; it takes ``steps`` steps and saves after each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fakeprover import FakeConfig, FakeEnvironment, state
from pydantic import Field

from proofsearch import Demonstration, Theorem, hookimpl
from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest, write_manifest
from proofsearch.config import ComponentConfig
from proofsearch.errors import InputError
from proofsearch.plugins.hookspecs import Register
from proofsearch.protocols import Builder, ScoreRequest, TrainingReport, TrainingRequest
from proofsearch.trajectory.reader import read_searches


class ShownEnvironment(FakeEnvironment):
    """The test prover, with a library of proofs."""

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        for theorem in theorems:
            number = int(theorem.statement.split()[0])
            path = []
            while number:
                path.append((number, "dec" if number % 2 else "half"))
                number = number - 1 if number % 2 else number // 2
            for index, (here, tactic) in enumerate(path):
                yield Demonstration(theorem, state(here), tactic, len(path) - index)


class TallyConfig(ComponentConfig):
    """Options of the trainer ``tally``."""

    steps: int = Field(default=4, ge=0, description="Steps.")
    stop_at: int | None = Field(default=None, description="As if Ctrl-C were pressed at this step.")
    encoder: str = Field(default="hashed", description="Which encoder.")
    loss: tuple[str, ...] = Field(default=("plain:1",), description="A loss and its weight; repeatable.")
    delay: float = Field(default=0.5, description="Has the name of an option of the scorer, and another default.")
    needs: Path | None = Field(default=None, description="A file that has to be there.")
    small: float = Field(default=1.0, description="How much smaller numbers are preferred.")


class TallyTrainer:
    def __init__(self, config: TallyConfig, builder: Builder) -> None:
        self.config, self.builder = config, builder

    def check(self, request: TrainingRequest) -> None:
        if self.config.needs is not None and not self.config.needs.exists():
            raise InputError(f"--tally-needs {self.config.needs}: no such file")

    def train(self, request: TrainingRequest) -> Path:
        self.check(request)
        config, file = self.config, request.out / "tally.json"
        searches = list(read_searches(request.trajectories))
        if not any(search.proved for search in searches):
            raise InputError(f"{request.trajectories[0]}: no search found a proof; there is nothing to learn from")
        losses = {name.partition(":")[0]: name.partition(":")[2] for name in config.loss}
        saved: dict[str, Any] = {"step": 0, "starts": []}
        if request.resume and file.exists():
            saved = json.loads(file.read_text())
        if request.resume and saved["step"] >= config.steps and (request.out / MANIFEST).exists():
            return request.out
        saved["starts"].append(saved["step"])
        while saved["step"] < config.steps:
            if saved["step"] == config.stop_at:
                raise KeyboardInterrupt
            saved["step"] += 1
            saved |= {
                "searches": sorted(search.theorem.name for search in searches),
                "proved": sum(search.proved for search in searches),
                "width": self.builder.encoder(config.encoder).width,
                "losses": {name: [weight, self.builder.loss(name)(0, 0)] for name, weight in losses.items()},
                "seed": request.seed,
                "small": config.small,
            }
            file.write_text(json.dumps(saved))
            metrics = {"loss": 1.0 / saved["step"], "gap": 0.5, "rank": float("nan"), "hidden": 1.0}
            messages = ["the energies collapse"] if saved["step"] == 2 else []
            request.report(TrainingReport(saved["step"], config.steps, metrics, messages))
        file.write_text(json.dumps(saved))
        metrics = {"steps": saved["step"], "proved": saved["proved"]}
        write_manifest(request.out, Manifest("scorer", "tally", metrics=metrics), ["tally.json"])
        return request.out


class TallyScorerConfig(ComponentConfig):
    """Options of the scorer ``tally``."""

    path: Path = Field(description="The checkpoint.")
    turn: bool = Field(default=False, description="Have large numbers first.")
    encoder: str | None = Field(default=None, description="An encoder; default: the checkpoint's.")
    delay: int = Field(default=3, description="Has the name of an option of the trainer, and another default.")


class TallyScorer:
    """Small numbers first, by as much as was learnt."""

    def __init__(self, config: TallyScorerConfig) -> None:
        read_manifest(config.path, kind="scorer", name="tally")
        small = json.loads((config.path / "tally.json").read_text())["small"]
        self.factor = -small if config.turn else small

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        return [-self.factor * float(request.state.text.split()[0]) for request in requests]

    def close(self) -> None:
        pass


class PlainConfig(ComponentConfig):
    """Options of the loss ``plain``."""

    margin: float = Field(default=1.0, description="What it returns.")


class IdleTrainer:
    """Writes nothing."""

    def train(self, request: TrainingRequest) -> Path:
        return request.out


class ReaderConfig(ComponentConfig):
    """Options of the trainer ``reader``."""

    searches: bool = Field(default=False, description="Learn from recorded searches, not from the library.")

    @property
    def needs_trajectories(self) -> bool:
        return self.searches


class ReaderTrainer:
    """Learns from the library's proofs; keeps what it was given."""

    def train(self, request: TrainingRequest) -> Path:
        (request.out / "reader.json").write_text(json.dumps([str(path) for path in request.trajectories]))
        write_manifest(request.out, Manifest("generator", "reader"), ["reader.json"])
        return request.out


@hookimpl
def register_environments(register: Register) -> None:
    register("shown", ShownEnvironment, config=FakeConfig, help="Numbers to be brought to 0, with proofs.")


@hookimpl
def register_scorers(register: Register) -> None:
    register("tally", lambda config, builder: TallyScorer(config), config=TallyScorerConfig, help="Reads tallies.")


@hookimpl
def register_losses(register: Register) -> None:
    register("plain", lambda config, builder: lambda energies, batch: config.margin, config=PlainConfig)
    register("other", lambda config, builder: lambda energies, batch: -1.0)


@hookimpl
def register_trainers(register: Register) -> None:
    register("tally", TallyTrainer, config=TallyConfig, help="Counts proofs.")
    register("reader", lambda config, builder: ReaderTrainer(), config=ReaderConfig, help="Learns from the library.")
    register("idle", lambda config, builder: IdleTrainer(), help="Does nothing.")
