"""The priority ``reranked``: the likelihood of a path under the policy as the value corrects it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from proofsearch.config import PriorityConfig
from proofsearch.engine.ordering import Order
from proofsearch.graph import SearchGraph
from proofsearch.protocols import Calibration

from .fake import FakeState, order_of

VALUES = {"a": 1.0, "b": -0.5, "c": 2.0, "d": 0.25, "e": -1.0}
GOALS = {"a": 1, "b": 3, "c": 2, "d": 1, "e": 2}
EDGES = {
    "root": [("a", -0.5), ("b", -1.0)],
    "a": [("c", -0.25), ("d", -2.0), ("b", -3.0)],
    "b": [("e", -0.1), ("d", -0.2)],
}


def grow(priority_of: Any, order: tuple[str, ...] = ("root", "a", "b")) -> dict[str, float]:
    """Expands nodes in order, as the search would; returns the last priority of each."""
    graph = SearchGraph(FakeState("root", 1))
    priority: Order = priority_of(graph)
    found: dict[str, float] = {}
    for name in order:
        node = graph.node_of(FakeState(name, 1).key)
        assert node is not None
        first = graph.num_nodes
        children = [FakeState(child, GOALS.get(child, 1)) for child, _ in EDGES[name]]
        logprobs = [logprob for _, logprob in EDGES[name]]
        tactics = [f"{name}>{child}" for child, _ in EDGES[name]]
        changed = graph.expand(node, tactics, logprobs, [1] * len(tactics), children, {}, 0.0)
        new = range(first, graph.num_nodes)
        for child in new:
            graph.value[child] = VALUES[str(graph.state[child].text)]
        if new:
            for child, value in zip(new, priority(new)[0], strict=True):
                found[graph.state[child].text] = value
        for child in dict.fromkeys(changed):
            if graph.expanded_at[child] < 0:
                found[graph.state[child].text] = priority((child,))[0][0]
    return found


def log_softmax(utilities: list[float]) -> list[float]:
    total = math.log(sum(map(math.exp, utilities)))
    return [utility - total for utility in utilities]


def utility(name: str, logprob: float, weight: float = 0.5, goals: float = 0.25) -> float:
    return logprob + weight * VALUES[name] - goals * GOALS[name]


CONFIG = PriorityConfig(kind="reranked", heuristic_weight=0.5, goal_weight=0.25)


def test_it_is_the_sum_of_log_softmaxes_along_the_path() -> None:
    """Catches a likelihood that is not normalised among siblings, or not added up."""
    found = grow(lambda graph: order_of(CONFIG, graph), ("root", "a"))
    of_a, of_b = log_softmax([utility("a", -0.5), utility("b", -1.0)])
    # b is still to be had from a as well, so it takes part in the softmax there; its own priority is its best path's.
    of_c, of_d, _ = log_softmax([utility("c", -0.25), utility("d", -2.0), utility("b", -3.0)])
    assert found == pytest.approx({"a": of_a, "b": of_b, "c": of_a + of_c, "d": of_a + of_d})


def test_a_better_path_raises_it_and_an_expanded_child_is_no_choice() -> None:
    """Catches a priority that stays behind when a state is reached again, and shares given to expanded children."""
    found = grow(lambda graph: order_of(CONFIG, graph))
    _, of_b = log_softmax([utility("a", -0.5), utility("b", -1.0)])
    of_e, of_d = log_softmax([utility("e", -0.1), utility("d", -0.2)])
    assert found["e"] == pytest.approx(of_b + of_e)
    before = grow(lambda graph: order_of(CONFIG, graph), ("root", "a"))["d"]
    assert found["d"] == pytest.approx(max(before, of_b + of_d))
    assert found["d"] > before


@pytest.mark.parametrize(("factor", "shift"), [(10.0, 3.0), (0.01, -7.0)])
def test_the_scale_of_the_value_does_not_matter_with_a_calibration(
    factor: float, shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches weights that are applied to scores as they come."""
    config = PriorityConfig(kind="reranked")
    one = grow(lambda graph: order_of(config, graph, Calibration(0.2, 0.8, -2.0, 1.5, 0.4, 0.3, 2.5)))
    for name, value in list(VALUES.items()):
        monkeypatch.setitem(VALUES, name, factor * value + shift)
    rescaled = Calibration(factor * 0.2 + shift, factor * 0.8, -2.0, 1.5, 0.4, 0.3, 2.5)
    assert grow(lambda graph: order_of(config, graph, rescaled)) == pytest.approx(one)


@pytest.mark.parametrize(
    "other", [{"scale": 1.0}, {"goal_weight": 0.9}, {"value_weight": 0.8}, {"logprob_std": 3.0}, {"value_std": 2.0}]
)
def test_every_number_of_the_calibration_counts(other: dict[str, float]) -> None:
    """Catches a weight that was fitted, stored and then left out."""
    numbers = {
        "value_mean": 0.2, "value_std": 0.8, "logprob_mean": -2.0, "logprob_std": 1.5,
        "value_weight": 0.4, "goal_weight": 0.3, "scale": 2.5,
    }  # fmt: skip
    config = PriorityConfig(kind="reranked")
    one = grow(lambda graph: order_of(config, graph, Calibration(**numbers)))
    assert grow(lambda graph: order_of(config, graph, Calibration(**(numbers | other)))) != pytest.approx(one)


def test_a_missing_value_counts_as_the_mean() -> None:
    """Catches nan among the priorities, which would unsettle the frontier."""
    calibration = Calibration(0.2, 0.8, -2.0, 1.5, 0.4, 0.3, 2.5)
    graph = SearchGraph(FakeState("root", 1))
    priority = order_of(PriorityConfig(kind="reranked"), graph, calibration)
    graph.expand(0, ["t", "u"], [-1.0, -1.0], [1, 1], [FakeState("a", 1), FakeState("b", 1)], {}, 0.0)
    graph.value[1] = 0.2
    assert priority(range(1, 3))[0] == pytest.approx([math.log(0.5)] * 2)
