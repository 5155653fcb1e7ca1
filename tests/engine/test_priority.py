"""The corners of the priorities that searches seldom reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import PriorityConfig
from proofsearch.engine.estimates import Estimates
from proofsearch.engine.priorities import builtin_priority
from proofsearch.engine.standardisation import Z_DIGITS, mean_and_std, tidied
from proofsearch.graph import SearchGraph
from proofsearch.protocols import Calibration

from .fake import FakeState, order_of


def two_children(value: float = 1.0) -> SearchGraph:
    """A root with two children: log-probabilities -6 and -2, 4 and 1 tokens, the same value, 1 and 3 goals."""
    graph = SearchGraph(FakeState("root"))
    graph.expand(0, ["t", "u"], [-6.0, -2.0], [4, 1], [FakeState("a", 1), FakeState("b", 3)], {}, 0.0)
    graph.value[1] = graph.value[2] = value
    return graph


@pytest.mark.parametrize("count", [3, 6, 12, 24])
def test_a_constant_sample_has_no_spread_at_all(count: int) -> None:
    """Catches a mean of 0.1s that is off by a rounding error, and a later value divided by that error."""
    assert mean_and_std([0.1] * count)[1] == 0.0


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"kind": "value"}, [[1.0, 1.0]]),
        ({"kind": "logprob"}, [[-6.0, -2.0]]),
        ({"kind": "normalized"}, [[-1.5, -2.0]]),
        ({"kind": "normalized", "length_exponent": 0.5}, [[-3.0, -2.0]]),
        ({"kind": "normalized", "length_exponent": 1e6}, [[0.0, -2.0]]),
        ({"kind": "astar", "heuristic_weight": 0.5}, [[-5.5, -1.5]]),
        ({"kind": "split"}, [[-6.0, -2.0], [1.0, 1.0]]),
        ({"kind": "mix"}, [[0.75 * -2.0 + 0.25 * 0.5, 0.75 * 2.0 + 0.25 * 0.5]]),
        ({"kind": "mix", "value_weight": 1.0}, [[0.5, 0.5]]),
    ],
)
@pytest.mark.parametrize("goal_weight", [0.0, 2.0])
def test_the_table(config: dict[str, Any], expected: list[list[float]], goal_weight: float) -> None:
    """Catches a formula that is not that of PriorityConfig, among consecutive nodes and among any nodes."""
    priority = order_of(
        PriorityConfig.model_validate({**config, "goal_weight": goal_weight}),
        two_children(),
        Calibration(0.0, 2.0, -4.0, 1.0, 0.25),
    )
    assert priority(range(1, 3)) == [[a - goal_weight, b - 3 * goal_weight] for a, b in expected]
    assert priority([2, 1]) == [[b - 3 * goal_weight, a - goal_weight] for a, b in expected]


@pytest.mark.parametrize("goal_weight", [None, 0.0, 2.0])
def test_a_value_that_weighs_nothing_leaves_the_order_as_it_is_without_it(goal_weight: float | None) -> None:
    """Catches a goal weight that was fitted beside the value and orders a search that is said to go without it."""
    without = order_of(PriorityConfig(kind="auto", goal_weight=goal_weight), two_children(), scored=False)
    calibration = Calibration(0.0, 2.0, -4.0, 3.0, 0.0, goal_weight=0.01)
    auto = order_of(PriorityConfig(kind="auto", goal_weight=goal_weight), two_children(), calibration)
    assert auto(range(1, 3)) == without(range(1, 3))
    # Whoever asks for the mixture, or for a weight, gets what was fitted.
    for config in (PriorityConfig(kind="mix"), PriorityConfig(kind="auto", value_weight=0.5)):
        assert order_of(config, two_children(), calibration)(range(1, 3)) != without(range(1, 3))
    costs = builtin_priority(PriorityConfig(kind="auto"))
    estimates = Estimates(costs, two_children(), calibration, goal_weight=goal_weight)
    plain = Estimates(costs, two_children(), scored=False, goal_weight=goal_weight)
    assert estimates([1, 2]) == plain([1, 2])
    assert estimates.step(-1.5) == plain.step(-1.5)


def test_a_calibration_without_spread_orders_by_the_other_score() -> None:
    """Catches a division by a standard deviation of zero that a checkpoint may well hold."""
    config = PriorityConfig(kind="mix", goal_weight=0.0)
    assert order_of(config, two_children(), Calibration(1.0, 0.0, -4.0, 1.0, 0.5))(range(1, 3)) == [[-1.0, 1.0]]
    assert order_of(config, two_children(), Calibration(0.0, 2.0, -4.0, 0.0, 0.5))(range(1, 3)) == [[0.25, 0.25]]


@given(st.lists(st.floats(-1e5, 1e5)))
def test_scores_are_rounded_as_numpy_does_it(scores: list[float]) -> None:
    assert tidied(scores) == np.round(scores, Z_DIGITS).tolist()
    assert tidied(scores) == pytest.approx([round(score, Z_DIGITS) for score in scores], abs=1.5e-9)


@given(st.floats(-1e290, 1e290))
def test_large_scores_stay_what_they_are(score: float) -> None:
    assert tidied([score]) == pytest.approx([score], rel=1e-12, abs=1e-9)
