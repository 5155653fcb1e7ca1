"""The schedule: it rises to 1, falls to 0, and jumps nowhere."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.trainers.schedule import warmup_cosine


@given(st.integers(1, 200).flatmap(lambda steps: st.tuples(st.integers(0, steps), st.just(steps))))
def test_it_rises_then_falls_to_zero(sizes: tuple[int, int]) -> None:
    warmup, steps = sizes
    factor = warmup_cosine(warmup, steps)
    values = [factor(step) for step in range(steps + 3)]
    assert all(0 <= value <= 1 for value in values)
    assert values[0] > 0  # the first step is not wasted
    rising, falling = values[: max(warmup, 1)], values[max(warmup - 1, 0) :]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert max(values) == 1
    assert values[steps:] == [0, 0, 0]
    # No jump: neither phase moves faster than its steepest slope.
    assert all(abs(b - a) <= 1.6 / max(steps - warmup, 1) + 1e-9 for a, b in itertools.pairwise(falling))


def test_known_values() -> None:
    factor = warmup_cosine(4, 12)
    assert [factor(step) for step in (0, 1, 3, 4, 8)] == pytest.approx([0.25, 0.5, 1.0, 1.0, 0.5])


@pytest.mark.parametrize(("warmup", "steps"), [(5, 4), (-1, 4), (0, 0)])
def test_phases_that_do_not_fit_are_refused(warmup: int, steps: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        warmup_cosine(warmup, steps)


def test_it_is_the_same_in_another_unit() -> None:
    by_steps, by_shares = warmup_cosine(4, 12), warmup_cosine(4 / 12, 1, step=1 / 12)
    assert [by_shares(step / 12) for step in range(12)] == pytest.approx([by_steps(step) for step in range(12)])


def test_a_rise_that_ends_at_the_height_only_when_the_warm_up_is_over() -> None:
    factor = warmup_cosine(4, 12, rise=5)
    assert [factor(step) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
