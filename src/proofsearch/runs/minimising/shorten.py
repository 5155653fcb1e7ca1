"""Making one proof shorter, part by part."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofsearch.config import SearchConfig
from proofsearch.engine import search
from proofsearch.protocols import Decomposes, EnumeratesMoves, Session, StepsMany, TacticGenerator
from proofsearch.runs.minimising.subproofs import Subproofs, follow
from proofsearch.types import Advanced, Finished, Outcome, ProofState, Rejected, Theorem, Verdict

Check = Callable[[tuple[str, ...]], "Accepted | None"]
"""Whether a path is a proof that counts: ``None`` where it is refused, rests on more, or is longer when written."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A proof that the run's check accepted.

    Attributes:
        tactics: the path.
        verdict: what the check said of it.
        proof: as it is written.
        steps: of the written proof, as the environment counts them; ``None`` where it doesn't.
    """

    tactics: tuple[str, ...]
    verdict: Verdict
    proof: str
    steps: int | None = None

    def longer_than(self, other: Accepted) -> bool:
        """Whether it is longer by either count."""
        counted = self.steps is not None and other.steps is not None and self.steps > other.steps
        return counted or len(self.tactics) > len(other.tactics)

    def shorter_than(self, other: Accepted) -> bool:
        """Whether it is shorter by one count and not longer by the other."""
        return not self.longer_than(other) and (len(self.tactics), self.steps) != (len(other.tactics), other.steps)


@dataclass(slots=True)
class Effort:
    """What minimising took: searches of parts, their expansions, steps, and states sent to the policy."""

    searches: int = 0
    expansions: int = 0
    steps: int = 0
    generated: int = 0


@dataclass(slots=True)
class Minimiser:
    """Makes the proof of one theorem shorter; :meth:`run` does it.

    Attributes:
        theorem: what is proved.
        session: of it.
        generator: suggests what is tried in place of known steps.
        check: has a proof checked.
        candidates: asked for at each expansion.
        expansions: of the search for one part, at most; 0: only what is recorded and single steps.
        lemmas: whether each part is tried with every tactic that the environment lists.
        seed: of the searches.
        found: every accepted proof, the first one first.
        effort: what it took.
    """

    theorem: Theorem
    session: Session
    generator: TacticGenerator
    check: Check
    candidates: int = 32
    expansions: int = 32
    lemmas: bool = True
    seed: int = 0
    found: list[Accepted] = field(default_factory=list)
    effort: Effort = field(default_factory=Effort)
    _searched: dict[Hashable, int] = field(default_factory=dict)

    def run(self, known: Accepted, recorded: Mapping[str, str]) -> Accepted:
        """The shortest proof that it finds; the known one where there is none shorter.

        Args:
            known: the proof so far.
            recorded: the tactics of another one by the texts of states or parts, which need not be as good.
        """
        self.found = [known]
        initial = self.session.initial()
        if type(initial) is not Advanced:
            return known  # nothing is to be proved
        root = initial.state
        subproofs = Subproofs(self.session, root)
        steps = subproofs.steps(root, known.tactics)
        if steps is None:
            return known  # a path that can't be taken apart
        subproofs.add(steps)
        self._improve(subproofs, root, follow(self.session, subproofs, root, recorded))
        while any(self._shorten(subproofs, part) for part in subproofs.of_proof()):
            pass
        return self.found[-1]

    def _shorten(self, subproofs: Subproofs, part: ProofState) -> bool:
        """Tries to prove one part in fewer steps, once for each length that is known."""
        cost = subproofs.cost(part)
        if cost is None or cost < 2 or self._searched.get(part.key, cost + 1) <= cost:
            return False
        self._searched[part.key] = cost
        if self.lemmas and self._by_lemma(subproofs, part, cost):
            return True
        return self.expansions > 0 and self._by_search(subproofs, part, cost)

    def _by_lemma(self, subproofs: Subproofs, part: ProofState, cost: int) -> bool:
        """Tries every listed tactic that leaves nothing but parts with a known proof; those that are shortest first."""
        session = self.session
        if not isinstance(session, EnumeratesMoves):
            return False
        tactics = list(session.moves(part).listed())
        found: list[tuple[int, str, Outcome]] = []
        for tactic, outcome in zip(tactics, _outcomes(session, part, tactics), strict=True):
            self.effort.steps += 1
            if type(outcome) is Finished:
                found.append((1, tactic, outcome))
            elif type(outcome) is Advanced and outcome.state.num_goals < cost:
                costs = [subproofs.cost(left) for left in subproofs.parts(outcome.state)]
                if None not in costs and (steps := 1 + sum(filter(None, costs))) < cost:
                    found.append((steps, tactic, outcome))
        found.sort(key=lambda one: one[0])
        return any(self._improve(subproofs, part, (tactic,), outcome) for _, tactic, outcome in found)

    def _by_search(self, subproofs: Subproofs, part: ProofState, cost: int) -> bool:
        """Searches for a proof of a part within one step less than the known one has."""
        improved = False

        def accept(path: tuple[str, ...]) -> tuple[Verdict, None]:
            nonlocal improved
            improved = self._improve(subproofs, part, path)
            return Verdict(improved, "minimise", "" if improved else "the proof as a whole gets no shorter by it"), None

        config = SearchConfig.model_validate(
            {"candidates": self.candidates, "max_depth": cost - 1, "limit": {"expansions": self.expansions}}
        )
        bounded = Bounded(self.session, part, cost - 1)
        result = search(
            self.theorem, bounded, self.generator, config=config, seed=self.seed + self.effort.searches, accept=accept
        )
        effort = self.effort
        effort.searches += 1
        effort.expansions += result.expansions
        effort.steps += result.steps
        effort.generated += result.generated
        return improved

    def _improve(
        self, subproofs: Subproofs, part: ProofState, path: Sequence[str], outcome: Outcome | None = None
    ) -> bool:
        """Whether the whole proof gets shorter with this proof of a part; if not, it is forgotten.

        Args:
            subproofs: what is known.
            part: what the path proves, or leaves with parts that are proved.
            path: the tactics.
            outcome: of the only one of them, where it leaves something.
        """
        if not path:
            return False
        if outcome is None:
            steps = subproofs.steps(part, path)
        else:
            step = subproofs.step(part, path[0], outcome)
            steps = None if step is None else [step]
        new = subproofs.add(steps or ())
        best = self.found[-1]
        tactics = subproofs.proof(len(best.tactics)) if new else None
        if tactics is not None and tactics != best.tactics:
            accepted = self.check(tactics)
            if accepted is not None and accepted.shorter_than(best):
                self.found.append(accepted)
                return True
        if new:
            subproofs.forget(new)
        return False


class Bounded(Session):
    """A part as a theorem of its own, to be proved in so many steps.

    A state that has more parts than there are steps left is rejected, since each part needs one.

    Args:
        session: what steps.
        part: what is to be proved; a state of the session.
        most: steps.
    """

    def __init__(self, session: Session, part: ProofState, most: int) -> None:
        self._session = session
        self._part = part
        self._most = most
        self._depth: dict[Hashable, int] = {part.key: 0}
        if isinstance(session, StepsMany):
            self.step_many = self._step_many
        if isinstance(session, EnumeratesMoves):
            self.moves = session.moves

    def initial(self) -> Outcome:
        """The part."""
        return Advanced(self._part)

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """As the session, within the bound."""
        return self._bounded(state, self._session.step(state, tactic))

    def _step_many(self, state: ProofState, tactics: Sequence[str]) -> Any:
        return (self._bounded(state, outcome) for outcome in _outcomes(self._session, state, tactics))

    def _bounded(self, state: ProofState, outcome: Outcome) -> Outcome:
        if type(outcome) is not Advanced:
            return outcome
        reached = outcome.state
        depth = self._depth[state.key] + 1
        if depth + self._least(reached) > self._most:
            return Rejected("the proof would get too long")
        self._depth[reached.key] = min(depth, self._depth.get(reached.key, depth))
        return outcome

    def _least(self, state: ProofState) -> int:
        """How many steps a state needs at least."""
        if state.num_goals == 1 or not isinstance(self._session, Decomposes):
            return 1
        return len(self._session.parts(state))


def _outcomes(session: Session, state: ProofState, tactics: Sequence[str]) -> Any:
    if isinstance(session, StepsMany):
        return session.step_many(state, tactics)
    return (session.step(state, tactic) for tactic in tactics)
