"""Small worlds to search in: mazes, with dead ends, circles and shorter ways, and a few theorems of an environment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from proofsearch.protocols import Environment, GenerationRequest, Script, Session, TacticGenerator
from proofsearch.testing.samples import ListedTactics
from proofsearch.types import (
    Advanced,
    Candidate,
    Crashed,
    Finished,
    Goal,
    Outcome,
    ProofState,
    Rejected,
    State,
    Theorem,
    TimedOut,
    Verdict,
)

_PROVED, _REJECTED, _LATE, _CRASHED = "proved", "rejected", "timed out", "crashed"
_START = "start"
_LONGEST = 4
"""Steps of a walk."""

Ways = Mapping[str, Sequence[tuple[str, float]]]
"""By place, where its steps lead and the policy's probabilities of them."""

MAZES: Mapping[str, Ways] = {
    "a line": {_START: [("middle", 0.9)], "middle": [("last", 0.9)], "last": [(_PROVED, 0.9)]},
    "detours": {
        _START: [("circle", 0.6), ("dead end", 0.25), ("way", 0.1)],
        "circle": [(_START, 0.5), ("circle", 0.3), ("circle on", 0.1)],
        "circle on": [("circle", 0.9)],
        "dead end": [(_REJECTED, 0.5), (_LATE, 0.2), (_CRASHED, 0.1)],
        "way": [("way on", 0.9), ("dead end", 0.05)],
        "way on": [(_PROVED, 0.5)],
    },
    "a better way": {
        _START: [("far", 0.8), ("near", 0.01)],
        "far": [("farther", 0.9)],
        "farther": [("near", 0.9), ("dead end", 0.1)],
        "near": [("beyond", 0.5)],
        "beyond": [("last", 0.5)],
        "last": [(_REJECTED, 0.5), (_PROVED, 0.1)],
    },
    "no proof": {
        _START: [(f"room {number}", 0.2) for number in range(5)],
        **{f"room {number}": [(f"room {(number + 1) % 5}", 0.5), (f"cellar {number}", 0.3)] for number in range(5)},
        **{f"cellar {number}": [(_START, 0.5), (_REJECTED, 0.4)] for number in range(5)},
    },
    "many doors": {
        _START: [("door 0", 0.3), *((f"door {number}", 0.05) for number in range(1, 8))],
        **{f"door {number}": [(_REJECTED, 0.5), (f"wall {number}", 0.2)] for number in range(1, 8)},
        "door 0": [(_PROVED, 0.5)],
    },
    "nothing to try": {},
}
"""By name. Those that lead to a proof are provable, whatever way is taken."""


@dataclass(frozen=True, slots=True)
class World:
    """Something to search in.

    Attributes:
        theorem: what to prove.
        open: makes a fresh session for it.
        generator: the policy.
        provable: whether there is a proof; ``None`` where nobody knows.
    """

    theorem: Theorem
    open: Callable[[], Session]
    generator: TacticGenerator
    provable: bool | None

    def check(self, tactics: tuple[str, ...]) -> Verdict:
        """Replays a path in a fresh session; it is a proof if its last step, and no other, finishes."""
        with closing(self.open()) as session:
            outcome = session.initial()
            for tactic in tactics:
                if not isinstance(outcome, Advanced):
                    return Verdict(False, "replay", f"the path continues after {type(outcome).__name__}")
                outcome = session.step(outcome.state, tactic)
        return Verdict(isinstance(outcome, Finished), "replay", f"the path ends with {type(outcome).__name__}")


class MazeSession(Session):
    """Goes through a maze; a :class:`proofsearch.protocols.Session`."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def initial(self) -> Outcome:
        """Reaches the start of the maze."""
        return Advanced(_state(_START))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Takes one of a place's ways."""
        target = tactic.removeprefix("to ")
        if target not in [name for name, _ in self._ways.get(state.text, ())] or target == _REJECTED:
            return Rejected(f"no way from {state.text} {tactic}")
        failures: Mapping[str, Outcome] = {_PROVED: Finished(), _LATE: TimedOut(), _CRASHED: Crashed("a trap")}
        return failures.get(target) or Advanced(_state(target))


class MazePolicy(TacticGenerator):
    """The ways of a maze; a :class:`proofsearch.protocols.TacticGenerator`."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """The likeliest ways from each place."""
        return [
            [Candidate(f"to {target}", math.log(p)) for target, p in self._ways.get(request.state.text, ())][:n]
            for request in requests
        ]

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Script]]:
        """A walk from each of a place's ways on, by the likeliest way each time; it ends with a step that fails.

        None of them is a proof, so that the search has to go on from what they reach.
        """
        return [[self._walk(place) for place, _ in self._ways.get(request.state.text, ())][:n] for request in requests]

    def _walk(self, place: str) -> Script:
        steps = [Candidate(f"to {place}", -1.0)]
        while len(steps) < _LONGEST and (ways := [way for way in self._ways.get(place, ()) if way[0] != _PROVED]):
            place, probability = max(ways, key=lambda way: way[1])
            steps.append(Candidate(f"to {place}", math.log(probability)))
        return Script((*steps, Candidate("nowhere", -1.0)))


def mazes() -> list[World]:
    """All mazes."""
    return [
        World(
            Theorem(name, f"there is a way out of {name}"),
            lambda ways=ways: MazeSession(ways),  # type: ignore[misc]
            MazePolicy(ways),
            any(target == _PROVED for steps in ways.values() for target, _ in steps),
        )
        for name, ways in MAZES.items()
    ]


def worlds(environment: Environment, provable: bool | None, count: int = 3) -> list[World]:
    """All mazes, and some theorems of an environment: those with the shortest known proofs.

    Args:
        environment: whose.
        provable: whether its theorems have proofs that are found soon, as far as is known.
        count: of theorems.
    """
    chosen = sorted(environment.theorems(), key=lambda theorem: theorem.proof_length or math.inf)[:count]
    return mazes() + [
        World(theorem, lambda theorem=theorem: environment.open(theorem), ListedTactics(), provable)  # type: ignore[misc]
        for theorem in chosen
    ]


def _state(place: str) -> State:
    return State(place, (Goal(place),))
