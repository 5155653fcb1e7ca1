"""Wilson's interval against published values and its own properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.measures.intervals import percentage, wilson


@pytest.mark.parametrize(
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_published_values(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 10_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_it_holds_the_proportion_and_mirrors(counts: tuple[int, int]) -> None:
    successes, trials = counts
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    other_low, other_high = wilson(trials - successes, trials)
    assert (low, high) == (pytest.approx(1 - other_high), pytest.approx(1 - other_low))


def test_its_ends() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 successes in 2 trials"):
        wilson(3, 2)


@pytest.mark.parametrize(
    ("part", "digits", "expected"),
    [
        (0.5, 1, "50.0%"),
        (3401 / 3402, 1, "99.97%"),
        (3401 / 3402, 0, "99.97%"),
        (1 / 3402, 1, "0.03%"),
        (1 / 10**7, 1, "0.00001%"),
        (0.996, 0, "99.6%"),
        (1.0, 1, "100.0%"),
        (0.0, 0, "0%"),
        (math.nan, 1, "nan%"),
    ],
)
def test_what_is_neither_all_nor_nothing_is_not_written_so(part: float, digits: int, expected: str) -> None:
    assert percentage(part, digits) == expected
