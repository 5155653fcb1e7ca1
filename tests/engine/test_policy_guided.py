"""The priorities of policy-guided heuristic search."""

from __future__ import annotations

import math
from typing import Any

import pytest

from proofsearch.config import PriorityConfig
from proofsearch.graph import SearchGraph
from proofsearch.protocols import Calibration

from .fake import FakeState, order_of

CALIBRATION = Calibration(0.0, 1.0, 0.0, 1.0, 0.5)


def path() -> SearchGraph:
    """A root, a child by a step of log-probability -2 with 3 steps missing, and a grandchild by -0.5 with none."""
    graph = SearchGraph(FakeState("root"))
    graph.expand(0, ["t"], [-2.0], [1], [FakeState("a", 5)], {}, 0.0)
    graph.value[1] = -3.0
    graph.expand(1, ["u"], [-0.5], [1], [FakeState("b", 7)], {}, 0.0)
    graph.value[2] = 4.0
    return graph


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"kind": "phs"}, [-2.0 - math.log(2 + 3), -2.5 - math.log(3)]),
        ({"kind": "phs", "heuristic_weight": 0.5}, [-2.0 - math.log(2 + 1.5), -2.5 - math.log(3)]),
        ({"kind": "phs-star"}, [-2.0 * (1 + 3 / 1) - math.log(2 + 3), -2.5 - math.log(3)]),
        ({"kind": "phs-star", "heuristic_weight": 2.0}, [-2.0 * (1 + 6 / 1) - math.log(2 + 6), -2.5 - math.log(3)]),
    ],
)
@pytest.mark.parametrize("goal_weight", [0.0, 2.0])
def test_the_formulas(config: dict[str, Any], expected: list[float], goal_weight: float) -> None:
    """A value above 0 is no negative distance, and open goals are no part of the formulas."""
    order = order_of(PriorityConfig.model_validate({**config, "goal_weight": goal_weight}), path(), CALIBRATION)
    assert order(range(1, 3))[0] == pytest.approx(expected)
    assert order([2, 1])[0] == pytest.approx(expected[::-1])


@pytest.mark.parametrize("kind", ["phs", "phs-star"])
def test_a_state_without_a_value_is_as_far_as_its_parent_or_ordered_without(kind: str) -> None:
    graph = path()
    graph.value[1] = graph.value[2] = math.nan
    order = order_of(PriorityConfig(kind=kind), graph, CALIBRATION)
    assert order(range(1, 3))[0] == pytest.approx([-2.0 - math.log(2), -2.5 - math.log(3)])


def test_of_equal_paths_the_shorter_comes_first_and_the_nearer_to_a_proof() -> None:
    graph = SearchGraph(FakeState("root"))
    graph.expand(0, ["t", "u"], [-1.0, -1.0], [1, 1], [FakeState("a"), FakeState("b")], {}, 0.0)
    graph.value[1], graph.value[2] = -4.0, -2.0
    for kind in ("phs", "phs-star"):
        [far, near] = order_of(PriorityConfig(kind=kind), graph, CALIBRATION)(range(1, 3))[0]
        assert near > far
