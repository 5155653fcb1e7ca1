"""Several policies on one budget: what a mixture suggests, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from fakeprover import state
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from proofsearch import Candidate, Theorem
from proofsearch.builtins.mixture import MixtureConfig, MixtureGenerator
from proofsearch.protocols import GenerationRequest, Suggestions

THEOREM = Theorem("ten", "10 is 0")


class Policy:
    """Suggests what it was given, and counts its calls."""

    def __init__(self, probabilities: dict[str, float], tokens: int = 1) -> None:
        self.candidates = [Candidate(tactic, math.log(share), tokens) for tactic, share in probabilities.items()]
        self.candidates.sort(key=lambda candidate: -candidate.logprob)
        self.calls = self.prepared = 0

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        self.calls += 1
        return [self.candidates[:n] for _ in requests]

    def prepare(self) -> None:
        self.prepared += 1

    def close(self) -> None:
        pass


def mixed(*policies: tuple[Any, float], n: int = 3, requests: int = 1) -> list[list[Candidate]]:
    return MixtureGenerator(policies).generate([GenerationRequest(THEOREM, state(10))] * requests, n)


def test_a_probability_is_the_weighted_mean() -> None:
    first, second = Policy({"a": 0.5, "b": 0.3}, tokens=4), Policy({"b": 0.8, "c": 0.2}, tokens=2)
    [found] = mixed((first, 3.0), (second, 1.0))
    assert [candidate.tactic for candidate in found] == ["b", "a", "c"]
    assert [math.exp(candidate.logprob) for candidate in found] == pytest.approx([0.425, 0.375, 0.05])
    assert [candidate.num_tokens for candidate in found] == [2, 4, 2]


def test_the_tokens_are_those_of_the_policies_that_count_theirs() -> None:
    class Writes(Policy):
        def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
            return [Suggestions(one, tokens_in=10, tokens_out=4) for one in super().generate(requests, n)]

    counted = mixed((Writes({"a": 0.5}), 1.0), (Policy({"b": 0.5}), 1.0), (Writes({"c": 0.5}), 1.0), requests=2)
    assert [(one.tokens_in, one.tokens_out) for one in counted if isinstance(one, Suggestions)] == [(20, 8)] * 2
    assert not any(isinstance(one, Suggestions) for one in mixed((Policy({"a": 0.5}), 1.0)))


DISTRIBUTIONS = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 1), max_size=8).map(
    lambda shares: {tactic: share / math.fsum(shares.values()) for tactic, share in shares.items()}
)


@given(DISTRIBUTIONS, DISTRIBUTIONS, st.floats(0.01, 100), st.integers(1, 9))
def test_it_suggests_the_likeliest_and_no_more_than_is_asked(
    one: dict[str, float], other: dict[str, float], weight: float, n: int
) -> None:
    [found] = mixed((Policy(one), weight), (Policy(other), 1.0), n=n)
    assert len(found) == min(n, len({candidate.tactic for candidate in found})) <= len({**one, **other})
    logprobs = [candidate.logprob for candidate in found]
    assert logprobs == sorted(logprobs, reverse=True)
    assert all(logprob <= 0 for logprob in logprobs)
    assert math.fsum(map(math.exp, logprobs)) < 1 + 1e-9
    if n >= 8:
        assert {candidate.tactic for candidate in found} == {*one, *other}


def test_alone_a_policy_is_what_it_was_and_repeats_of_it_count_once() -> None:
    policy = Policy({"a": 0.6, "b": 0.4})
    assert mixed((policy, 0.2), n=2) == [policy.candidates]
    policy.candidates.append(policy.candidates[0])
    assert mixed((policy, 0.2), n=3) == [policy.candidates[:2]]


def test_a_policy_that_suggests_nothing_leaves_its_share_to_the_others() -> None:
    one, other, silent = Policy({"a": 0.6, "b": 0.4}), Policy({"b": 1.0}), Policy({})
    assert mixed((silent, 7.0), (one, 0.2), n=2) == [one.candidates]
    [among], [alone] = mixed((silent, 1.0), (one, 3.0), (other, 1.0)), mixed((one, 3.0), (other, 1.0))
    assert [candidate.tactic for candidate in among] == [candidate.tactic for candidate in alone]
    assert [one.logprob for one in among] == pytest.approx([one.logprob for one in alone])
    assert mixed((silent, 1.0), (silent, 1.0)) == [[]]


def test_each_policy_is_asked_once_for_all_requests_and_prepared() -> None:
    policies = [Policy({"a": 1.0}), Policy({"b": 1.0})]
    assert len(mixed(*((policy, 1.0) for policy in policies), requests=5)) == 5
    MixtureGenerator([(policy, 1.0) for policy in policies]).prepare()
    assert [(policy.calls, policy.prepared) for policy in policies] == [(1, 1), (1, 1)]


def test_options() -> None:
    config = MixtureConfig(of=("knn:0.3", "fake"))
    assert config.weights == {"knn": 0.3, "fake": 1.0}
    assert config.generators == ("knn", "fake")


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ((), "names no policy"),
        (("knn", "knn:2"), "'knn' is named twice"),
        (("mixture", "knn"), "a mixture can't be part of one"),
        (("knn:0",), "expected a policy, or policy:weight with a weight above 0, such as knn:0.3, found 'knn:0'"),
        (("knn:much",), "expected a policy, or policy:weight"),
        (("knn:inf",), "expected a policy, or policy:weight"),
        ((":1",), "expected a policy, or policy:weight"),
    ],
)
def test_what_can_not_be_read_is_refused(of: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MixtureConfig(of=of)
