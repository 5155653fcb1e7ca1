"""Would catch: an observer that changes a search, by what it raises or by being there; a Ctrl-C that is swallowed."""

from __future__ import annotations

from typing import Any

import pytest

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchGraph, search
from proofsearch.engine.watching import Watcher
from proofsearch.errors import UsageError
from proofsearch.testing import graph_hash

from .fake import THEOREM, FakeGenerator, FakeScorer, FakeSession, accept_all, random_world


class Idle:
    """Looks at everything; raises on the expansion that it is made for."""

    def __init__(self, raises: BaseException | None = None, at: int = 3) -> None:
        self.raises, self.at = raises, at
        self.told: list[str] = []

    def started(self, theorem: Any, graph: SearchGraph) -> None:
        self.told.append("started")

    def expanded(self, graph: SearchGraph, node: int) -> None:
        self.told.append("expanded")
        graph_hash(graph)
        if self.raises is not None and self.told.count("expanded") == self.at:
            raise self.raises

    def finished(self, graph: SearchGraph, result: Any) -> None:
        self.told.append("finished")

    def close(self) -> None:
        self.told.append("close")


def searched(strategy: str, *observers: Watcher) -> tuple[str, Any]:
    world = random_world(7, states=40, branching=6, finish=0.02)
    values = {text: float(len(text)) for text in world.policy}
    config = SearchConfig.model_validate(
        {"strategy": strategy, "limit": {"expansions": 12}, "priority": {"kind": "astar"}}
    )
    result = search(
        THEOREM,
        FakeSession(world),
        FakeGenerator(world),
        FakeScorer(values, 0.0),
        config=config,
        accept=accept_all,
        observers=observers,
        clock=lambda: 0.0,
    )
    return graph_hash(result.graph), result


@pytest.mark.parametrize("strategy", ["best-first", "and-or", "puct"])
@pytest.mark.parametrize("raises", [None, ValueError("no"), UsageError("no"), MemoryError(), SystemExit(1)])
def test_the_graph_is_the_same_with_an_observer_and_without(strategy: str, raises: BaseException | None) -> None:
    observer = Idle(raises)
    watcher = Watcher(observer)
    alone, watched = searched(strategy), searched(strategy, watcher)
    assert alone == watched
    assert observer.told.count("expanded") == (alone[1].expansions if raises is None else 3)
    assert ("finished" in observer.told) == (raises is None)
    failure = watcher.take_failure()
    assert (failure is None) == (raises is None)
    assert watcher.take_failure() is None, "it is said once"
    if failure is not None:
        assert failure.__cause__ is raises
        assert "expanded() raised" in str(failure)
        assert not watcher.sees_searches
    watcher.close()
    watcher.close()
    assert observer.told[-1] == "close"
    assert observer.told.count("close") == 1


def test_a_ctrl_c_in_an_observer_ends_the_search() -> None:
    with pytest.raises(KeyboardInterrupt):
        searched("best-first", Watcher(Idle(KeyboardInterrupt())))


def test_what_an_observer_has_no_methods_for_it_is_not_told() -> None:
    class Deaf:
        def close(self) -> None:
            pass

    watcher = Watcher(Deaf())
    assert not watcher.sees_searches
    assert searched("best-first", watcher) == searched("best-first")
    assert watcher.take_failure() is None


class Timer(Idle):
    """Adds up what it is told of the parts of a search; raises at the first of a kind."""

    def __init__(self, raises_at: str = "", shortest: float = 0.0) -> None:
        super().__init__()
        self.shortest = shortest
        self.raises_at = raises_at
        self.counts: dict[str, int] = {}

    def timed(self, part: str, began: float, ended: float, count: int) -> None:
        assert began <= ended
        self.counts[part] = self.counts.get(part, 0) + count
        if part == self.raises_at:
            raise ValueError("no")


def test_parts_are_told_and_add_up_to_what_the_result_says() -> None:
    timer = Timer()
    alone, (graph, result) = searched("best-first"), searched("best-first", Watcher(timer))
    assert alone == (graph, result)
    assert timer.counts == {
        "generate": result.generated,
        "step": result.steps,
        "score": result.scored,
        "verify": result.refused + (result.verdict is not None),
    }
    assert result.verdict is not None, "otherwise nothing is verified here"


@pytest.mark.parametrize("part", ["generate", "step", "score", "verify"])
def test_an_observer_that_raises_at_a_part_is_told_of_nothing_more(part: str) -> None:
    timer = Timer(part)
    watcher = Watcher(timer)
    assert searched("best-first") == searched("best-first", watcher)
    assert "timed() raised ValueError: no" in str(watcher.take_failure())
    assert timer.told[-1] != "finished"


def test_short_parts_are_not_told_and_each_observer_says_what_is_short() -> None:
    every, none = Timer(), Timer(shortest=1.0)
    searched("best-first", Watcher(none), Watcher(every))  # its clock stands still
    assert none.counts == {} and every.counts
