"""Costs that are kept up to date are those that are computed from the start, whatever changed and in whatever order."""

from __future__ import annotations

from math import inf, isclose

from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.engine.costs import Costs, Way

NODES = 7


def slow(estimates: list[float], ways: dict[int, list[Way]]) -> list[float]:
    """By relaxation from nothing known: a cycle never becomes finite by itself."""
    cost = [inf if node in ways else estimate for node, estimate in enumerate(estimates)]
    for _ in range(NODES + 1):
        for node, of in ways.items():
            cost[node] = min([own + sum(cost[target] for target in targets) for own, targets in of], default=inf)
    return cost


WAYS = st.lists(
    st.tuples(
        st.sampled_from([1e-6, 0.5, 1.0, 2.25]),
        st.lists(st.integers(0, NODES - 1), min_size=1, max_size=3, unique=True).map(tuple),
    ),
    max_size=4,
)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, NODES - 1), WAYS),
        st.tuples(st.just("estimate"), st.integers(0, NODES - 1), st.sampled_from([0.0, 1.0, 3.5, inf])),
        st.tuples(st.just("solve"), st.integers(0, NODES - 1), st.none()),
    ),
    max_size=20,
)


@settings(max_examples=500)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 7.0]), min_size=NODES, max_size=NODES), CHANGES, st.booleans())
def test_costs_are_those_from_scratch(estimates: list[float], changes: list, often: bool) -> None:
    """Catches a cost that stays low on a cycle after what it rested on rose, or one that was not carried on."""
    costs = Costs()
    costs.add(estimates)
    ways: dict[int, list[Way]] = {}
    for kind, node, change in changes:
        if kind == "solve":
            costs.solve(node)
            ways[node] = [(0.0, ())]
        elif node in ways:
            continue
        elif kind == "open":
            costs.open(node, change)
            ways[node] = change
        else:
            costs.estimate(node, change)
            estimates[node] = change
        if often:
            costs.settle()
    costs.settle()
    expected = slow(estimates, ways)
    assert all(isclose(one, other, abs_tol=1e-12) for one, other in zip(costs.cost, expected, strict=True))
    for node, of in ways.items():
        if of and costs.cost[node] < inf:
            own, targets = costs.best(node)
            assert isclose(own + sum(costs.cost[target] for target in targets), costs.cost[node], abs_tol=1e-12)
