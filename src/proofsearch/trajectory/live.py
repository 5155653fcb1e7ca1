"""From recorded states to states that a session knows, by taking the recorded steps again.

A policy that reads more of a state than its text, such as the prover's own terms, can so be asked about what an earlier
search met.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from proofsearch.protocols import Decomposes, EnumeratesMoves
from proofsearch.trajectory.recorded import RecordedState
from proofsearch.types import Advanced

if TYPE_CHECKING:
    from proofsearch.protocols import Environment, Moves, Session
    from proofsearch.trajectory.recorded import RecordedSearch
    from proofsearch.types import ProofState, Theorem


class LiveStates:
    """Finds the states that recorded ones were, search by search; of the last search, all that it found are kept.

    Args:
        environment: that of the recordings.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._search: RecordedSearch | None = None
        self._session: Session | None = None
        self._found: dict[int, ProofState | None] = {}

    def state(self, theorem: Theorem, recorded: RecordedState) -> ProofState | None:
        """The state, to be used before another search is asked about; ``None`` where the steps lead elsewhere today.

        Args:
            theorem: of the search.
            recorded: a state of a recorded search.
        """
        if recorded.origin is None:
            return None
        search, node = recorded.origin
        if search is not self._search:
            self._open(theorem, search)
        way = [node]
        while way[-1] not in self._found:
            edge = int(search.best_edge[way[-1]])
            if edge < 0:
                self._found[way[-1]] = None
            else:
                way.append(int(search.edges.source[edge]))
        for place in reversed(way[:-1]):
            self._found[place] = self._stepped(search, place)
        return self._found[node]

    def moves(self, state: ProofState) -> Moves | None:
        """What may be tried at a state that :meth:`state` returned last; ``None`` where the session can't tell."""
        return self._session.moves(state) if isinstance(self._session, EnumeratesMoves) else None

    def close(self) -> None:
        """Ends the session. Idempotent."""
        if self._session is not None:
            self._session.close()
        self._session, self._search = None, None
        self._found.clear()

    def _open(self, theorem: Theorem, search: RecordedSearch) -> None:
        self.close()
        # Not as it was recorded: what else a theorem says, such as its place in a file, is the environment's.
        self._session = self._environment.open(self._environment.theorem(theorem.name))
        self._search = search
        self._found[0] = self._matching(search, 0, self._session.initial())

    def _stepped(self, search: RecordedSearch, node: int) -> ProofState | None:
        edge = int(search.best_edge[node])
        source = self._found[int(search.edges.source[edge])]
        if source is None or self._session is None:
            return None
        return self._matching(search, node, self._session.step(source, search.edges.tactic[edge]))

    def _matching(self, search: RecordedSearch, node: int, outcome: object) -> ProofState | None:
        """Of the states that a step led to the one with the recorded text."""
        text = search.text[node]
        if isinstance(outcome, Advanced):
            for state in self._led_to(outcome.state):
                if state.text == text:
                    return state
        return None

    def _led_to(self, state: ProofState) -> Iterator[ProofState]:
        yield state
        # A search that takes states apart records the parts.
        if isinstance(self._session, Decomposes):
            yield from self._session.parts(state)
