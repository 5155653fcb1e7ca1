"""Components of every kind that do one thing wrong, as their option ``fault`` says: ``method:what``.

What belongs to one theorem goes wrong for :data:`VICTIM` alone. All else is that of the test prover.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fakeprover import FakeConfig, FakeEnvironment, FakeGenerator, SmallScorer
from faketrainer import ShownEnvironment
from pydantic import Field

from proofsearch import Advanced, Candidate, State, Theorem, hookimpl
from proofsearch.builtins.local.executor import LocalConfig, LocalExecutor
from proofsearch.checkpoint import Manifest, write_manifest
from proofsearch.config import ComponentConfig
from proofsearch.plugins.hookspecs import Register
from proofsearch.protocols import Builder, Calibration, ScoreRequest, TrainingRequest
from proofsearch.types import ProofState

VICTIM = "reach-2"

WORDS = "it is broken,\nin two lines"


class OddError(BaseException):
    """Neither an ``Exception`` nor anything that Python knows."""


class OddInterrupt(KeyboardInterrupt):
    """Nobody's Ctrl-C."""


class FaultConfig(ComponentConfig):
    """Options of what has no others."""

    fault: str = Field(default="", description="Method and what it does wrong.")


class EnvironmentConfig(FakeConfig):
    """Options of the environment."""

    fault: str = Field(default="", description="Method and what it does wrong.")


class ExecutorConfig(LocalConfig):
    """Options of the executor."""

    fault: str = Field(default="", description="Method and what it does wrong.")


class ScorerConfig(FaultConfig):
    """Options of the scorer ``encoded``."""

    encoder: str = Field(default="odd", description="An encoder.")


def misdo(what: str, usual: Callable[[], Any]) -> Any:
    """Does something wrong in place of what is usual."""
    match what:
        case "raises":
            raise RuntimeError(WORDS)
        case "exits":
            raise SystemExit(3)
        case "odd":
            raise OddError(WORDS)
        case "interrupts":
            raise OddInterrupt
        case "ctrl-c":
            raise KeyboardInterrupt
        case "forks":
            found = usual()
            os.fork()
            return found
        case "none":
            return None
        case "dict":
            return {"wrong": 1}
        case "number":
            return 7
        case "short":
            return list(usual())[:-1]
        case "empty":
            return []
        case "empties":
            return [[] for _ in usual()]
        case "texts":
            return ["wrong" for _ in usual()]
        case "nan":
            return [math.nan for _ in usual()]
        case "nans":
            return usual() * math.nan
        case "tuples":
            return [[("dec", -1.0)] for _ in usual()]
        case "bytes":
            return [[Candidate(b"dec", -1.0)] for _ in usual()]  # type: ignore[arg-type]
        case "nan-logprob":
            return [[Candidate("dec", math.nan)] for _ in usual()]
        case "inf-logprob":
            return [[Candidate("dec", -math.inf)] for _ in usual()]
        case "number-of-tokens":
            return [[Candidate("dec", -1.0, None)] for _ in usual()]  # type: ignore[arg-type]
        case "no-state":
            return Advanced(None)  # type: ignore[arg-type]
        case "bare-state":
            return Advanced(State(None, ()))  # type: ignore[arg-type]
        case "nan-calibration":
            return Calibration(math.nan, 1.0, 0.0, 1.0, 0.5)
    raise AssertionError(what)


class Faulty:
    """Something with one method, or property, that does something wrong."""

    def __init__(self, original: Any, fault: str, victims: Callable[[tuple[Any, ...]], bool] = lambda given: True):
        self.original_part, self.victims = original, victims
        self.method, _, self.what = fault.partition(":")

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.original_part, name)
        if name != self.method:
            return value
        if not callable(value):
            return misdo(self.what, lambda: value)

        def wrong(*given: Any) -> Any:
            return misdo(self.what, lambda: value(*given)) if self.victims(given) else value(*given)

        return wrong


class FaultyEnvironment:
    """An environment; what belongs to a session or to moves is wrong in the sessions that it opens."""

    def __init__(self, original: Any, fault: str) -> None:
        self.original_part, self.fault = Faulty(original, fault, _is_victim), fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original_part, name)

    def open(self, theorem: Theorem) -> Any:
        if self.fault.startswith("open:"):
            return self.original_part.open(theorem)
        session = self.original_part.open(theorem)
        fault = self.fault if theorem.name == VICTIM else ""
        return Faulty(Listing(session, fault.removeprefix("session.")), fault.removeprefix("session."))


