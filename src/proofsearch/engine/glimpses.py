"""Glimpses of a search under way, for a person who watches: an observer that says now and then where it is."""

from __future__ import annotations

import time
from collections.abc import Callable

from proofsearch.graph import SearchGraph
from proofsearch.protocols import Usage
from proofsearch.protocols.events import Glimpse
from proofsearch.protocols.results import SearchResult
from proofsearch.types import Theorem

LONGEST_TEXT = 500
"""Characters of a state that a glimpse shows at most: a few lines of a terminal."""


class Glimpses:
    """Tells a glimpse every so often; a :class:`proofsearch.protocols.SearchObserver` for one search after another.

    Between two glimpses an expansion costs one look at the clock, and a state's text is made for those that are told.

    Args:
        tell: gets each glimpse, in the thread of the search.
        interval: seconds between two of them at least, also from one search to the next.
        usage: what the prover of the search used when it was asked last, where that is known.
        clock: seconds, from any origin, never going back.
    """

    def __init__(
        self,
        tell: Callable[[Glimpse], None],
        interval: float,
        usage: Callable[[], Usage | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._interval = interval
        self._usage = usage
        self._clock = clock
        self._next = clock()
        self._theorem = ""

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """Tells of the root, if it is time."""
        self._theorem = theorem.name
        self._look(graph, 0)

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """Tells of the node, if it is time."""
        self._look(graph, node)

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """Tells nothing: the result says more."""

    def _look(self, graph: SearchGraph, node: int) -> None:
        now = self._clock()
        if now < self._next:
            return
        self._next = now + self._interval
        state, usage = graph.state[node], self._usage()
        text = " ".join(state.text[: 2 * LONGEST_TEXT].split())
        self._tell(
            Glimpse(
                theorem=self._theorem,
                expansions=graph.num_expansions,
                depth=graph.depth[node],
                num_goals=state.num_goals,
                value=graph.value[node] if graph.has_value(node) else None,
                memory=None if usage is None else usage.memory,
                text=text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…",
            )
        )
