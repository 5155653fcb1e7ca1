"""Which steps are timed, and what of a time is the step's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.engine.timing import SLOW
from proofsearch.types import Outcome, ProofState, Verdict

from .fake import FINISH, REJECT, THEOREM, FakeGenerator, FakeSession, World


class Clock:
    """Stands still but for what is said to take time; counts how often it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


class Timed(FakeSession):
    """Each step takes what ``seconds`` says of its tactic; the first state takes ``begin``."""

    def __init__(self, world: World, clock: Clock, seconds: dict[str, float], begin: float = 0.0) -> None:
        super().__init__(world)
        self.clock, self.seconds, self.begin = clock, seconds, begin

    def initial(self) -> Outcome:
        self.clock.now += self.begin
        return super().initial()

    def step(self, state: ProofState, tactic: str) -> Outcome:
        self.clock.now += self.seconds.get(tactic, 0.0)
        return super().step(state, tactic)


class TimedMany(Timed):
    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        return (self.step(state, tactic) for tactic in tactics)


def world() -> World:
    """Three expansions with two steps each: the first goes on, the other is rejected."""
    made = World()
    for source, target in (("root", "a"), ("a", "b"), ("b", "c")):
        made.edge(source, target, -0.1)
        made.edge(source, REJECT, -0.2, tactic=f"no {source}")
    return made


def run(seconds: dict[str, float], begin: float = 0.0, session: type[Timed] = Timed) -> tuple[SearchResult, Clock]:
    clock = Clock()
    made = world()
    config = SearchConfig.model_validate({"limit": {"expansions": 3}})
    result = search(THEOREM, session(made, clock, seconds, begin), FakeGenerator(made), config=config, clock=clock)
    return result, clock


SLOW_STEPS = {"to a": 2.0, "no root": 1.0, "to b": 3.0, "no a": 4.0, "to c": 5.0, "no b": 6.0}


@pytest.mark.parametrize("session", [Timed, TimedMany])
def test_steps_are_timed_once_those_before_were_slow(session: type[Timed]) -> None:
    result, _ = run(SLOW_STEPS, session=session)
    assert result.graph.edge_seconds == {2: 3.0, 3: 4.0, 4: 5.0, 5: 6.0}
    result, _ = run(SLOW_STEPS, begin=1.0, session=session)
    assert result.graph.edge_seconds == {0: 2.0, 1: 1.0, 2: 3.0, 3: 4.0, 4: 5.0, 5: 6.0}


def test_steps_that_are_fast_again_are_not_kept_and_not_timed_any_more() -> None:
    result, _ = run({"to a": 1.0, "no root": 1.0, "to c": 5.0})
    assert result.graph.edge_seconds == {}


def test_fast_steps_cost_no_look_at_the_clock() -> None:
    _, fast = run({})
    _, nearly = run(dict.fromkeys(SLOW_STEPS, 0.9 * SLOW))
    _, slow = run(SLOW_STEPS)
    assert fast.looks == nearly.looks < slow.looks


def test_what_is_checked_of_a_finished_path_is_none_of_a_steps_time() -> None:
    clock = Clock()
    made = World().edge("root", FINISH, -0.1, tactic="first").edge("root", "a", -0.2)

    def accept(path: tuple[str, ...]) -> tuple[Verdict, None]:
        clock.now += 100.0
        return Verdict(False, "strict"), None

    session = Timed(made, clock, {"first": 2.0, "to a": 3.0}, begin=1.0)
    result = search(THEOREM, session, FakeGenerator(made), config=SearchConfig(), accept=accept, clock=clock)
    assert result.graph.edge_seconds == {0: 2.0, 1: 3.0}
    assert (result.step_seconds, result.accept_seconds) == (6.0, 100.0)
