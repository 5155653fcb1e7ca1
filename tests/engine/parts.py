"""A prover whose states are sets of goals that have nothing to do with each other, and what is provable in it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from proofsearch.protocols import GenerationRequest
from proofsearch.types import Advanced, Candidate, Finished, Goal, Outcome, ProofState, Rejected


@dataclass(frozen=True)
class GoalSet:
    """Goals in a fixed order, each once."""

    names: tuple[str, ...]

    @property
    def text(self) -> str:
        return " & ".join(self.names)

    @property
    def key(self) -> tuple[str, ...]:
        return self.names

    @property
    def num_goals(self) -> int:
        return len(self.names)

    @property
    def goals(self) -> Sequence[Goal]:
        return tuple(map(Goal, self.names))


@dataclass
class Rules:
    """What proves what: each goal has tactics with log-probabilities, and the goals that each leaves.

    ``rank`` says in which order goals are worked on; of two goals the one with the lower rank stands first.
    """

    of: dict[str, dict[str, tuple[float, tuple[str, ...]]]] = field(default_factory=dict)
    rank: dict[str, int] = field(default_factory=dict)
    root: tuple[str, ...] = ("root",)

    def rule(self, goal: str, logprob: float, *left: str) -> Rules:
        """Adds a tactic for a goal; its name says what it does."""
        self.of.setdefault(goal, {})[f"{goal} by {' '.join(left) or 'itself'}"] = (logprob, left)
        return self

    def state(self, goals: set[str]) -> GoalSet:
        return GoalSet(tuple(sorted(goals, key=lambda goal: (self.rank.get(goal, 0), goal))))

    def step(self, names: Sequence[str], tactic: str) -> GoalSet | None:
        """What is left after a tactic on the first goal; ``None`` where it doesn't apply."""
        found = self.of.get(names[0], {}).get(tactic)
        return None if found is None else self.state({*names[1:], *found[1]})

    def provable(self) -> set[str]:
        """The least fixed point."""
        known: set[str] = set()
        for _ in range(len(self.of) + 1):
            known |= {goal for goal, rules in self.of.items() if any(known >= set(left) for _, left in rules.values())}
        return known


class WholeSession:
    """Steps through states as a whole; ``tried`` holds every step."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.tried: list[tuple[str, str]] = []

    def initial(self) -> Outcome:
        return Advanced(self.rules.state(set(self.rules.root)))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        assert isinstance(state, GoalSet)
        self.tried.append((state.text, tactic))
        left = self.rules.step(state.names, tactic)
        if left is None:
            return Rejected(f"{tactic} is no rule of {state.names[0]}")
        return Advanced(left) if left.names else Finished()

    def close(self) -> None:
        pass


class PartsSession(WholeSession):
    """Takes states apart, goal by goal."""

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        assert isinstance(state, GoalSet)
        return [GoalSet((name,)) for name in state.names]


class RulesGenerator:
    """Suggests the tactics for the first goal, and one that doesn't apply."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        found = []
        for request in requests:
            assert isinstance(request.state, GoalSet)
            rules = self.rules.of.get(request.state.names[0], {})
            found.append([*(Candidate(tactic, logprob) for tactic, (logprob, _) in rules.items()), Candidate("no", -9)])
        return [candidates[:n] for candidates in found]

    def close(self) -> None:
        pass


def random_rules(seed: int, goals: int = 9) -> Rules:
    """Rules with cycles, goals that nothing proves, goals that are met by many ways, and steps for nothing."""
    draws = random.Random(seed)
    names = ["root", *(f"g{number}" for number in range(goals))]
    rules = Rules(rank={name: draws.randrange(4) for name in names})
    if draws.random() < 0.2:
        rules.root = ("root", "g0")
    for name in names:
        rules.of[name] = {}
        for _ in range(draws.randrange(4) if name != "root" else 3):
            left = [draws.choice(names) for _ in range(draws.choice([0, 1, 1, 2, 2, 3]))]
            rules.rule(name, draws.choice([0.0, -0.5, -1.0, -draws.expovariate(1.0)]), *dict.fromkeys(left))
    return rules
