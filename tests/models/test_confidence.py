"""What a policy's candidates say of how sure it is; what is kept of them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from proofsearch import Candidate, Theorem
from proofsearch.models.confidence import KeptAnswers, statistics_of
from proofsearch.protocols import GenerationRequest
from proofsearch.trajectory.recorded import RecordedState


def candidates(*probabilities: float) -> list[Candidate]:
    return [Candidate(f"t{number}", math.log(value)) for number, value in enumerate(probabilities)]


def test_statistics_of_candidates() -> None:
    found = statistics_of(candidates(0.25, 0.5, 0.25))
    assert found.best == approx(math.log(0.5))
    assert found.second == approx(math.log(0.25))
    assert found.entropy == approx(1.5 * math.log(2))
    assert found.moves == 3
    assert found.mass == approx(1.0)
    assert all(math.isnan(value) for value in (found.log_sum_exp, found.admitted, found.closes))


def test_what_is_missing_is_not_zero() -> None:
    nothing, single = statistics_of([]), statistics_of(candidates(0.3))
    assert nothing.moves == 0
    assert math.isnan(nothing.best) and math.isnan(nothing.entropy) and math.isnan(nothing.mass)
    assert math.isnan(single.second)
    assert single.entropy == 0.0


def test_mass_is_that_of_the_best_eight() -> None:
    assert statistics_of(candidates(*[0.1] * 10)).mass == approx(0.8)


@given(st.lists(st.floats(-800, 0), min_size=1, max_size=40))
def test_entropy_is_between_none_and_that_of_chance(logprobs: list[float]) -> None:
    found = statistics_of([Candidate(f"t{number}", value) for number, value in enumerate(logprobs)])
    assert 0 <= found.entropy <= math.log(len(logprobs)) + 1e-9
    assert found.best == max(logprobs)


def test_answers_are_kept_by_theorem_state_and_number() -> None:
    kept = KeptAnswers[str](most=2)
    requests = [GenerationRequest(Theorem(name, "p"), RecordedState("k", "p", 1, [])) for name in "abc"]
    kept.put(requests[0], 8, "of a")
    assert kept.get(requests[0], 8) == "of a"
    assert kept.get(requests[0], 16) is None
    assert kept.get(requests[1], 8) is None
    kept.put(requests[1], 8, "of b")
    kept.get(requests[0], 8)
    kept.put(requests[2], 8, "of c")
    assert kept.get(requests[1], 8) is None
    assert kept.get(requests[0], 8) == "of a"
