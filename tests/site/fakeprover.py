"""A small prover for tests, registered as any third-party plugin is.

A theorem is a number to be brought to 0: ``dec`` takes 1 off, ``half`` halves an even number, anything else is
rejected. Theorems named for it misbehave.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import Field

from proofsearch import (
    Advanced,
    Candidate,
    Finished,
    Goal,
    Outcome,
    ProofState,
    Rejected,
    State,
    Theorem,
    Unusable,
    Verdict,
    hookimpl,
)
from proofsearch.config import ComponentConfig
from proofsearch.errors import ProofError, UsageError
from proofsearch.plugins.hookspecs import Register
from proofsearch.protocols import Builder, GenerationRequest, ScoreRequest


class FakeConfig(ComponentConfig):
    """Options of the environment ``fake``."""

    size: int = Field(default=20, ge=0, description="How many theorems.")
    delay: float = Field(default=0.0, ge=0, description="Seconds a step.")
    misbehaving: bool = Field(default=False, description="Add theorems that crash and raise.")
    log: Path | None = Field(default=None, description="A file that gets a line a search begun.")
    hold: Path | None = Field(default=None, description="A file; while it is there, the last theorem isn't begun.")
    splits: bool = Field(default=True, description="Whether theorems are split.")
    offset: int = Field(default=3, description="Of the numbers.")
    refuse: bool = Field(default=False, description="Have the checker refuse every proof.")


def state(number: int) -> State:
    return State(f"{number} is 0", (Goal(f"{number} is 0"),), number)


class FakeSession:
    def __init__(self, number: int, name: str, delay: float) -> None:
        self.number, self.name, self.delay = number, name, delay

    def initial(self) -> Outcome:
        if self.name == "crashes":
            os._exit(7)
        if self.name == "raises":
            raise RuntimeError("a bug in the prover")
        return Advanced(state(self.number))

    def step(self, state_: ProofState, tactic: str) -> Outcome:
        time.sleep(self.delay)
        assert isinstance(state_, State)
        number = state_.handle
        assert isinstance(number, int)
        if tactic == "half" and number % 2 == 0:
            number //= 2
        elif tactic == "dec":
            number -= 1
        else:
            return Rejected(f"{tactic!r} does not apply to {number}")
        return Advanced(state(number)) if number else Finished()

    def close(self) -> None:
        pass


class FakeEnvironment:
    proof_suffix = ".proof"

    def __init__(self, config: FakeConfig, builder: Builder) -> None:
        self.config, self.builder = config, builder
        splits = ["train", "validation", "test", "test"]
        names = [f"reach-{index}" for index in range(config.size)] + ["crashes", "raises"] * config.misbehaving
        self.known = {
            name: Theorem(
                name, f"{self.number(index)} is 0", position=index, split=splits[index % 4] if config.splits else ""
            )
            for index, name in enumerate(names)
        }

    def number(self, index: int) -> int:
        return index * 37 % 101 + self.config.offset

    def theorems(self) -> Sequence[Theorem]:
        return list(self.known.values())

    def theorem(self, name: str) -> Theorem:
        if name not in self.known:
            raise UsageError(f"no theorem {name!r} here")
        return self.known[name]

    def audit(self, theorems: Sequence[Theorem]) -> Iterator[Unusable]:
        yield Unusable("broken", "file:7", "it has\nno end")
        for theorem in theorems:
            if self.number(theorem.position or 0) > 90:
                yield Unusable(theorem.name, "file:1", "too far")

    def open(self, theorem: Theorem) -> FakeSession:
        if self.config.log is not None:
            with self.config.log.open("a") as log:
                log.write(f"{theorem.name}\n")
        while self.config.hold is not None and theorem.position == self.config.size - 1 and self.config.hold.exists():
            time.sleep(0.01)
        return FakeSession(int(theorem.statement.split()[0]), theorem.name, self.config.delay)

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        if not self._reaches(theorem, tactics):
            raise ProofError(f"{theorem.name}: the path does not finish")
        return "\n".join(tactics)

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        fine = not self.config.refuse and self._reaches(theorem, proof.split("\n"))
        return Verdict(fine, "fake checker 1", "" if fine else "does not reach 0")

    def _reaches(self, theorem: Theorem, tactics: Sequence[str]) -> bool:
        session = FakeSession(int(theorem.statement.split()[0]), "", 0)
        now = state(session.number)
        for index, tactic in enumerate(tactics):
            outcome = session.step(now, tactic)
            if isinstance(outcome, Finished):
                return index == len(tactics) - 1
            if not isinstance(outcome, Advanced):
                return False
            assert isinstance(outcome.state, State)
            now = outcome.state
        return False

    def fingerprint(self) -> Mapping[str, str]:
        return {"offset": str(self.config.offset)}

    def prepare(self) -> None:
        self.builder.status("counting to 2", 2, 2)

    def close(self) -> None:
        pass


class FakeGeneratorConfig(ComponentConfig):
    """Options of the generator ``fake``."""

    encoder: str | None = Field(default=None, description="An encoder to ask for.")


class FakeGenerator:
    """Three tactics; which is likelier depends on the request's seed."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        ranked = [("dec", "half", "bad"), ("half", "dec", "bad")]
        return [
            [Candidate(tactic, -0.5 * (place + 1)) for place, tactic in enumerate(ranked[request.seed % 2][:n])]
            for request in requests
        ]

    def close(self) -> None:
        pass


def make_generator(config: FakeGeneratorConfig, builder: Builder) -> FakeGenerator:
    if config.encoder:
        builder.encoder(config.encoder)
    return FakeGenerator()


class SmallScorer:
    """Small numbers first."""

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        return [-float(request.state.text.split()[0]) for request in requests]

    def close(self) -> None:
        pass


@hookimpl
def register_environments(register: Register) -> None:
    register("fake", FakeEnvironment, config=FakeConfig, help="Numbers to be brought to 0.")


@hookimpl
def register_generators(register: Register) -> None:
    register("fake", make_generator, config=FakeGeneratorConfig, help="dec or half.")


@hookimpl
def register_scorers(register: Register) -> None:
    register("small", lambda config, builder: SmallScorer(), help="Small numbers first.")
