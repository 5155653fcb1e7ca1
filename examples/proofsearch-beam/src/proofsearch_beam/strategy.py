"""Beam search: all states of a level are expanded, then the best of their children, a fixed number of them.

What a beam leaves aside is not lost: when nothing is left below, the best of it makes the next beam. So a proof is
found wherever there is one, only later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.engine.ordering import Order
from proofsearch.protocols import Choice, StrategyTraits

if TYPE_CHECKING:
    from proofsearch.protocols import Builder, Expansion, SearchHandle


class BeamConfig(ComponentConfig):
    """Options of the strategy ``beam``."""

    width: int = Field(default=8, ge=1, description="States of a level that are expanded.")


class Beam:
    """Searches level by level; see :class:`proofsearch.protocols.Strategy`.

    Args:
        width: states of a level that are expanded, at least 1.
    """

    traits: ClassVar = StrategyTraits(batches=True)

    def __init__(self, width: int) -> None:
        self._width = width

    def begin(self, search: SearchHandle) -> Levels:
        """The root alone is the first level."""
        return Levels(search, self._width)


class Levels:
    """The present level of one search, what was found below it, and what earlier beams left aside."""

    def __init__(self, search: SearchHandle, width: int) -> None:
        self._search = search
        self._graph = graph = search.graph
        self._width = width
        deepest = search.config.max_depth
        self._deepest = inf if deepest is None else deepest
        self._order = Order(
            search.priority,
            graph,
            search.calibration,
            scored=search.scored,
            goal_weight=search.config.priority.goal_weight,
        )
        graph.priority[0] = 0.0
        self._level = deque([0])
        self._found: list[int] = []
        self._aside: list[int] = []
        self._known = {0}  # whatever is or was in one of the three

    def exhausted(self) -> bool:
        """Whether nothing is left to expand."""
        return not (self._level or self._found or self._aside)

    def next(self, room: int) -> Sequence[Choice]:
        """States of the present level, else of the next one."""
        if not self._level:
            self._choose_level()
        return [Choice(self._level.popleft()) for _ in range(min(room, len(self._level)))]

    def _choose_level(self) -> None:
        """The best of what was found, or of what was left aside; by what the graph knows of them now."""
        nodes = self._found or self._aside
        priority = dict(zip(nodes, self._order(nodes)[0], strict=True))
        ranked = sorted(nodes, key=lambda node: (-priority[node], node))
        self._aside = (self._aside if self._found else []) + ranked[self._width :]
        self._found = []
        self._level.extend(ranked[: self._width])

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        """Has new states scored, gives each a priority, and adds them to what was found."""
        if self._search.ended:
            return
        for expansion in expansions:
            if expansion.children:
                self._score(expansion.children)
                self._graph.priority.extend(self._order(expansion.children)[0])
            for node in (*expansion.children, *expansion.improved):
                # Where a better way is a shorter one, what was too deep may not be any more.
                if node not in self._known and self._graph.depth[node] < self._deepest:
                    self._known.add(node)
                    self._found.append(node)

    def _score(self, nodes: range) -> None:
        if self._search.scored:
            self._search.score(nodes)
            self._order.observe(nodes)
            if not self._search.scored:  # the scorer failed too often
                self._order.forget_values()

    def proof(self, node: int, tactic: str) -> tuple[str, ...]:
        """The best path to the state, and the tactic that finishes it."""
        return (*self._graph.path(node), tactic)


def make_beam(config: BeamConfig, builder: Builder) -> Beam:
    """Builds the strategy."""
    return Beam(config.width)
