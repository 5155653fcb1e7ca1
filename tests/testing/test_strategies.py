"""The checks of strategies: a sound one passes, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from conforming import failed

from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import Choice, Expansion, SearchHandle, StrategyTraits
from proofsearch.testing import CountdownConfig, CountdownEnvironment, SampleBuilder, check_strategy
from proofsearch.types import Finished, Theorem


class Breadth:
    """Expands nodes in the order in which they were found. What is broken overrides one method."""

    traits: Any = StrategyTraits()

    def __init__(self, config: object = None, builder: object = None) -> None:
        pass

    def begin(self, search: SearchHandle) -> Any:
        return type(self)._of(self, search)

    @classmethod
    def _of(cls, strategy: Breadth, search: SearchHandle) -> Any:
        exploration = object.__new__(cls)
        exploration.strategy = strategy
        exploration.search = search
        exploration.had_scorer = search.scored
        exploration.queue = [0]
        exploration.turns = 0
        search.graph.priority[0] = 0.0
        return exploration

    strategy: Breadth
    search: SearchHandle
    had_scorer: bool
    queue: list[int]
    turns: int

    def exhausted(self) -> bool:
        return not self.queue

    def next(self, room: int) -> Sequence[Choice]:
        self.turns += 1
        return [Choice(self.queue.pop(0))]

    def proof(self, node: int, tactic: str) -> tuple[str, ...]:
        return (*self.search.graph.path(node), tactic)

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        for expansion in expansions:
            children = expansion.children
            if self.search.scored and children and not self.search.ended:
                self.score(children)
            self.search.graph.priority.extend(array("d", map(self.priority, children)))
            self.queue += [node for node in children if self.waits(node)]

    def score(self, children: range) -> None:
        self.search.score(children)

    def priority(self, node: int) -> float:
        return -float(node)

    def waits(self, node: int) -> bool:
        depth = self.search.config.max_depth
        return depth is None or self.search.graph.depth[node] < depth


class Fickle(Breadth):
    asked = itertools.count()

    @property
    def traits(self) -> StrategyTraits:
        return StrategyTraits(revisits=next(self.asked) % 2 == 0)

    @traits.setter
    def traits(self, value: object) -> None:
        raise AssertionError


class Greedy(Breadth):
    """Gives all it has, whatever the room."""

    def next(self, room: int) -> Sequence[Choice]:
        choices, self.queue = [Choice(node) for node in self.queue], []
        return choices


class Again(Breadth):
    def next(self, room: int) -> Sequence[Choice]:
        self.turns += 1
        return [Choice(0)] if self.turns == 2 else [Choice(self.queue.pop(0))]


class Deep(Breadth):
    def waits(self, node: int) -> bool:
        return True


class Silent(Breadth):
    def expanded(self, expansions: Sequence[Expansion]) -> None:
        super().expanded(expansions)
        if not self.search.ended and expansions[-1].children:
            self.search.graph.priority.pop()


class Meddling(Breadth):
    def expanded(self, expansions: Sequence[Expansion]) -> None:
        super().expanded(expansions)
        self.search.graph.num_tokens[-1] += 1


class Unscored(Breadth):
    def score(self, children: range) -> None:
        self.search.score(children[1:])


class Twice(Breadth):
    def score(self, children: range) -> None:
        for _ in range(2):
            super().score(children)


class Endless(Breadth):
    """Expands the root again and again once all else is done."""

    traits: ClassVar = StrategyTraits(revisits=True)

    def exhausted(self) -> bool:
        return False

    def next(self, room: int) -> Sequence[Choice]:
        return [Choice(self.queue.pop(0) if self.queue else 0)]


class Impatient(Breadth):
    def exhausted(self) -> bool:
        return super().exhausted() or self.turns == 2


class Lying(Breadth):
    def proof(self, node: int, tactic: str) -> tuple[str, ...]:
        return (*super().proof(node, tactic), tactic)


class Forgetful(Breadth):
    """Goes on counting from search to search."""

    def __init__(self, config: object = None, builder: object = None) -> None:
        self.searches = 0

    def begin(self, search: SearchHandle) -> Any:
        self.searches += 1
        return super().begin(search)

    def priority(self, node: int) -> float:
        return -float(node) - self.strategy.searches  # type: ignore[attr-defined]


class Numbered(Breadth):
    made = itertools.count()

    def __init__(self, config: object = None, builder: object = None) -> None:
        self.number = next(self.made)

    def priority(self, node: int) -> float:
        return -float(node) - self.strategy.number  # type: ignore[attr-defined]


class Trusting(Breadth):
    def priority(self, node: int) -> float:
        graph = self.search.graph
        if self.had_scorer and not self.search.ended and self.search.graph.value[node] != graph.value[node]:
            raise ValueError("no value")
        return -float(node)


class Sulking(Breadth):
    def expanded(self, expansions: Sequence[Expansion]) -> None:
        super().expanded(expansions)
        if self.search.refused:
            raise RuntimeError("my proof was refused")


class Claims(Breadth):
    """Orders by the priority and says that it doesn't."""

    traits: ClassVar = StrategyTraits(uses_priority=False)

    def priority(self, node: int) -> float:
        from proofsearch.engine.ordering import Columns

        return self.search.priority(Columns(self.search.graph, [node], 0.0, {}))[0]


class Deferring(Breadth):
    traits: ClassVar = StrategyTraits(defers=True)


class Deaf(Breadth):
    """Says that it replays, and takes no notice of it."""

    traits: ClassVar = StrategyTraits(replays=True)

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        super().expanded([expansion for expansion in expansions if not expansion.replayed])


class Trivial(CountdownEnvironment):
    def open(self, theorem: Theorem) -> Any:
        session = super().open(theorem)
        session.initial = Finished  # type: ignore[method-assign]
        return session


def test_a_sound_strategy_passes() -> None:
    report = check_strategy(Breadth)
    assert {"proves what is provable", "it ends", "keeps to the room"} <= set(report.names("passed"))


@pytest.mark.parametrize(
    ("strategy", "check"),
    [
        (Fickle, "steady traits"),
        (Greedy, "keeps to the room"),
        (Again, "expands what waits"),
        (Deep, "expands what waits"),
        (Silent, "a priority a node"),
        (Meddling, "leaves the graph alone"),
        (Unscored, "scores new states once"),
        (Twice, "scores new states once"),
        (Endless, "it ends"),
        (Impatient, "proves what is provable"),
        (Lying, "its proofs are proofs"),
        (Forgetful, "the same search again"),
        (Numbered, "the same search again"),
        (Trusting, "goes on without values"),
        (Sulking, "outlives refusals"),
        (Claims, "the priority counts or not"),
        (Deferring, "puts off scores"),
        (Deaf, "searches on from scripts"),
    ],
)
def test_a_broken_strategy_fails_that_check_alone(strategy: type[Breadth], check: str) -> None:
    assert failed(check_strategy, strategy) == [check]


def test_theorems_that_are_finished_at_once_are_no_fault() -> None:
    with SampleBuilder(Trivial(CountdownConfig(size=4))) as builder:
        assert check_strategy(Breadth, builder=builder).conforms


def test_the_strategies_that_come_along_pass() -> None:
    for entry in Plugins.discover().registry("strategy"):
        make, config = entry.factory, entry.config() if entry.config else None
        report = check_strategy(make, config, name=entry.name)
        assert report.conforms
        for check, able in (
            ("puts off scores", ["best-first", "and-or"]),
            ("searches on from scripts", ["best-first"]),
        ):
            assert (check in report.names("passed")) == (entry.name in able)
