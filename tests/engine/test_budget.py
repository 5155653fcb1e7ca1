"""Would catch: steps that are said to have taken more of a processor than the whole search."""

from __future__ import annotations

import pytest

from proofsearch.config import LimitConfig
from proofsearch.engine.budget import Budget


@pytest.mark.parametrize(("worked", "expected"), [(10.0, 4.5), (2.0, 2.0)])
def test_steps_take_no_more_of_a_processor_than_the_search(worked, expected):
    now = [0.0]
    budget = Budget(LimitConfig(), clock=lambda: 0.0, processor=lambda: now[0])
    budget.step_seconds = 1.0
    budget.note_initial(0.5)
    budget.note_steps(seconds=2.0, processor_seconds=1.0)
    budget.step_seconds = 9.0  # other processes made the steps that were not measured take long
    now[0] = worked
    assert budget.step_processor() == expected
