"""Random searches, made through the engine's own graph so that merges, cycles and better paths are real ones."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from proofsearch.engine import SearchResult, SearchStatus
from proofsearch.graph import Refused, SearchGraph
from proofsearch.types import (
    Advanced,
    Crashed,
    Finished,
    Goal,
    Rejected,
    State,
    Theorem,
    TimedOut,
    Tree,
    Verdict,
)

THEOREM = Theorem("Nat.add_comm'", "⊢ a + b = b + a", position=7, split="train")


def make_state(number: int) -> State:
    """A state whose goals have trees where the number is odd, with the characters that an encoding could trip over."""
    symbols = ("wi", f"c\\{number}", "a b:c", "")
    tree = Tree(symbols, (2, 0, 1, 0)) if number % 2 else None
    goals = tuple(Goal(f"⊢ goal {number} {index}\n", tree) for index in range(1 + number % 3))
    return State(f"state {number}: " + " | ".join(goal.text for goal in goals), goals)


def make_search(
    seed: int, expansions: int, distinct: int = 40, *, prove: bool = True
) -> tuple[SearchGraph, SearchResult]:
    """A random search; with ``prove`` its last step finishes with an accepted proof."""
    rng = random.Random(seed)
    graph = SearchGraph(make_state(0), 0.25)
    graph.priority[0] = math.nan
    tactics: tuple[str, ...] = ()
    for turn in range(expansions):
        waiting = [node for node in range(graph.num_nodes) if graph.expanded_at[node] < 0]
        if not waiting:
            break
        node = rng.choice(waiting)
        last = prove and turn > 0 and (turn == expansions - 1 or len(waiting) == 1)
        outcomes: list[Any] = [Advanced(make_state(number)) for number in range(1, 5)] if turn == 0 else []
        for _ in range(rng.randrange(8)):
            outcomes.append(
                rng.choice(
                    [
                        Advanced(make_state(rng.randrange(distinct))),
                        Advanced(make_state(rng.randrange(distinct))),
                        Advanced(make_state(rng.randrange(distinct))),
                        Rejected("no"),
                        Rejected(),
                        TimedOut("after 10 s"),
                        Crashed("SIGSEGV"),
                        Refused("uses sorryAx"),
                    ]
                )
            )
        names = [f"tactic {turn}.{index}" for index in range(len(outcomes))]
        if last:
            outcomes.append(Finished())
            names.append("exact h")
            tactics = (*graph.path(node), "exact h")
        before = graph.num_nodes
        logprobs = [-rng.random() * 3 for _ in outcomes]
        num_tokens = [rng.randrange(1, 9) for _ in outcomes]
        states = [outcome.state for outcome in outcomes if isinstance(outcome, Advanced)]
        failures = {place: outcome for place, outcome in enumerate(outcomes) if not isinstance(outcome, Advanced)}
        first_edge = graph.num_edges
        graph.expand(node, names, logprobs, num_tokens, states, failures, 0.5 + turn)
        if turn % 3 == 1:  # the steps of some expansions were timed
            graph.edge_seconds.update((edge, rng.random()) for edge in range(first_edge, graph.num_edges))
        for child in range(before, graph.num_nodes):
            graph.value[child] = rng.choice([math.nan, 0.0, -1.5, rng.gauss(0, 1)])
            graph.priority.append(rng.choice([math.nan, rng.gauss(0, 1), -math.inf]))
        if last:
            break
    return graph, make_result(graph, tactics if prove else None)


def make_result(graph: SearchGraph, tactics: tuple[str, ...] | None) -> SearchResult:
    """The result that goes with a graph."""
    values: dict[str, Any] = {entry.name: 0 for entry in dataclasses.fields(SearchResult)}
    values |= {
        "theorem": THEOREM.name,
        "status": SearchStatus.PROVED if tactics else SearchStatus.LIMIT,
        "limit_hit": None if tactics else "expansions",
        "tactics": tactics,
        "verdict": Verdict(True, "checker 1.0") if tactics else None,
        "nodes": graph.num_nodes,
        "edges": graph.num_edges,
        "messages": (),
        "graph": graph,
    }
    return SearchResult(**values)


@pytest.fixture
def theorem() -> Theorem:
    return THEOREM


@pytest.fixture
def searched() -> Callable[..., tuple[SearchGraph, SearchResult]]:
    """``searched(seed, expansions, distinct=40, prove=True)`` gives a graph and a result."""
    return make_search


@pytest.fixture
def result_of() -> Callable[[SearchGraph, tuple[str, ...] | None], SearchResult]:
    """``result_of(graph, tactics)`` gives the result that goes with a graph."""
    return make_result
