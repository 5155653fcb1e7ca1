"""Plugins that print wherever they are called, and a prover whose names and messages a terminal would obey."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

import fakeprover

from proofsearch import Outcome, ProofState, Rejected, Theorem, hookimpl
from proofsearch.plugins.hookspecs import Register
from proofsearch.protocols import ScoreRequest

print("printed as it was imported")

EVIL = "evil\x1b[2J\x1b]0;owned\x07\r\u202e\nproved"
LONG = "l" + "o" * 5000 + "ng"


def say(what: str) -> None:
    """Prints as Python does, as a library written in C does, and as a program that is started does."""
    print(f"printed {what} ✓ ψ")
    os.write(1, f"printed {what}, by a library\n".encode())
    subprocess.run(["echo", "printed by a program"], check=True)


class LoudSession(fakeprover.FakeSession):
    def step(self, state_: ProofState, tactic: str) -> Outcome:
        say("in a step") if tactic == "bad" else None
        outcome = super().step(state_, tactic)
        return Rejected(f"{EVIL} {tactic}") if isinstance(outcome, Rejected) else outcome


class LoudEnvironment(fakeprover.FakeEnvironment):
    def __init__(self, config: fakeprover.FakeConfig, builder: fakeprover.Builder) -> None:
        super().__init__(config, builder)
        for name in (EVIL, LONG):
            self.known[name] = Theorem(name, f"6 is 0 {EVIL}", position=len(self.known), split="test")
        say("as it was made")

    def open(self, theorem: Theorem) -> fakeprover.FakeSession:
        say("as it was opened")
        return LoudSession(int(theorem.statement.split()[0]), theorem.name, 0)

    def close(self) -> None:
        say("as it was closed")


class LoudScorer(fakeprover.SmallScorer):
    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        say("as it scored")
        return super().score(requests)


class BrokenScorer(fakeprover.SmallScorer):
    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        raise ValueError(EVIL)


@hookimpl
def register_environments(register: Register) -> None:
    print("printed as it registered")
    register("loud", LoudEnvironment, config=fakeprover.FakeConfig, help="Numbers – ψ – to be brought to 0.")


@hookimpl
def register_scorers(register: Register) -> None:
    register("loud", lambda config, builder: LoudScorer(), help="Small numbers first → ψ.")
    register("broken", lambda config, builder: BrokenScorer(), help="Raises.")
