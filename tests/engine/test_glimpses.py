"""What a person sees of a search that is under way."""

from __future__ import annotations

from proofsearch.config import SearchConfig
from proofsearch.engine import search
from proofsearch.engine.glimpses import LONGEST_TEXT, Glimpses
from proofsearch.protocols import Usage
from proofsearch.protocols.events import Glimpse

from .fake import FINISH, THEOREM, FakeGenerator, FakeScorer, FakeSession, World


def chain(*texts: str) -> World:
    """A world with one way: from the root through these states to the end."""
    world = World(goals={texts[0]: 2} if texts else {})
    for source, target in zip(("root", *texts), (*texts, FINISH), strict=True):
        world.edge(source, target, -1.0)
    return world


def watched(world: World, interval: float, scorer: FakeScorer | None = None, searches: int = 1) -> list[Glimpse]:
    """What is told of searches in which each step takes a second, by one observer."""
    seen: list[Glimpse] = []
    now = [0.0]

    def tick() -> None:
        now[0] += 1.0

    glimpses = Glimpses(seen.append, interval, clock=lambda: now[0])
    for _ in range(searches):
        session = FakeSession(world, on_step=tick)
        search(THEOREM, session, FakeGenerator(world), scorer, config=SearchConfig(), observers=[glimpses])
    return seen


def test_each_expansion_is_told_where_there_is_time_enough() -> None:
    seen = watched(chain("a", "b"), 1.0, FakeScorer({"a": -3.0, "b": -0.5}))
    assert seen == [
        Glimpse("fake", 0, 0, 1, None, "root"),
        Glimpse("fake", 1, 0, 1, None, "root"),
        Glimpse("fake", 2, 1, 2, -3.0, "a"),
        Glimpse("fake", 3, 2, 1, -0.5, "b"),
    ]


def test_no_more_is_told_than_one_an_interval() -> None:
    world = chain(*(f"s{number}" for number in range(20)))
    assert [glimpse.expansions for glimpse in watched(world, 5.0)] == [0, 5, 10, 15, 20]
    assert len(watched(world, 1000.0)) == 1


def test_the_interval_goes_on_from_one_search_to_the_next() -> None:
    """Of thousands of short searches a person sees no more than of a long one."""
    # Two steps a search, 20 seconds in all.
    assert len(watched(chain("a"), 5.0, searches=10)) in (4, 5)


def test_what_the_prover_used_last_is_told() -> None:
    seen: list[Glimpse] = []
    used = iter([None, Usage(memory=7), Usage(memory=9), Usage(memory=8)])
    glimpses = Glimpses(seen.append, 0.0, lambda: next(used))
    world = chain("a", "b")
    search(THEOREM, FakeSession(world), FakeGenerator(world), config=SearchConfig(), observers=[glimpses])
    assert [glimpse.memory for glimpse in seen] == [None, 7, 9, 8]


def test_a_state_without_a_value_has_none() -> None:
    assert {glimpse.value for glimpse in watched(chain("a"), 0.0)} == {None}
    assert {glimpse.value for glimpse in watched(chain("a"), 0.0, FakeScorer({}))} == {None}


def test_a_long_state_is_one_line_that_is_cut() -> None:
    text = "p  is\n\tq " * 200
    (glimpse,) = {glimpse for glimpse in watched(chain(text), 0.0) if glimpse.depth == 1}
    assert len(glimpse.text) == LONGEST_TEXT
    assert glimpse.text.startswith("p is q p is q")
    assert glimpse.text.endswith("…")
    short = watched(chain("p\nis  q"), 0.0)[-1]
    assert short.text == "p is q"
