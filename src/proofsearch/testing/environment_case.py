"""An environment under check, and walks along known proofs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from proofsearch.config import ComponentConfig
from proofsearch.protocols import (
    Builder,
    EnumeratesMoves,
    Environment,
    Factory,
    Session,
    TacticGenerator,
)
from proofsearch.testing.cases import ComponentCase
from proofsearch.testing.checks import NotApplicable, Run, brief, expect, spread
from proofsearch.testing.samples import Walk, walks
from proofsearch.types import Advanced, Outcome, ProofState

NONSENSE = "proofsearch checks that this is no tactic"
"""What no environment takes for a tactic."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was made: the state, the tactic, and what became of it."""

    state: ProofState
    tactic: str
    outcome: Outcome


class EnvironmentCase(ComponentCase[Environment]):
    """An environment under check.

    Args:
        factory: as it is registered.
        config: its options.
        builder: what the factory may ask.
        proofs: tactics of known proofs, by theorem.
        generator: a policy to find some with.
        cheats: proof texts that must be refused, by theorem.
        crashing: a tactic that kills the prover.
        endless: a tactic that runs until it is interrupted.
        count: theorems to try.
    """

    def __init__(
        self,
        factory: Factory,
        config: ComponentConfig | None,
        builder: Builder,
        *,
        proofs: Mapping[str, Sequence[str]] | None = None,
        generator: TacticGenerator | None = None,
        cheats: Mapping[str, Sequence[str]] | None = None,
        crashing: str | None = None,
        endless: str | None = None,
        count: int = 4,
    ) -> None:
        super().__init__(factory, config, builder)
        self._proofs = proofs
        self._generator = generator
        self.cheats = cheats or {}
        self.crashing = crashing
        self.endless = endless
        self._count = count
        self._walks: Sequence[Walk] | None = None
        self._founded: dict[Run[EnvironmentCase], bool] = {}

    def begin(self, component: Environment) -> None:
        """Lists the theorems, which reads what has to be read."""
        component.theorems()

    @property
    def walks(self) -> Sequence[Walk]:
        """Known proofs.

        Raises:
            NotApplicable: there is none.
        """
        if self._walks is None:
            self._walks = walks(self.component, self._count, self._proofs, self._generator)
        if not self._walks:
            raise NotApplicable(
                "no proof is known: the environment demonstrates none, and none was given or found by a short search"
            )
        return self._walks

    def given(self, *foundations: Run[EnvironmentCase]) -> None:
        """Says that a check builds on others, so that one thing that is broken isn't reported many times.

        Raises:
            NotApplicable: one of them finds a violation.
        """
        for check in foundations:
            if check not in self._founded:
                try:
                    check(self)
                except NotApplicable:
                    self._founded[check] = True
                # Whatever it is, it is reported under that check's own name.
                except Exception:
                    self._founded[check] = False
                else:
                    self._founded[check] = True
            if not self._founded[check]:
                raise NotApplicable(f"it builds on {check.__name__.replace('_', ' ')!r}")

    @contextmanager
    def sessions(self, environment: Environment | None = None) -> Iterator[Iterator[tuple[Walk, Session]]]:
        """The known proofs, each with a fresh session, closed at the end."""
        with ExitStack() as opened:
            where = environment or self.component
            yield ((walk, opened.enter_context(closing(where.open(walk.theorem)))) for walk in self.walks)


def follow(session: Session, tactics: Sequence[str]) -> list[Step]:
    """Takes a path, as far as it leads."""
    steps = []
    outcome = session.initial()
    for tactic in tactics:
        if not isinstance(outcome, Advanced):
            break
        state = outcome.state
        outcome = session.step(state, tactic)
        steps.append(Step(state, tactic, outcome))
    return steps


def shown(outcome: Outcome) -> tuple[Any, ...]:
    """What must be equal of equal outcomes: their kind, and of a state its text and goals. Messages may differ."""
    if isinstance(outcome, Advanced):
        return "advanced", outcome.state.text, tuple(outcome.state.goals)
    return (type(outcome).__name__.lower(),)


def alike(ones: Sequence[Step], others: Sequence[Step], where: str) -> None:
    """Raises a violation unless two walks along one path met the same."""
    expect(len(ones) == len(others), f"{where}, the path ends after {len(others)} steps, and before after {len(ones)}")
    for number, (one, other) in enumerate(zip(ones, others, strict=True), start=1):
        now, before = shown(other.outcome), shown(one.outcome)
        expect(now == before, f"{where}, step {number}, {brief(one.tactic)}, gave {brief(now)}, before {brief(before)}")


def neighbours(session: Session, states: Sequence[ProofState]) -> Iterator[ProofState]:
    """States that a step leads to from some of these; none where moves can't be enumerated."""
    if isinstance(session, EnumeratesMoves):
        for state in spread(states, 5):
            for tactic in spread(session.moves(state).listed(), 30):
                outcome = session.step(state, tactic)
                if isinstance(outcome, Advanced):
                    yield outcome.state
