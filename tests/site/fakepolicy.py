"""A policy for tests that is trained: the generator ``guess``, and its trainer, which counts the trainings before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from proofsearch import Candidate, hookimpl
from proofsearch.checkpoint import Manifest, read_manifest, write_manifest
from proofsearch.config import ComponentConfig
from proofsearch.plugins.hookspecs import Register
from proofsearch.protocols import GenerationRequest, TrainingReport, TrainingRequest
from proofsearch.trajectory.reader import read_searches


class GuessConfig(ComponentConfig):
    """Options of the generator ``guess``."""

    path: Path | None = Field(default=None, description="The checkpoint; default: it has learnt nothing.")
    bold: bool = Field(default=False, description="An option of the generator alone.")


class Guess:
    """Untrained it only takes 1 off; trained it halves as well."""

    def __init__(self, config: GuessConfig) -> None:
        self.tactics = ["dec"]
        if config.path is not None:
            read_manifest(config.path, kind="generator", name="guess")
            self.tactics = ["half", "dec"]

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        found = [Candidate(tactic, -0.1 - 2.0 * place) for place, tactic in enumerate(self.tactics)]
        return [found[:n] for _ in requests]

    def close(self) -> None:
        pass


class GuessTrainerConfig(ComponentConfig):
    """Options of the trainer ``guess``."""

    start: Path | None = Field(default=None, description="A checkpoint to begin with.")
    steps: int = Field(default=2, description="Steps.")

    @property
    def needs_trajectories(self) -> bool:
        return False


class GuessTrainer:
    """Keeps what it was given."""

    def __init__(self, config: GuessTrainerConfig) -> None:
        self.config = config

    def train(self, request: TrainingRequest) -> Path:
        start = self.config.start
        begun = 0 if start is None else json.loads((start / "guess.json").read_text())["begun"]
        proved = sum(search.proved for search in read_searches(request.trajectories))
        kept = {"start": None if start is None else str(start), "begun": begun + 1, "proved": proved}
        (request.out / "guess.json").write_text(json.dumps(kept))
        request.report(TrainingReport(self.config.steps, self.config.steps))
        write_manifest(request.out, Manifest("generator", "guess", metrics={"proved": proved}), ["guess.json"])
        return request.out


@hookimpl
def register_generators(register: Register) -> None:
    register("guess", lambda config, builder: Guess(config), config=GuessConfig, help="Guesses, better once trained.")


@hookimpl
def register_trainers(register: Register) -> None:
    register("guess", lambda config, builder: GuessTrainer(config), config=GuessTrainerConfig, help="Trains guesses.")
