"""Recording along known proofs: what the scorer and the generator make of the library's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakeprover import FakeConfig, FakeEnvironment, state
from faketrainer import ShownEnvironment
from installing import Site

from proofsearch import Candidate, Demonstration, ProofState, Theorem
from proofsearch.builtins.demonstration import OFF_PATH, DemonstratedGenerator, DemonstrationScorer
from proofsearch.config import RunConfig
from proofsearch.errors import UsageError
from proofsearch.protocols import GenerationRequest, PolicyStatistics, Prepares, ScoreRequest
from proofsearch.runs.run import run_search
from proofsearch.trajectory.reader import read_searches

THEOREM = Theorem("ten", "10 is 0")
"""Its known proof: 10 half 5 dec 4 half 2 half 1 dec 0."""

NOBODY: Any = None
"""The builder that this environment doesn't ask."""


class Counting(ShownEnvironment):
    """Counts how often the library is asked for its proofs."""

    def __init__(self) -> None:
        super().__init__(FakeConfig(), NOBODY)
        self.asked: list[str] = []

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        self.asked += [theorem.name for theorem in theorems]
        return super().demonstrations(theorems)


class Policy:
    """Suggests what it was given."""

    def __init__(self, *candidates: Candidate) -> None:
        self.candidates, self.prepared = candidates, 0

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        return [list(self.candidates[:n]) for _ in requests]

    def prepare(self) -> None:
        self.prepared += 1

    def close(self) -> None:
        pass


class Unprepared:
    """A policy with nothing to prepare."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        return [[] for _ in requests]

    def close(self) -> None:
        pass


def values(numbers: Sequence[int], theorem: Theorem = THEOREM) -> list[float | None]:
    scorer = DemonstrationScorer(Counting())
    return scorer.score([ScoreRequest(theorem, state(number), 0, 0.0, 0) for number in numbers])


def suggested(policy: Any, at: ProofState, n: int = 3) -> list[Candidate]:
    return DemonstratedGenerator(policy, Counting()).generate([GenerationRequest(THEOREM, at)], n)[0]


def test_states_of_the_proof_are_worth_minus_the_steps_left_and_all_others_less() -> None:
    assert values([10, 5, 4, 2, 1]) == [-5.0, -4.0, -3.0, -2.0, -1.0]
    assert values([9, 3]) == [OFF_PATH, OFF_PATH]
    assert OFF_PATH < -5.0


def test_another_theorems_proof_is_not_this_ones() -> None:
    scorer = DemonstrationScorer(Counting())
    other = Theorem("three", "3 is 0")
    requests = [ScoreRequest(theorem, state(5), 0, 0.0, 0) for theorem in (THEOREM, other, THEOREM)]
    assert scorer.score(requests) == [-4.0, OFF_PATH, -4.0]


def test_the_library_is_asked_once_a_theorem() -> None:
    environment = Counting()
    scorer = DemonstrationScorer(environment)
    for number in (10, 9, 5):
        scorer.score([ScoreRequest(THEOREM, state(number), 0, 0.0, 0)])
    assert environment.asked == ["ten"]


def test_the_known_tactic_takes_the_last_place_with_what_that_had() -> None:
    policy = Policy(Candidate("dec", -0.5, 2), Candidate("bad", -1.0), Candidate("worse", -3.0, 4))
    assert suggested(policy, state(10)) == [
        Candidate("dec", -0.5, 2),
        Candidate("bad", -1.0),
        Candidate("half", -3.0, 4),
    ]
    # There is room: nothing is pushed out.
    assert [candidate.tactic for candidate in suggested(policy, state(10), 4)] == ["dec", "bad", "worse", "half"]


def test_a_policy_that_knows_the_tactic_is_left_alone() -> None:
    policy = Policy(Candidate("bad", -0.5), Candidate("half", -1.0))
    assert suggested(policy, state(10)) == list(policy.candidates)


def test_off_the_proof_the_policy_is_left_alone() -> None:
    assert suggested(Policy(Candidate("bad", -0.5)), state(9)) == [Candidate("bad", -0.5)]


def test_a_policy_without_an_idea_gets_the_known_tactic() -> None:
    assert suggested(Policy(), state(10)) == [Candidate("half", 0.0)]
    assert suggested(Policy(Candidate("bad", -0.5)), state(10), 1) == [Candidate("half", -0.5)]


def test_the_policy_is_prepared_where_it_wants_to_be() -> None:
    policy = Policy()
    generator = DemonstratedGenerator(policy, Counting())
    assert isinstance(generator, Prepares)
    generator.prepare()
    assert policy.prepared == 1
    DemonstratedGenerator(Unprepared(), Counting()).prepare()


def test_an_environment_without_proofs_is_refused() -> None:
    environment = FakeEnvironment(FakeConfig(), NOBODY)
    with pytest.raises(UsageError, match="--scorer demonstration: the environment lists no proofs"):
        DemonstrationScorer(environment)
    with pytest.raises(UsageError, match="--generator demonstrated: the environment lists no proofs"):
        DemonstratedGenerator(Policy(), environment)


def test_a_recorded_search_holds_the_known_proof_and_what_competes_with_it(fake_prover: Site, tmp_path: Path) -> None:
    fake_prover.install("fake-trainer", {"faketrainer": "faketrainer"})
    config = RunConfig(
        env="shown",
        generator="demonstrated",
        scorer="demonstration",
        select={"theorems": ("reach-1",)},
        search={"priority": {"kind": "split"}},
        options={"local": {"mode": "threads"}, "demonstrated": {"generator": "fake"}},
    )
    run_search(config, tmp_path / "run")
    (search,) = read_searches([tmp_path / "run"])
    assert search.proved
    texts = {search.state(node).text: node for node in range(search.num_nodes)}
    path = [40, 20, 10, 5, 4, 2, 1]
    assert {f"{number} is 0" for number in path} <= texts.keys()
    expanded_off = [text for text in texts if int(text.split()[0]) not in path]
    assert expanded_off, "the policy's own queue left the known proof"


def test_how_sure_it_is_is_what_the_policy_says_that_was_not_shown_the_proof() -> None:
    class Sure(Policy):
        def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics]:
            return [PolicyStatistics(entropy=float(n)) for _ in requests]

    asked = [GenerationRequest(THEOREM, state(10))]
    environment = Counting()
    [plain] = DemonstratedGenerator(Policy(Candidate("dec", -0.5)), environment).statistics(asked, 4)
    assert plain is not None and (plain.best, plain.moves) == (-0.5, 1.0)
    [own] = DemonstratedGenerator(Sure(), environment).statistics(asked, 4)
    assert own is not None and own.entropy == 4.0
    assert environment.asked == []
