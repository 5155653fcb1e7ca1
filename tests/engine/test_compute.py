"""What a search counts: calls, tokens, and the processor time of the prover."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.engine.prover_watch import ProverWatch
from proofsearch.protocols import GenerationRequest, Suggestions, TheoremResult, Usage
from proofsearch.types import Candidate, Finished, Outcome, Verdict

from .fake import FINISH, THEOREM, FakeGenerator, FakeScorer, FakeSession, World, refuse_all


class Counting(FakeGenerator):
    """Reads 7 tokens a state and writes 3, and says so of the first ``says`` states."""

    def __init__(self, world: World, says: int = 1000) -> None:
        super().__init__(world)
        self.says = says

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        answers: list[Sequence[Candidate]] = []
        for answer in super().generate(requests, n):
            self.says -= 1
            answers.append(Suggestions(answer, tokens_in=7, tokens_out=3) if self.says >= 0 else answer)
        return answers


class Working(FakeSession):
    """Each step works for a second in this process and for ten in one of its own."""

    def __init__(self, world: World) -> None:
        super().__init__(world, on_step=self.tick)
        self.here = 0.0
        self.apart = 100.0

    def tick(self) -> None:
        self.here += 1.0
        self.apart += 10.0

    def processor_seconds(self) -> float:
        return self.apart


class Done(FakeSession):
    """Nothing is to be proved."""

    def initial(self) -> Outcome:
        return Finished()


def chain(length: int) -> World:
    world = World()
    texts = ["root", *map(str, range(length))]
    for source, target in pairwise(texts):
        world.edge(source, target, -1.0)
    return world


def run(session: FakeSession, generator: FakeGenerator, **how: object) -> SearchResult:
    config = SearchConfig.model_validate({"limit": {"expansions": 4}, "priority": {"kind": "logprob"}})
    return search(THEOREM, session, generator, config=config, **how)  # type: ignore[arg-type]


def test_calls_and_tokens_are_those_of_all_expansions() -> None:
    world = chain(9)
    result = run(FakeSession(world), Counting(world), scorer=FakeScorer({}, 0.0), accept=refuse_all)
    assert (result.generate_calls, result.tokens_in, result.tokens_out) == (4, 28, 12)
    assert result.score_calls == 4, "the child of each expansion"
    kept = TheoremResult.from_search(result, seed=0)
    assert (kept.tokens_in, kept.tokens_out, kept.tokens, kept.generate_calls) == (28, 12, 40, 4)


@pytest.mark.parametrize("says", [0, 1, 3])
def test_tokens_that_are_not_all_known_are_none_rather_than_fewer(says: int) -> None:
    world = chain(9)
    result = run(FakeSession(world), Counting(world, says))
    assert (result.tokens_in, result.tokens_out) == (None, None)
    assert TheoremResult.from_search(result, seed=0).tokens is None


def test_a_search_that_asked_nobody_has_no_tokens() -> None:
    world = chain(0)
    assert run(Done(world), Counting(world), accept=refuse_all).tokens_in is None


def test_processor_time_of_steps_is_the_provers_and_that_of_the_check_is_nobodys() -> None:
    world = chain(2).edge("1", FINISH, -1.0)
    session = Working(world)

    def check(path: tuple[str, ...]) -> tuple[Verdict, None]:
        session.here += 1000.0
        return Verdict(proved=False, checker="none"), None

    now = lambda: session.here  # noqa: E731
    result = run(session, FakeGenerator(world), accept=check, processor=now, clock=now)
    assert (result.steps, result.refused, session.here) == (3, 1, 1003.0)
    assert result.prover_processor_seconds == pytest.approx(33.0)
    assert result.processor_seconds == pytest.approx(33.0)


def test_of_many_expansions_some_are_measured_and_the_others_are_in_proportion() -> None:
    world = chain(200)
    session = Working(world)
    looked = 0

    def processor() -> float:
        nonlocal looked
        looked += 1
        return session.here / 2

    how = {"clock": lambda: session.here, "processor": processor}
    config = SearchConfig.model_validate({"limit": {"expansions": 160}, "priority": {"kind": "logprob"}})
    result = search(THEOREM, session, FakeGenerator(world), config=config, **how)  # type: ignore[arg-type]
    assert result.steps == 160
    assert result.prover_processor_seconds == pytest.approx(160 * 10.5)
    assert looked < 40, "a look costs microseconds, and an expansion may take a hundred"


class Apart(FakeSession):
    """Its prover runs in a process of its own, and nobody knows for how long."""

    def usage(self) -> Usage:
        return Usage(10, 1, 0)


def test_the_time_of_a_process_that_does_not_say_is_missing() -> None:
    world = chain(9)
    result = run(Apart(world), FakeGenerator(world), watch=ProverWatch(interval=0.0))
    assert (result.processor_seconds, result.prover_processor_seconds) == (None, None)


def test_by_default_the_processor_time_is_that_of_this_thread() -> None:
    world = chain(9)
    began = time.thread_time()
    result = run(FakeSession(world), FakeGenerator(world))
    spent = time.thread_time() - began
    assert result.processor_seconds is not None and result.prover_processor_seconds is not None
    assert 0 <= result.prover_processor_seconds <= result.processor_seconds <= spent


def test_suggestions_are_a_list_that_travels_with_its_tokens() -> None:
    answer = Suggestions([Candidate("a", -1.0)], tokens_in=5, tokens_out=2)
    assert answer == [Candidate("a", -1.0)]
    again = pickle.loads(pickle.dumps(answer))
    assert (again, again.tokens_in, again.tokens_out) == (answer, 5, 2)
