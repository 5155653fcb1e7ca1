"""Which states a search won't step again, so that a prover can free what it holds of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Expansion
    from proofsearch.types import ProofState


class Releases:
    """Tells a session of states that are not needed any more.

    These are the states that were expanded, those too deep to be, and those that turned out to be known: the search
    goes on with the state that it met first. What a strategy steps all the same, the session replays.

    Args:
        release: of the session.
        deepest: nodes so deep are not expanded.
        revisits: whether nodes may be expanded again, so that no expanded one is released.
    """

    def __init__(self, release: Callable[[Sequence[ProofState]], None], deepest: float, revisits: bool) -> None:
        self._release = release
        self._deepest = deepest
        self._revisits = revisits
        self._dropped: list[ProofState] = []

    def met(self, graph: SearchGraph, states: Sequence[ProofState], new: int) -> None:
        """Notes what the steps of an expansion led to, once it stands in the graph.

        Args:
            graph: with the expansion.
            states: what the steps led to.
            new: how many of them were not known.
        """
        if new < len(states):
            nodes = (graph.node_of(state.key) for state in states)
            kept = (None if node is None else graph.state[node] for node in nodes)
            self._dropped += [state for state, other in zip(states, kept, strict=True) if state is not other]

    def tell(self, graph: SearchGraph, expansions: Sequence[Expansion]) -> None:
        """Tells the session of what some expansions have left behind, if anything."""
        states, self._dropped = self._dropped, []
        if not self._revisits:
            states += [graph.state[expansion.node] for expansion in expansions if not expansion.replayed]
        states += [
            graph.state[node]
            for expansion in expansions
            for node in expansion.children
            if graph.depth[node] >= self._deepest
        ]
        if states:
            self._release(states)
