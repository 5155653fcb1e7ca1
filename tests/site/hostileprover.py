"""A prover whose every text tries to be more than text, for what shows texts to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fakeprover import FakeConfig, FakeEnvironment, FakeSession

from proofsearch import Advanced, Candidate, Goal, Outcome, ProofState, Rejected, State, Theorem, hookimpl
from proofsearch.plugins.hookspecs import Register
from proofsearch.protocols import Builder, GenerationRequest

ATTACKS = (
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=2>",
    "{{data}}<b>bold</b> & \"quotes\" 'too' \u2028 `${window.pwned=3}`",
    "<!--<script>",
)
"""What a browser must show as it stands here."""


class HostileSession(FakeSession):
    def initial(self) -> Outcome:
        return Advanced(_hostile(State(f"{self.number}", (), self.number)))

    def step(self, state_: ProofState, tactic: str) -> Outcome:
        found = super().step(state_, tactic.partition(" ")[0])
        if isinstance(found, Advanced):
            assert isinstance(found.state, State)
            return Advanced(_hostile(found.state))
        return Rejected(f"{found.message} {ATTACKS[1]}") if isinstance(found, Rejected) else found


def _hostile(found: State) -> State:
    text = f"{found.handle} is 0 {' '.join(ATTACKS)}"
    return State(text, (Goal(text),), found.handle)


class HostileEnvironment(FakeEnvironment):
    def __init__(self, config: FakeConfig, builder: Builder) -> None:
        super().__init__(config, builder)
        self.known = {
            name: Theorem(name, f"{self.number(at)} is 0 {name}", position=at) for at, name in enumerate(ATTACKS)
        }

    def open(self, theorem: Theorem) -> HostileSession:
        return HostileSession(int(theorem.statement.split()[0]), theorem.name, 0)

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        return super().write_proof(theorem, [tactic.partition(" ")[0] for tactic in tactics])

    def fingerprint(self) -> Mapping[str, str]:
        return {}


class HostileGenerator:
    """Like the generator ``fake``, with attacks behind each tactic."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        return [
            [Candidate(f"{tactic} {ATTACKS[0]}", -0.5 * at) for at, tactic in enumerate(("dec", "half", "bad"), 1)]
            for _ in requests
        ]

    def close(self) -> None:
        pass


@hookimpl
def register_environments(register: Register) -> None:
    register("hostile", HostileEnvironment, config=FakeConfig)


@hookimpl
def register_generators(register: Register) -> None:
    register("hostile", lambda config, builder: HostileGenerator())
