"""The prover of these tests: that of the conformance checks, with tactics that cheat, hang, die and take memory.

=============== ==================================================================================
``axiom``       closes everything; the check refuses it
``admit``       closes everything; the check accepts it, but goes only as far as ``kernel``
``unwritable``  closes everything; no proof can be written of it
``raise``       raises in the session
``die``         ends the process
``hang``        never comes back
``eat N``       takes that many megabytes, for good
``wait PATH``   is rejected as soon as there is such a file
``count``       is rejected, with the number of sessions that are open in the process
=============== ==================================================================================
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from proofsearch import Finished, Outcome, ProofState, Rejected, Theorem, Verdict, hookimpl
from proofsearch.errors import ProofError
from proofsearch.testing.countdown import CountdownConfig, CountdownEnvironment, CountdownSession

OPEN = 0
"""Sessions that are open in this process."""

EATEN: list[bytearray] = []


class Session(CountdownSession):
    def step(self, state: ProofState, tactic: str) -> Outcome:
        match tactic.split(" "):
            case ["axiom" | "admit" | "unwritable"]:
                return Finished()
            case ["raise"]:
                raise RuntimeError("the session is out of order")
            case ["die"]:
                os._exit(9)
            case ["hang"]:
                while True:
                    time.sleep(60)
            case ["eat", megabytes]:
                EATEN.append(bytearray(os.urandom(1_000_000) * int(megabytes)))
                return Rejected("eaten")
            case ["count"]:
                return Rejected(str(OPEN))
            case ["wait", path]:
                while not Path(path).exists():
                    time.sleep(0.001)
                return Rejected("waited")
        return super().step(state, tactic)

    def close(self) -> None:
        global OPEN
        OPEN -= 1


class Environment(CountdownEnvironment):
    def open(self, theorem: Theorem) -> CountdownSession:
        global OPEN
        OPEN += 1
        return Session(self._numbers[theorem.name], self._before(theorem))

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        if "unwritable" in tactics:
            raise ProofError(f"{theorem.name}: nothing can be written")
        return super().write_proof(theorem, tactics)

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        if proof.endswith(" admit\n"):
            return Verdict(proved=True, checker="lenient", tier="kernel")
        return super().verify(theorem, proof)


@hookimpl
def register_environments(register):  # type: ignore[no-untyped-def]
    register("rl-prover", lambda config, builder: Environment(config), config=CountdownConfig)
