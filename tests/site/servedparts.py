"""A plugin with models that are shared: a policy that asks about moves, and an encoder; what is called is noted.

Each call adds a line to the file that the option names: the process, the component, how many states.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from proofsearch import Candidate, ProofState, hookimpl
from proofsearch.config import ComponentConfig
from proofsearch.errors import PluginError
from proofsearch.plugins.hookspecs import Register
from proofsearch.protocols import Builder, Encoder, GenerationRequest, PolicyStatistics, ScoreRequest
from proofsearch.testing.countdown import CountdownConfig, make_countdown


class NotedConfig(ComponentConfig):
    """Options of the models."""

    notes: Path | None = Field(default=None, description="Gets a line a call.")
    kill: Path | None = Field(
        default=None, description="A file; while there is none, the tenth call makes it and dies."
    )
    fail: str = Field(default="", description="A statement at which the policy raises.")


class Noted:
    """Notes its calls."""

    def __init__(self, config: NotedConfig, name: str) -> None:
        self.config, self.name = config, name
        self._calls = 0

    def note(self, size: int) -> None:
        """Adds a line, all at once as several processes may."""
        self._calls += 1
        if self.config.notes is not None:
            with self.config.notes.open("a") as file:
                file.write(f"{os.getpid()} {self.name} {size}\n")
        if self.config.kill is not None and self._calls == 10 and not self.config.kill.exists():
            self.config.kill.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def close(self) -> None:
        """Notes that as well."""
        self.note(0)


class Policy(Noted):
    """Suggests what applies, half a nat less likely each."""

    def prepare(self) -> None:
        """Notes that it was asked to."""
        if self.config.notes is not None:
            with self.config.notes.open("a") as file:
                file.write(f"{os.getpid()} prepared 0\n")

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """What the moves admit."""
        self.note(len(requests))
        return [self._candidates(request, n) for request in requests]

    def _candidates(self, request: GenerationRequest, n: int) -> list[Candidate]:
        if request.theorem.statement == self.config.fail:
            raise PluginError(f"refused: {request.state.text}")
        assert request.moves is not None
        fitting = [tactic for tactic in request.moves.listed() if request.moves.admits(tactic)]
        return [Candidate(tactic, -0.5 * (place + 1)) for place, tactic in enumerate(fitting[:n])]

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        """How many goals are open."""
        return [PolicyStatistics(moves=float(len(request.state.goals))) for request in requests]


class Vectors(Noted):
    """The first number of a state, and 1."""

    width = 2

    def encode(self, states: Sequence[ProofState]) -> Any:
        """Shape ``(len(states), 2)``."""
        self.note(len(states))
        return np.array([[float(state.text.split()[0]), 1.0] for state in states], np.float32)

    def fingerprint(self) -> str:
        """Always the same."""
        return "vectors-1"


class Value:
    """Not shared; asks the shared encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """The smaller the better."""
        return [-float(row[0]) for row in self._encoder.encode([request.state for request in requests])]

    def close(self) -> None:
        """Nothing."""


class ValueConfig(ComponentConfig):
    """Options of the value."""

    encoder: str = Field(default="served", description="What it asks.")


@hookimpl
def register_environments(register: Register) -> None:
    """Registers a prover that enumerates moves."""
    register("served-countdown", make_countdown, config=CountdownConfig)


@hookimpl
def register_generators(register: Register) -> None:
    """Registers the policy."""
    register("served", lambda config, builder: Policy(config, "policy"), config=NotedConfig, shared=True)


@hookimpl
def register_encoders(register: Register) -> None:
    """Registers the encoder."""

    def make(config: NotedConfig, builder: Builder) -> Vectors:
        return Vectors(config, "vectors")

    register("served", make, config=NotedConfig, shared=True)


@hookimpl
def register_scorers(register: Register) -> None:
    """Registers the value."""
    register("served-value", lambda config, builder: Value(builder.encoder(config.encoder)), config=ValueConfig)