class Listing:
    """A session that lists its moves, and takes no state apart."""

    def __init__(self, original: Any, fault: str) -> None:
        self.initial, self.step, self._close, self.fault = original.initial, original.step, original.close, fault

    def close(self) -> None:
        self._close()

    def moves(self, state: ProofState) -> Any:
        return Faulty(self, self.fault)

    def listed(self) -> Sequence[str]:
        return ["dec", "half", "bad"]

    def admits(self, tactic: str) -> bool:
        return True

    def admitted(self, tactics: Iterable[str], n: int) -> list[int]:
        return [place for place, _ in zip(range(n), tactics, strict=False)]

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        return [state]


def _is_victim(given: tuple[Any, ...]) -> bool:
    """Whether a call is about the victim, or about no theorem."""
    first = given[0] if given else None
    if isinstance(first, list | tuple) and first:
        first = getattr(first[0], "theorem", first[0])
    return getattr(first, "name", VICTIM) == VICTIM


class Counting:
    """A generator that asks for the moves of each state."""

    def __init__(self) -> None:
        self.original_part = FakeGenerator()

    def generate(self, requests: Any, n: int) -> Any:
        for request in requests:
            if request.moves is not None:
                listed = request.moves.listed()
                assert request.moves.admits(listed[0])
                assert request.moves.admitted(iter(listed), 2) == [0, 1]
        return self.original_part.generate(requests, n)

    def prepare(self) -> None:
        pass

    def close(self) -> None:
        pass


class Calibrating(SmallScorer):
    """A scorer with every ability."""

    follows_paths = True

    def calibration(self) -> Calibration:
        return Calibration(-10.0, 5.0, -3.0, 2.0, 0.5)

    def prepare(self) -> None:
        pass


class Encoder:
    """One column, the state's number."""

    width = 1

    def encode(self, states: Sequence[ProofState]) -> Any:
        import numpy as np

        return np.array([[float(state.text.split()[0])] for state in states], np.float32)

    def fingerprint(self) -> str:
        return "odd"

    def close(self) -> None:
        pass


class Encoded:
    """A scorer by an encoder."""

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder
        assert encoder.width == 1
        assert encoder.fingerprint() == "odd"

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        return [-float(row[0]) for row in self.encoder.encode([request.state for request in requests])]

    def close(self) -> None:
        pass


class Trainer:
    """Asks a loss, if it is given a builder, and writes a checkpoint of nothing."""

    def __init__(self, builder: Builder | None = None) -> None:
        self.builder = builder

    def train(self, request: TrainingRequest) -> Path:
        assert self.builder is None or self.builder.loss("odd")(0, 0) == 0.0
        write_manifest(request.out, Manifest("scorer", "odd"), [])
        return request.out


class Executor(LocalExecutor):
    """The local one, with results that can be tampered with."""

    def run(self, *given: Any) -> Iterator[Any]:
        return super().run(*given)


def made(build: Callable[[Any, Builder], Any], *, faulty: Callable[[Any, str], Any] | None = None) -> Any:
    """A factory that goes wrong itself, or makes something that does."""

    def make(config: Any, builder: Builder) -> Any:
        if config.fault.startswith("factory:"):
            return misdo(config.fault.partition(":")[2], lambda: build(config, builder))
        original = build(config, builder)
        if faulty is not None:
            return faulty(original, config.fault)
        return Faulty(original, config.fault, _is_victim) if config.fault else original

    return make


@hookimpl
def register_environments(register: Register) -> None:
    def build(config: EnvironmentConfig, builder: Builder) -> FakeEnvironment:
        return ShownEnvironment(config, builder)

    register("odd", made(build, faulty=FaultyEnvironment), config=EnvironmentConfig)


@hookimpl
def register_generators(register: Register) -> None:
    register("odd", made(lambda config, builder: Counting()), config=FaultConfig)


@hookimpl
def register_scorers(register: Register) -> None:
    register("odd", made(lambda config, builder: Calibrating()), config=FaultConfig)
    register("encoded", lambda config, builder: Encoded(builder.encoder("odd")), config=ScorerConfig)


@hookimpl
def register_encoders(register: Register) -> None:
    register("odd", made(lambda config, builder: Encoder()), config=FaultConfig)


@hookimpl
def register_losses(register: Register) -> None:
    def build(config: FaultConfig, builder: Builder) -> Any:
        def loss(energies: Any, batch: Any) -> Any:
            return misdo(config.fault.partition(":")[2], lambda: 0.0) if config.fault else 0.0

        return loss

    register("odd", made(build, faulty=lambda original, fault: original), config=FaultConfig)


@hookimpl
def register_trainers(register: Register) -> None:
    register("odd", made(lambda config, builder: Trainer()), config=FaultConfig)
    register("asking", lambda config, builder: Trainer(builder))


@hookimpl
def register_executors(register: Register) -> None:
    register("odd", made(lambda config, builder: Executor(config, builder.execution)), config=ExecutorConfig)
