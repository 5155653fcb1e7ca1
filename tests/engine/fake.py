"""A prover that is a dictionary: states are strings, steps lead from one to the next as the dictionary says."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofsearch.config import PriorityConfig
from proofsearch.engine.ordering import Order
from proofsearch.engine.priorities import builtin_priority
from proofsearch.graph import SearchGraph
from proofsearch.protocols import Calibration, GenerationRequest, ScoreRequest
from proofsearch.types import (
    Advanced,
    Candidate,
    Crashed,
    Finished,
    Goal,
    Outcome,
    ProofState,
    Rejected,
    Theorem,
    TimedOut,
    Verdict,
)

THEOREM = Theorem("fake", "some path finishes")


@dataclass(frozen=True)
class FakeState:
    """A string with a number of goals."""

    text: str
    num_goals: int = 1

    @property
    def key(self) -> str:
        return self.text

    @property
    def goals(self) -> Sequence[Goal]:
        return tuple(Goal(f"{self.text}/{i}") for i in range(self.num_goals))


FINISH, REJECT, TIME_OUT, CRASH = "!finish", "!reject", "!time-out", "!crash"


@dataclass
class World:
    """All there is: what the policy suggests in a state, and where each suggestion leads.

    ``policy[state]`` holds candidates, ``steps[state, tactic]`` a state or one of the four marks above.
    """

    policy: dict[str, list[Candidate]] = field(default_factory=dict)
    steps: dict[tuple[str, str], str] = field(default_factory=dict)
    goals: dict[str, int] = field(default_factory=dict)
    root: str = "root"

    def edge(self, source: str, target: str, logprob: float, num_tokens: int = 1, tactic: str = "") -> World:
        """Adds a suggestion and its step; a tactic is named after where it leads unless said otherwise."""
        tactic = tactic or f"to {target}"
        self.policy.setdefault(source, []).append(Candidate(tactic, logprob, num_tokens))
        self.steps[source, tactic] = target
        return self

    def state(self, text: str) -> FakeState:
        return FakeState(text, self.goals.get(text, 1))


class FakeSession:
    """Steps through a world; ``tried`` is every step in order. ``on_step`` is called before each."""

    def __init__(self, world: World, on_step: Callable[[], None] = lambda: None) -> None:
        self.world = world
        self.tried: list[tuple[str, str]] = []
        self.on_step = on_step

    def initial(self) -> Outcome:
        return Advanced(self.world.state(self.world.root))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        self.on_step()
        self.tried.append((state.text, tactic))
        target = self.world.steps[state.text, tactic]
        if target == FINISH:
            return Finished()
        if target == REJECT:
            return Rejected(f"{tactic} does not apply to {state.text}")
        if target == TIME_OUT:
            return TimedOut()
        if target == CRASH:
            return Crashed("segmentation fault")
        return Advanced(self.world.state(target))

    def close(self) -> None:
        pass


class FakeGenerator:
    """The world's policy; ``calls`` holds the requests of each call."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: list[Sequence[GenerationRequest]] = []

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        self.calls.append(requests)
        return [self.world.policy.get(request.state.text, [])[:n] for request in requests]

    def close(self) -> None:
        pass


class FakeScorer:
    """Looks values up; a state that is not in the table has none. ``calls`` holds the texts of each call."""

    def __init__(self, values: Mapping[str, float | None], default: float | None = None) -> None:
        self.values = values
        self.default = default
        self.calls: list[list[str]] = []
        self.requests: list[ScoreRequest] = []

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        self.calls.append([request.state.text for request in requests])
        self.requests += requests
        return [self.values.get(request.state.text, self.default) for request in requests]

    def close(self) -> None:
        pass


def accept_all(path: tuple[str, ...]) -> tuple[Verdict, None]:
    return Verdict(True, "gullible 1.0"), None


def refuse_all(path: tuple[str, ...]) -> tuple[Verdict, None]:
    return Verdict(False, "stern 1.0", f"no: {len(path)} steps"), None


def random_world(seed: int, *, states: int = 40, branching: int = 5, ties: bool = False, finish: float = 0.0) -> World:
    """A random directed graph with cycles, merges and every kind of failure.

    Args:
        seed: of everything.
        states: how many, beside the root.
        branching: suggestions a state, at most.
        ties: log-probabilities are small integers, 0 among them, so that many paths are equally good.
        finish: the share of steps that finish.
    """
    draws = random.Random(seed)
    names = ["root", *(f"s{i}" for i in range(states))]
    world = World(goals={name: draws.randint(1, 3) for name in names})
    for name in names:
        for index in range(draws.randint(0 if name != "root" else 1, branching)):
            logprob = -float(draws.randint(0, 2)) if ties else -draws.expovariate(1.0)
            target = draws.choice(names)
            luck = draws.random()
            if luck < finish:
                target = FINISH
            elif luck > 0.8:
                target = draws.choice([REJECT, TIME_OUT, CRASH])
            world.edge(name, target, logprob, draws.randint(1, 9), tactic=f"t{index}")
    return world


def order(graph: SearchGraph) -> list[str]:
    """The texts of the expanded states in the order of expansion."""
    return [graph.state[node].text for node in graph.expanded]


def order_of(config: PriorityConfig, graph: SearchGraph, calibration: Calibration | None = None, **how: Any) -> Order:
    """The order by one of the core's priorities."""
    return Order(builtin_priority(config), graph, calibration, goal_weight=config.goal_weight, **how)
