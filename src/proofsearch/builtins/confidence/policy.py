"""Asking a policy how sure it is, about states of a search and about recorded ones."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch.models.confidence import statistics_of
from proofsearch.protocols import (
    Environment,
    GenerationRequest,
    Moves,
    PolicyStatistics,
    ReportsStatistics,
    ScoreRequest,
    TacticGenerator,
)
from proofsearch.trajectory.live import LiveStates
from proofsearch.trajectory.recorded import RecordedState
from proofsearch.types import ProofState


class AskedPolicy:
    """A policy that is asked about the states which a scorer is asked about.

    A policy that doesn't report statistics is asked for candidates, and they say what they can.

    Args:
        policy: the policy. It is closed by whoever made it.
        environment: of the states; recorded ones are found again in sessions of it.
        candidates: how many the search asks for at an expansion.
    """

    def __init__(self, policy: TacticGenerator, environment: Environment, candidates: int) -> None:
        self._policy = policy
        self._candidates = candidates
        self._live = LiveStates(environment)

    def statistics(self, requests: Sequence[ScoreRequest]) -> list[PolicyStatistics | None]:
        """How sure it is at each state, in order; ``None`` where it can't say, or a recorded state isn't found."""
        found: list[PolicyStatistics | None] = [None] * len(requests)
        places, asked = [], []
        for place, request in enumerate(requests):
            state, moves = self._found(request)
            if state is not None:
                places.append(place)
                asked.append(GenerationRequest(request.theorem, state, moves))
        for place, statistics in zip(places, self._asked(asked), strict=True):
            found[place] = statistics
        return found

    def close(self) -> None:
        """Ends the session in which recorded states were found. Idempotent."""
        self._live.close()

    def _asked(self, requests: Sequence[GenerationRequest]) -> Sequence[PolicyStatistics | None]:
        if not requests:
            return []
        if isinstance(self._policy, ReportsStatistics):
            return self._policy.statistics(requests, self._candidates)
        return list(map(statistics_of, self._policy.generate(requests, self._candidates)))

    def _found(self, request: ScoreRequest) -> tuple[ProofState | None, Moves | None]:
        state = request.state
        if not isinstance(state, RecordedState):
            return state, request.moves
        live = self._live.state(request.theorem, state)
        return live, None if live is None else self._live.moves(live)
