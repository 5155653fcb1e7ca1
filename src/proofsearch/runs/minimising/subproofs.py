"""What is known of how parts of states are proved: steps, the parts that they leave, and the cheapest way of all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from proofsearch.protocols import Decomposes, Session
from proofsearch.types import Advanced, Finished, ProofState


@dataclass(frozen=True, slots=True)
class Known:
    """A step that is known to be one of a proof: at which part, by which tactic, and which parts it leaves."""

    part: Hashable
    tactic: str
    leaves: tuple[Hashable, ...]


class Subproofs:
    """The proved parts of one theorem's states. A proof of a part proves it wherever it occurs.

    Args:
        session: what steps; where it can't take states apart, every state is one part.
        root: the first state.
    """

    def __init__(self, session: Session, root: ProofState) -> None:
        self._session = session
        self._root = root
        self._state: dict[Hashable, ProofState] = {}
        self._known: dict[Known, None] = {}
        self._cost: dict[Hashable, int] = {}
        self._taken: dict[Hashable, Known] = {}

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        """The parts of a state; the next tactic acts on the first."""
        return self._session.parts(state) if isinstance(self._session, Decomposes) else (state,)

    def cost(self, part: ProofState) -> int | None:
        """Steps of the shortest known proof of a part, at least 1; ``None`` where none is known."""
        return self._cost.get(part.key)

    def steps(self, state: ProofState, tactics: Sequence[str]) -> list[Known] | None:
        """Takes a path apart into the steps of parts; ``None`` where it doesn't finish exactly at its end."""
        found = []
        outcome: object = Advanced(state)
        for tactic in tactics:
            if type(outcome) is not Advanced:
                return None
            state = outcome.state
            outcome = self._session.step(state, tactic)
            part = self.parts(state)[0]
            alone = outcome if part.key == state.key else self._session.step(part, tactic)
            step = self.step(part, tactic, alone)
            if step is None:
                return None
            found.append(step)
        return found if type(outcome) is Finished else None

    def step(self, part: ProofState, tactic: str, outcome: object) -> Known | None:
        """A step at a part as what it leaves; ``None`` where it leads nowhere."""
        self._state[part.key] = part
        if type(outcome) is Finished:
            return Known(part.key, tactic, ())
        if type(outcome) is not Advanced:
            return None
        left = self.parts(outcome.state)
        self._state.update((one.key, one) for one in left)
        return Known(part.key, tactic, tuple(dict.fromkeys(one.key for one in left)))

    def add(self, steps: Sequence[Known]) -> list[Known]:
        """Takes in steps; returns those that are new, for :meth:`forget`."""
        new = [step for step in dict.fromkeys(steps) if step not in self._known]
        self._known.update(dict.fromkeys(new))
        if new:
            self._count()
        return new

    def forget(self, steps: Sequence[Known]) -> None:
        """Takes steps out again."""
        for step in steps:
            self._known.pop(step, None)
        self._count()

    def proof(self, most: int) -> tuple[str, ...] | None:
        """The theorem's shortest known proof as tactics that are played; ``None`` where it has more than ``most``."""
        outcome: object = Advanced(self._root)
        tactics: list[str] = []
        while type(outcome) is Advanced and len(tactics) < most:
            taken = self._taken.get(self.parts(outcome.state)[0].key)
            if taken is None:
                return None
            tactics.append(taken.tactic)
            outcome = self._session.step(outcome.state, taken.tactic)
        return tuple(tactics) if type(outcome) is Finished else None

    def of_proof(self) -> list[ProofState]:
        """The parts that the shortest known proof consists of, each once, those with the shortest subproofs first."""
        seen: dict[Hashable, None] = {}
        waiting = [part.key for part in self.parts(self._root)]
        while waiting:
            key = waiting.pop()
            if key not in seen and key in self._taken:
                seen[key] = None
                waiting += self._taken[key].leaves
        return [self._state[key] for key in sorted(seen, key=lambda key: self._cost[key])]

    def _count(self) -> None:
        """Costs anew: 1 for a step and those of the parts that it leaves, until nothing gets cheaper (Knuth 1977)."""
        cost: dict[Hashable, int] = {}
        taken: dict[Hashable, Known] = {}
        changed = True
        while changed:
            changed = False
            for step in self._known:
                if all(part in cost for part in step.leaves):
                    steps = 1 + sum(cost[part] for part in step.leaves)
                    if steps < cost.get(step.part, steps + 1):
                        cost[step.part], taken[step.part], changed = steps, step, True
        self._cost, self._taken = cost, taken


def follow(session: Session, subproofs: Subproofs, root: ProofState, tactic_of: Mapping[str, str]) -> tuple[str, ...]:
    """The tactics of a proof that is known as a tactic for the text of each state, or of each part; empty if it ends.

    Args:
        session: what steps.
        subproofs: takes states apart.
        root: the first state.
        tactic_of: the tactics by text.
    """
    outcome: object = Advanced(root)
    tactics: list[str] = []
    while type(outcome) is Advanced and len(tactics) <= 2 * len(tactic_of):
        state = outcome.state
        tactic = tactic_of.get(state.text) or tactic_of.get(subproofs.parts(state)[0].text)
        if tactic is None:
            return ()
        tactics.append(tactic)
        outcome = session.step(state, tactic)
    return tuple(tactics) if type(outcome) is Finished else ()
