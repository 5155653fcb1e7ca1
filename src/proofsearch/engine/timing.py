"""How long single steps take, where they are slow enough to be worth two looks at the clock each.

A prover in this process steps in microseconds, and a search of it should not pay for looking. So the steps of an
expansion are timed one by one only where those of the expansion before were slow on average; for the first expansion,
where the first state was slow to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.types import Outcome

SLOW = 1e-3
"""Seconds a step, on average over an expansion, from which on steps are timed."""


class StepTimes:
    """Times the steps of one search.

    Args:
        clock: seconds, from any origin, never going back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._slow = False
        self._taken: list[float] = []

    def measured(self, outcomes: Iterable[Outcome]) -> Iterable[Outcome]:
        """The outcomes of one expansion's steps, timed as they are asked for if it is worth it."""
        return self._timed(outcomes) if self._slow else outcomes

    def note(self, graph: SearchGraph, first_edge: int, count: int, seconds: float) -> None:
        """Writes the times of an expansion's steps into the graph, and decides about the next expansion.

        Args:
            graph: gets them, if the steps were slow on average.
            first_edge: the edge of the first step.
            count: how many steps there were.
            seconds: what all of them took.
        """
        self._slow = seconds >= SLOW * max(1, count)
        if self._taken:
            if self._slow:
                graph.edge_seconds.update(enumerate(self._taken[:count], first_edge))
            self._taken = []

    def _timed(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        clock, note = self._clock, self._taken.append
        began = clock()
        for outcome in outcomes:
            note(clock() - began)
            yield outcome
            began = clock()  # what was done with the outcome is none of the step's time
