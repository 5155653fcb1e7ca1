"""What holds for a formula that orders nodes; see :class:`proofsearch.protocols.Priority`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from numbers import Real
from typing import Unpack

from proofsearch.config import ComponentConfig
from proofsearch.engine import SearchGraph, SearchStatus
from proofsearch.engine.ordering import Columns
from proofsearch.errors import UsageError
from proofsearch.protocols import (
    AddsUp,
    Alternates,
    BeginsAnew,
    Builder,
    Calibration,
    Factory,
    Learns,
    Priority,
    PriorityTraits,
)
from proofsearch.testing.cases import CONFIG_CHECKS, ComponentCase
from proofsearch.testing.checking import CheckOptions, check
from proofsearch.testing.checks import Checks, NotApplicable, Report, expect
from proofsearch.testing.mazes import worlds
from proofsearch.testing.searches import CALIBRATION, HashedValues, Trial, graph_hash

_GOAL_WEIGHT = 0.5
_EXPANSIONS = 24
_TOLERANCE = 1e-6


class PriorityCase(ComponentCase[Priority]):
    """A priority under check; the arguments are those of :func:`check_priority`.

    Attributes:
        graphs: what searches found, by theorem; every fourth node has no value.
    """

    def __init__(self, factory: Factory, config: ComponentConfig | None, builder: Builder) -> None:
        super().__init__(factory, config, builder)
        self.worlds = worlds(builder.environment(), None)
        self.graphs: dict[str, SearchGraph] = {}
        for world in self.worlds:
            graph = Trial(scorer=HashedValues(), expansions=_EXPANSIONS).run(world).graph
            for node in range(0, graph.num_nodes, 4):
                graph.value[node] = math.nan
            if graph.num_nodes > 1:  # the root itself is never put in order
                self.graphs[world.theorem.name] = graph

    @property
    def formula(self) -> Priority:
        """The priority, where it is one and the same in every search.

        Raises:
            NotApplicable: it begins anew in each search.
        """
        if isinstance(self.component, BeginsAnew):
            raise NotApplicable("it begins anew in each search")
        return self.component

    def begun(self) -> Iterator[tuple[str, SearchGraph, Calibration | None, Priority]]:
        """Yields the priority begun at each graph, without and with a calibration."""
        for name, graph in self.graphs.items():
            for calibration in (None, CALIBRATION):
                component = self.component
                yield (
                    name,
                    graph,
                    calibration,
                    component.begin(graph, calibration) if isinstance(component, BeginsAnew) else component,
                )


PRIORITY_CHECKS: Checks[PriorityCase] = Checks("priority", CONFIG_CHECKS)
"""What is checked of a priority."""


@PRIORITY_CHECKS.add
def steady_traits(case: PriorityCase) -> None:
    """Its traits are a ``PriorityTraits``, the same at any time and of any instance."""
    first = case.component.traits
    expect(isinstance(first, PriorityTraits), f"they are a {type(first).__name__}")
    Trial(scorer=HashedValues(), priority=case.component, expansions=_EXPANSIONS).run(case.worlds[1])
    later = [case.component.traits, case.make().traits]
    expect(later == [first, first], f"they were {first}, and later {later}")


@PRIORITY_CHECKS.add
def one_finite_priority_a_node(case: PriorityCase) -> None:
    """It returns one finite number a node, in calls of any size, also for nodes without a value."""
    formula = case.formula
    for name, graph in case.graphs.items():
        for nodes in (range(1, graph.num_nodes), list(range(1, graph.num_nodes))[::-1], range(1, 2), [1]):
            found = _asked(formula, graph, nodes)
            expect(len(found) == len(nodes), f"{name}: {len(found)} priorities for {len(nodes)} nodes")
            for node, priority in zip(nodes, found, strict=True):
                good = isinstance(priority, Real) and math.isfinite(priority)
                expect(good, f"{name}: node {node} has the priority {priority!r}")


@PRIORITY_CHECKS.add
def a_function_of_its_columns(case: PriorityCase) -> None:
    """What a node's priority is depends on that node's columns alone: not on its neighbours, on order, or on time."""
    formula = case.formula
    for name, graph in case.graphs.items():
        nodes = list(range(1, graph.num_nodes))
        together = list(_asked(formula, graph, nodes))
        others = {
            "asked again": list(_asked(formula, graph, nodes)),
            "asked in another order": list(_asked(formula, graph, nodes[::-1]))[::-1],
            "asked one by one": [priority for node in nodes for priority in _asked(formula, graph, [node])],
        }
        for how, found in others.items():
            for node, before, after in zip(nodes, together, found, strict=False):
                # What can't be compared was found by the check before.
                if math.isfinite(before) and math.isfinite(after):
                    expect(_near(before, after), f"{name}: node {node} has the priority {before}, and {after} {how}")


@PRIORITY_CHECKS.add
def another_instance_agrees(case: PriorityCase) -> None:
    """Another instance, as in another worker, orders the same search in the same way."""
    for world in case.worlds:
        hashes = [
            graph_hash(Trial(scorer=HashedValues(), priority=priority, expansions=_EXPANSIONS).run(world).graph)
            for priority in (case.component, case.make())
        ]
        expect(hashes[0] == hashes[1], f"{world.theorem.name}: another instance gave another search")


@PRIORITY_CHECKS.add
def values_count_or_not(case: PriorityCase) -> None:
    """One that says ``uses_value=False`` makes the same search whatever the values."""
    if case.component.traits.uses_value:
        raise NotApplicable("it uses values")
    for world in case.worlds:
        hashes = set()
        for salt in ("one", "another"):
            trial = Trial(scorer=HashedValues(salt), priority=case.component, expansions=_EXPANSIONS)
            hashes.add(graph_hash(trial.run(world).graph, ["value"]))
        expect(len(hashes) == 1, f"{world.theorem.name}: other values gave another search; say uses_value=True")


@PRIORITY_CHECKS.add
def adds_up(case: PriorityCase) -> None:
    """If it has weights that add up, they give the same formula: it differs from their sum by a constant."""
    if not isinstance(case.component, AddsUp):
        raise NotApplicable("it doesn't add up")
    scored = case.component.traits.uses_value
    for name, graph, calibration, formula in case.begun():
        if calibration is None and isinstance(case.component, BeginsAnew):
            continue  # what it learns in a search can't be said of it here
        with suppress(UsageError):
            linear = case.component.linear(calibration, _GOAL_WEIGHT, scored=scored)
            weights = (linear.path, linear.value, linear.best, linear.goals)
            expect(all(map(math.isfinite, weights)), f"a weight is not finite: {linear}")
            expect(min(linear.path, linear.value, linear.goals) >= 0, f"a weight is below 0: {linear}")
            known = [node for node in range(1, graph.num_nodes) if graph.has_value(node)]
            counted = _GOAL_WEIGHT if formula.traits.counts_goals else 0.0
            off = []
            for node, priority in zip(known, _asked(formula, graph, known), strict=False):
                goals, value = graph.state[node].num_goals, graph.value[node]
                total = linear.path * graph.logprob[node] + linear.value * (value - linear.best) - linear.goals * goals
                off.append(priority - counted * goals - total)
            expect(
                not off or max(off) - min(off) < 1e3 * _TOLERANCE * (1 + abs(max(off))),
                f"{name}: priorities differ from {linear} by {min(off, default=0):.6g} to {max(off, default=0):.6g}",
            )


@PRIORITY_CHECKS.add
def a_sound_second_queue(case: PriorityCase) -> None:
    """If it has a second order, the share of expansions that this chooses is from 0 to 1."""
    if not isinstance(case.component, Alternates):
        raise NotApplicable("it has one order")
    expect(0 <= case.component.share <= 1, f"the share is {case.component.share}")
    found = case.component.second.traits
    expect(isinstance(found, PriorityTraits), f"the second order's traits are a {type(found).__name__}")


@PRIORITY_CHECKS.add
def says_what_it_learnt(case: PriorityCase) -> None:
    """If it observes scores, it returns whether its scale changed, as true or false."""
    learnt = 0
    for name, graph, _, formula in case.begun():
        if isinstance(formula, Learns):
            learnt += 1
            said = formula.observe(range(1, graph.num_nodes))
            expect(isinstance(said, bool), f"{name}: it returned {said!r}")
    if not learnt:
        raise NotApplicable("it doesn't learn")


@PRIORITY_CHECKS.add
def orders_searches(case: PriorityCase) -> str:
    """Best-first searches by it end as they should: with a scorer and without, in batches, with a better path found."""
    traits, proved = case.component.traits, 0
    for world in case.worlds:
        for trial in (
            Trial(priority=case.component),
            Trial(priority=case.component, scorer=HashedValues()),
            Trial(priority=case.component, scorer=HashedValues(), calibration=CALIBRATION, batch=3),
            Trial(priority=case.component, scorer=HashedValues(), defer=None if traits.needs_every_score else 2),
        ):
            result = trial.run(world)
            proved += result.status is SearchStatus.PROVED
            if world.provable is not None:
                wanted = SearchStatus.PROVED if world.provable else SearchStatus.EXHAUSTED
                expect(result.status is wanted, f"{world.theorem.name}: {result.status}, expected {wanted}")
    return f"{proved} proofs"


def _asked(formula: Priority, graph: SearchGraph, nodes: Sequence[int]) -> Sequence[float]:
    return formula(Columns(graph, nodes, _GOAL_WEIGHT, {}))


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _TOLERANCE * max(1.0, abs(one), abs(other))


def check_priority(
    factory: Factory,
    config: ComponentConfig | None = None,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks a priority against its contract, on what searches in mazes and of the builder's environment found.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of a priority that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """
    return check(PRIORITY_CHECKS, lambda builder, _: PriorityCase(factory, config, builder), factory, options)
