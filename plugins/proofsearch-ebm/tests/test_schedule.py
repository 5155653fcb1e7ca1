"""The schedule: rises to 1, falls to 0, jumps nowhere, and goes on exactly after a resume."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_ebm.schedule import warmup_cosine


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


def test_a_resumed_scheduler_goes_on_exactly() -> None:
    def start() -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
        optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
        return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, warmup_cosine(3, 9))

    def run(pair: tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR], steps: int) -> list[float]:
        rates = []
        for _ in range(steps):
            rates.append(pair[0].param_groups[0]["lr"])
            pair[0].step()
            pair[1].step()
        return rates

    whole = run(start(), 9)
    first = start()
    begin = run(first, 5)
    second = start()
    second[0].load_state_dict(first[0].state_dict())
    second[1].load_state_dict(first[1].state_dict())
    assert begin + run(second, 4) == whole
