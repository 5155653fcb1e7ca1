"""What components are tried on: known proofs of an environment, and states as a search would meet them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from proofsearch.config import LimitConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.protocols import (
    Builder,
    Demonstrates,
    EnumeratesMoves,
    Environment,
    GenerationRequest,
    Moves,
    ScoreRequest,
    Session,
    TacticGenerator,
)
from proofsearch.testing.checks import spread
from proofsearch.types import Advanced, Candidate, ProofState, Theorem

LONGEST_WALK = 40
"""Proofs with more steps are not walked: they show nothing new and take long."""

_SIBLINGS = 3
"""Other children of a state on a known proof that are taken as samples."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A proof as a search finds it: the theorem, and the tactics from its initial state to the end."""

    theorem: Theorem
    tactics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """A state as a search would meet it.

    Attributes:
        theorem: what the search is about.
        state: the state.
        depth: steps from the root.
        logprob: sum of log-probabilities on the way there, made up: what the search's policy would have said.
        moves: the tactics that may apply, where the environment can enumerate them.
        on_proof: whether a known proof leads through it; of two children of one state the better is that which is.
        parent: the number of its parent among the samples; −1 for a root.
    """

    theorem: Theorem
    state: ProofState
    depth: int = 0
    logprob: float = 0.0
    moves: Moves | None = None
    on_proof: bool = False
    parent: int = -1

    @property
    def score_request(self) -> ScoreRequest:
        """Returns a request for the state's value."""
        return ScoreRequest(self.theorem, self.state, self.depth, self.logprob, 3 * self.depth, moves=self.moves)

    def generation_request(self, seed: int) -> GenerationRequest:
        """Returns a request for the state's candidates."""
        return GenerationRequest(self.theorem, self.state, self.moves, seed)


class ListedTactics(TacticGenerator):
    """A policy that knows nothing: the first tactics that apply, all equally likely.

    A :class:`proofsearch.protocols.TacticGenerator` for environments that enumerate moves; elsewhere it suggests
    nothing.
    """

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request."""
        return [self._candidates(request.moves, n) if request.moves is not None else [] for request in requests]

    def _candidates(self, moves: Moves, n: int) -> list[Candidate]:
        admitted: list[str] = []
        for tactic in moves.listed():
            if len(admitted) == n:
                break
            if moves.admits(tactic):
                admitted.append(tactic)
        return [Candidate(tactic, -math.log(len(admitted))) for tactic in admitted]


def walks(
    environment: Environment,
    count: int,
    proofs: Mapping[str, Sequence[str]] | None = None,
    generator: TacticGenerator | None = None,
) -> list[Walk]:
    """Some proofs of different theorems.

    Args:
        environment: whose.
        count: how many at most.
        proofs: tactics by theorem, if they are known.
        generator: a policy to search with.

    Returns:
        The proofs given, else the library's own, else what a short search finds; may be none.
    """
    if proofs:
        return [Walk(environment.theorem(name), tuple(tactics)) for name, tactics in list(proofs.items())[:count]]
    shows = isinstance(environment, Demonstrates)
    found: list[Walk] = []
    # Most theorems have a proof to walk; a few times as many are looked at, so that one long proof stops nothing.
    for theorem in spread(environment.theorems(), 6 * count):
        tactics = _demonstrated(environment, theorem) if shows else _searched(environment, theorem, generator)
        if 2 <= len(tactics) <= LONGEST_WALK:
            found.append(Walk(theorem, tactics))
        if len(found) == count and not shows:
            break  # a search takes long
    # Of all lengths, the longest first: that shows most.
    return spread(sorted(found, key=lambda walk: -len(walk.tactics)), count)


def _demonstrated(environment: Environment, theorem: Theorem) -> tuple[str, ...]:
    assert isinstance(environment, Demonstrates)
    return tuple(step.tactic for step in environment.demonstrations([theorem]))


def _searched(environment: Environment, theorem: Theorem, generator: TacticGenerator | None) -> tuple[str, ...]:
    with closing(environment.open(theorem)) as session:
        if generator is None and not isinstance(session, EnumeratesMoves):
            return ()
        config = SearchConfig(candidates=16, limit=LimitConfig(expansions=64))
        return search(theorem, session, generator or ListedTactics(), config=config).tactics or ()


class Samples:
    """States along known proofs and beside them, of sessions that stay open until :meth:`close`.

    Args:
        environment: whose states.
        count: how many at most.
        proofs: as for :func:`walks`.
        generator: as for :func:`walks`.
    """

    def __init__(
        self,
        environment: Environment,
        count: int = 40,
        proofs: Mapping[str, Sequence[str]] | None = None,
        generator: TacticGenerator | None = None,
    ) -> None:
        self._sessions = ExitStack()
        self.states: list[Sample] = []
        try:
            walked = walks(environment, 6, proofs, generator)
            known = walked or [Walk(theorem, ()) for theorem in spread(environment.theorems(), 6)]
            for number, walk in enumerate(known):
                self._add(environment, walk, len(self.states) + (count - len(self.states)) // (len(known) - number))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the sessions. Idempotent."""
        self._sessions.close()

    def _add(self, environment: Environment, walk: Walk, most: int) -> None:
        """Adds states of one theorem until there are ``most`` of all."""
        session = self._sessions.enter_context(closing(environment.open(walk.theorem)))
        outcome = session.initial()
        parent = -1
        for depth, tactic in enumerate([*walk.tactics, None]):
            if not isinstance(outcome, Advanced) or len(self.states) >= most:
                return
            here = len(self.states)
            moves = session.moves(outcome.state) if isinstance(session, EnumeratesMoves) else None
            self.states.append(Sample(walk.theorem, outcome.state, depth, -0.7 * depth, moves, True, parent))
            if tactic is None:
                return
            following = session.step(outcome.state, tactic)
            seen = {outcome.state.key, following.state.key if isinstance(following, Advanced) else None}
            for other in _other_children(session, outcome.state, moves):
                if len(self.states) < most and other.key not in seen:
                    seen.add(other.key)
                    beside = session.moves(other) if isinstance(session, EnumeratesMoves) else None
                    logprob = -0.7 * (depth + 1) - 0.1
                    self.states.append(Sample(walk.theorem, other, depth + 1, logprob, beside, False, here))
            outcome, parent = following, here


def _other_children(session: Session, state: ProofState, moves: Moves | None) -> Iterator[ProofState]:
    found = 0
    for tactic in spread(moves.listed() if moves is not None else [], 60):
        outcome = session.step(state, tactic)
        if isinstance(outcome, Advanced):
            yield outcome.state
            found += 1
        if found == _SIBLINGS:
            return


def states_of(builder: Builder, opened: ExitStack) -> Sequence[Sample]:
    """States of a builder's environment; the sessions that they are of are closed with a stack."""
    return opened.enter_context(closing(Samples(builder.environment()))).states
