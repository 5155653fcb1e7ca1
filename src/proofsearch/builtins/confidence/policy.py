"""Asking a policy what it says of states: those of a search, and recorded ones, which are found again first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from proofsearch.models.confidence import fingerprint_of, statistics_of, summary_of
from proofsearch.protocols import (
    Environment,
    GenerationRequest,
    PolicyStatistics,
    ReportsStatistics,
    SumsUpStatistics,
    TacticGenerator,
)
from proofsearch.trajectory.live import LiveStates
from proofsearch.trajectory.recorded import RecordedState

Answer = TypeVar("Answer")


class AskedPolicy:
    """A policy that is asked about states which a search or a recording has met.

    A policy that doesn't report statistics is asked for candidates, and they say what they can.

    Args:
        policy: the policy. It is closed by whoever made it.
        environment: of the states; recorded ones are found again in sessions of it.
        candidates: how many the search asks for at an expansion.
        replay: whether recorded states are found again, by taking the recorded steps. Otherwise the policy is shown
            text and goals as they were recorded, and no moves; that does for policies that read nothing else.

    Attributes:
        reads_moves: whether :meth:`summaries` wants to know what may be tried at states.
    """

    def __init__(
        self, policy: TacticGenerator, environment: Environment, candidates: int, *, replay: bool = True
    ) -> None:
        self._policy = policy
        # Asked once: an instance check of a protocol takes longer than a goal that is known.
        self._reports = policy.statistics if isinstance(policy, ReportsStatistics) else None
        self._sums_up = policy.summaries if isinstance(policy, SumsUpStatistics) else None
        self.reads_moves = self._sums_up is None
        self._candidates = candidates
        self._live = LiveStates(environment) if replay else None

    def statistics(self, requests: Sequence[GenerationRequest]) -> list[PolicyStatistics | None]:
        """How sure it is at each state, in order; ``None`` where it can't say, or a recorded state isn't found."""
        return self.each(requests, self.ask)

    def summaries(self, requests: Sequence[GenerationRequest]) -> Sequence[Sequence[float] | None]:
        """The numbers of :data:`~proofsearch.models.confidence.SUMMARY` of each state; ``None`` as for statistics."""
        if self._sums_up is None:
            return [None if one is None else summary_of(one) for one in self.statistics(requests)]
        if self._live is None or not any(isinstance(one.state, RecordedState) for one in requests):
            return self._sum_up(requests)
        return self.each(requests, self._sum_up)

    def _sum_up(self, requests: Sequence[GenerationRequest]) -> Sequence[Sequence[float] | None]:
        assert self._sums_up is not None
        return self._sums_up(requests, self._candidates)

    def ask(self, requests: Sequence[GenerationRequest]) -> Sequence[PolicyStatistics | None]:
        """How sure it is at states that a session, or a policy that reads texts, knows as they are."""
        if self._reports is not None:
            return self._reports(requests, self._candidates)
        return list(map(statistics_of, self._policy.generate(requests, self._candidates)))

    def each(
        self, requests: Sequence[GenerationRequest], ask: Callable[[Sequence[GenerationRequest]], Sequence[Answer]]
    ) -> list[Answer | None]:
        """What ``ask`` says of each state, in order; ``None`` where a recorded state isn't found.

        It is called with the states as they were found, of one recorded search at a time, whose session ends then.
        """
        answers: list[Answer | None] = [None] * len(requests)
        places: list[int] = []
        asked: list[GenerationRequest] = []

        def flush() -> None:
            for place, answer in zip(places, ask(asked) if asked else (), strict=True):
                answers[place] = answer
            places.clear()
            asked.clear()

        search: object = None
        for place, request in enumerate(requests):
            state = request.state
            origin = state.origin[0] if isinstance(state, RecordedState) and state.origin is not None else None
            if origin is not search:
                flush()
                search = origin
            found = self._found(request)
            if found is not None:
                places.append(place)
                asked.append(found)
        flush()
        return answers

    def fingerprint(self) -> str:
        """Tells the policy from another one, as well as that can be told."""
        return fingerprint_of(self._policy)

    def close(self) -> None:
        """Ends the session in which recorded states were found. Idempotent."""
        if self._live is not None:
            self._live.close()

    def _found(self, request: GenerationRequest) -> GenerationRequest | None:
        if self._live is None or not isinstance(request.state, RecordedState):
            return request
        state = self._live.state(request.theorem, request.state)
        return None if state is None else replace(request, state=state, moves=self._live.moves(state))
