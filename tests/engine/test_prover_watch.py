"""What a prover uses during a search, how often it is asked, and when it is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, repeat

from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.engine.prover_watch import ProverWatch
from proofsearch.protocols import Usage
from proofsearch.types import Outcome, ProofState

from .fake import THEOREM, FakeGenerator, FakeSession, World, random_world, refuse_all


class Telling(FakeSession):
    """Says that it uses what it is given, one after the other; each step takes a second."""

    def __init__(self, world: World, memory: Iterator[int]) -> None:
        super().__init__(world, on_step=self.tick)
        self.now = 0.0
        self.memory = memory
        self.asked: list[float] = []

    def tick(self) -> None:
        self.now += 1.0

    def usage(self) -> Usage:
        self.asked.append(self.now)
        return Usage(next(self.memory), 1, len(self.tried))


class Renewing(Telling):
    """Holds 10 bytes of each state that it returned, and none once it is made anew; what it doesn't hold it replays."""

    def __init__(self, world: World) -> None:
        super().__init__(world, repeat(0))
        self.held: set[str] = set()
        self.renewed: list[int] = []

    def step(self, state: ProofState, tactic: str) -> Outcome:
        self.held.add(state.text)
        return super().step(state, tactic)

    def usage(self) -> Usage:
        self.asked.append(self.now)
        return Usage(10 * len(self.held), 1, len(self.held))

    def renew(self) -> None:
        self.renewed.append(len(self.held))
        self.held.clear()


class Huge(Renewing):
    def usage(self) -> Usage:
        self.asked.append(self.now)
        return Usage(5_000_000, 1, 0)


def chain(length: int) -> World:
    """A world with one way."""
    world = World()
    texts = ["root", *map(str, range(length))]
    for source, target in pairwise(texts):
        world.edge(source, target, -1.0)
    return world


def run(session: Telling, watch: ProverWatch | None = None, expansions: int = 20) -> SearchResult:
    config = SearchConfig.model_validate({"limit": {"expansions": expansions}})
    generator = FakeGenerator(session.world)
    return search(THEOREM, session, generator, config=config, accept=refuse_all, watch=watch)


def watching(session: Telling, most: float | None = None, interval: float = 0.0) -> ProverWatch:
    return ProverWatch(most, interval=interval, clock=lambda: session.now)


def test_the_highest_of_each_number_is_in_the_result() -> None:
    session = Telling(chain(4), iter([7, 9, 3, 2]))
    result = run(session, watching(session), expansions=4)
    assert (result.usage, result.replacements) == (Usage(9, 1, 4), 0)
    assert session.asked == [1.0, 2.0, 3.0, 4.0]


def test_it_is_asked_no_more_often_than_an_interval_says_from_one_search_to_the_next() -> None:
    session = Telling(chain(10), repeat(5))
    watch = watching(session, interval=4.0)
    for _ in range(3):
        result = run(session, watch, expansions=10)
        assert result.usage is not None
    assert session.asked == [1.0, 5.0, 9.0, 13.0, 17.0, 21.0, 25.0, 29.0]
    run(session, watch, expansions=10)
    assert len(session.asked) == 10
    assert run(session, watching(session, interval=1000.0), expansions=2).usage is not None, "asked at once"


def test_a_search_in_which_nobody_was_asked_says_nothing() -> None:
    session = Telling(chain(10), repeat(5))
    watch = watching(session, interval=1000.0)
    assert run(session, watch, expansions=2).usage == Usage(5, 1, 1)
    assert run(session, watch, expansions=2).usage is None
    plain = FakeSession(chain(10))
    assert search(THEOREM, plain, FakeGenerator(plain.world), config=SearchConfig()).usage is None


@given(st.integers(0, 10_000))
def test_a_prover_that_is_replaced_changes_nothing_of_the_search(seed: int) -> None:
    world = random_world(seed, finish=0.1)
    plain, renewing = Renewing(world), Renewing(world)
    first, second = run(plain), run(renewing, watching(renewing, most=30.0))
    assert first == second
    assert list(first.graph.edge_tactic) == list(second.graph.edge_tactic)
    assert plain.tried == renewing.tried
    assert plain.renewed == []
    assert second.replacements == len(renewing.renewed)
    assert all(held == 4 for held in renewing.renewed), "it is replaced as soon as it is above the bound, not before"
    stepped = {source for source, _ in plain.tried}
    assert len(stepped) < 4 or renewing.renewed


def test_a_prover_that_is_too_large_when_new_is_replaced_once_and_that_is_said() -> None:
    session = Huge(chain(20))
    result = run(session, watching(session, most=1_000_000.0), expansions=10)
    assert result.replacements == len(session.renewed) == 1
    assert result.messages == (
        "the prover uses 5 MB when it is new, more than it may: it is replaced no more in this search; give it more "
        "with --max-prover-memory",
    )


def test_a_prover_that_cannot_be_replaced_goes_on() -> None:
    session = Telling(chain(20), repeat(10**12))
    result = run(session, watching(session, most=1.0), expansions=10)
    assert (result.replacements, result.expansions, result.messages) == (0, 10, ())


class Pool:
    """An environment whose prover outlives its sessions."""

    def __init__(self, memory: int) -> None:
        self.memory, self.renewals = memory, 0

    def usage(self) -> Usage:
        return Usage(self.memory, 2, 0)

    def renew(self) -> None:
        self.renewals += 1
        self.memory = 1


def test_the_environment_answers_for_sessions_that_say_nothing_and_is_renewed_between_theorems() -> None:
    pool = Pool(50)
    watch = ProverWatch(20.0, pool, interval=0.0)
    plain = FakeSession(chain(10))
    result = search(THEOREM, plain, FakeGenerator(plain.world), config=SearchConfig(), watch=watch)
    assert (result.usage, result.replacements, pool.renewals) == (Usage(50, 2, 0), 0, 0)
    watch.between()
    assert (pool.renewals, watch.replacements) == (1, 1)
    watch.between()
    assert pool.renewals == 1
    unbounded = Pool(50)
    ProverWatch(None, unbounded).between()
    assert unbounded.renewals == 0
