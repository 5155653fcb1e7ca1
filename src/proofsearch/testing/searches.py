"""Searches that checks make: one call a search, what it is compared by, and a witness of what its strategy does."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal

from proofsearch.config import LimitConfig, PriorityConfig, SearchConfig
from proofsearch.engine import SearchGraph, SearchResult, search
from proofsearch.engine.acceptance import Accept
from proofsearch.protocols import (
    Calibration,
    Choice,
    Expansion,
    Exploration,
    Priority,
    ScoreRequest,
    SearchHandle,
    SearchObserver,
    Strategy,
    StrategyTraits,
    TakesApart,
    ValueScorer,
)
from proofsearch.testing.mazes import World
from proofsearch.types import ProofState, Verdict

LIMIT = 400
"""Expansions after which a search of a check ends: more than any of its worlds has states."""

CALIBRATION = Calibration(0.5, 0.3, -3.0, 2.0, value_weight=0.4, goal_weight=0.5)
"""One that fits :class:`HashedValues`."""

_COLUMNS = (
    "depth",
    "logprob",
    "num_tokens",
    "value",
    "priority",
    "best_edge",
    "expanded_at",
    "expanded",
    "expanded_again",
    "edge_source",
    "edge_target",
    "edge_also",
    "edge_tactic",
    "edge_logprob",
    "edge_num_tokens",
    "edge_outcome",
    "edge_message",
    "solved_by",
)


def graph_hash(graph: SearchGraph, without: Collection[str] = ()) -> str:
    """A hash of everything that a search found, times left out: equal for equal searches.

    Args:
        graph: of the search.
        without: names of columns that are left out as well.
    """
    found = hashlib.blake2b(digest_size=16)
    for state in graph.state:
        found.update(f"{state.num_goals} {state.text!r}\n".encode())
    for column in _COLUMNS:
        if column not in without:
            found.update(f"{column}: {getattr(graph, column)!r}\n".encode())
    return found.hexdigest()


class HashedValues(ValueScorer):
    """A value of each state that means nothing, in [0, 1); a :class:`proofsearch.protocols.ValueScorer`.

    Attributes:
        asked: the texts of the states that were asked about, in order.
    """

    def __init__(self, salt: str = "") -> None:
        self._salt = salt
        self.asked: list[str] = []

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """One value a request."""
        self.asked += [request.state.text for request in requests]
        return [self._value(request.state.text) for request in requests]

    def _value(self, text: str) -> float:
        return hashlib.blake2b((self._salt + text).encode(), digest_size=1).digest()[0] / 256


class NoValues(HashedValues):
    """A scorer that fails."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """Raises."""
        raise RuntimeError("a scorer that always fails")


class Witness:
    """Sees what a strategy does; what a check looks at is overridden."""

    def chosen(self, handle: SearchHandle, room: int, choices: Sequence[Choice]) -> None:
        """Is called when the strategy has chosen what to expand."""

    def before(self, handle: SearchHandle) -> None:
        """Is called before the strategy is told of expansions."""

    def after(self, handle: SearchHandle) -> None:
        """Is called after the strategy was told of expansions."""


class Witnessed:
    """A strategy that does what another does, before a witness."""

    def __init__(self, strategy: Strategy, witness: Witness) -> None:
        self._strategy = strategy
        self._witness = witness

    @property
    def traits(self) -> StrategyTraits:
        """The traits of the strategy that is watched."""
        return self._strategy.traits

    def begin(self, search: SearchHandle) -> Exploration:
        """The other's exploration, before the witness."""
        exploration = self._strategy.begin(search)
        kind = _Apart if isinstance(exploration, TakesApart) else _Whole
        return kind(exploration, search, self._witness)


class _Whole:
    def __init__(self, exploration: Any, handle: SearchHandle, witness: Witness) -> None:
        self._exploration = exploration
        self._handle = handle
        self._witness = witness

    def exhausted(self) -> bool:
        return bool(self._exploration.exhausted())

    def next(self, room: int) -> Sequence[Choice]:
        choices: Sequence[Choice] = self._exploration.next(room)
        self._witness.chosen(self._handle, room, choices)
        return choices

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        self._witness.before(self._handle)
        self._exploration.expanded(expansions)
        self._witness.after(self._handle)

    def proof(self, node: int, tactic: str) -> tuple[str, ...] | None:
        path: tuple[str, ...] | None = self._exploration.proof(node, tactic)
        return path


class _Apart(_Whole):
    def parts(self, state: ProofState) -> Sequence[ProofState]:
        found: Sequence[ProofState] = self._exploration.parts(state)
        return found

    def closes(self, parts: Sequence[ProofState]) -> bool:
        return bool(self._exploration.closes(parts))

    def ways(self, edge: int) -> Iterator[tuple[str, ...]]:
        found: Iterator[tuple[str, ...]] = self._exploration.ways(edge)
        return found

    def accept(self, edge: int) -> None:
        self._exploration.accept(edge)


@dataclass(frozen=True, slots=True)
class Trial:
    """How a search of a check is made.

    Attributes:
        scorer: the value function, if there is one.
        priority: what is ordered by; ``None``: ``astar`` where there is a scorer, else ``logprob``.
        calibration: what the scorer would know.
        batch, defer, max_depth: as in the configuration.
        expansions: how many at most.
        accept: whether finished paths that are proofs are taken for such.
        observers: who watches.
        goal_weight: as in the configuration.
        proposals: as in the configuration; whole proofs are asked for at the first few states.
    """

    scorer: ValueScorer | None = None
    priority: Priority | None = None
    calibration: Calibration | None = None
    batch: int = 1
    defer: int | None = None
    max_depth: int | None = None
    expansions: int = LIMIT
    accept: bool = True
    observers: Sequence[SearchObserver] = field(default=())
    goal_weight: float | None = None
    proposals: Literal["steps", "both"] = "steps"

    def run(self, world: World, strategy: Strategy | None = None) -> SearchResult:
        """Searches; default: best-first."""
        kind = "astar" if self.scorer is not None else "logprob"
        config = SearchConfig(
            candidates=8,
            batch=self.batch,
            defer=self.defer,
            proposals=self.proposals,
            script_states=1 if self.proposals == "steps" else 3,
            max_depth=self.max_depth,
            limit=LimitConfig(expansions=self.expansions),
            priority=PriorityConfig(kind=kind, goal_weight=self.goal_weight),
        )
        accept: Accept = (lambda path: (world.check(path), None)) if self.accept else _refuse
        with closing(world.open()) as session:
            return search(
                world.theorem,
                session,
                world.generator,
                self.scorer,
                config=config,
                accept=accept,
                observers=self.observers,
                calibration=self.calibration,
                strategy=strategy,
                priority=self.priority,
            )


def _refuse(tactics: tuple[str, ...]) -> tuple[Verdict, None]:
    return Verdict(False, "one that believes nothing", "refused"), None
