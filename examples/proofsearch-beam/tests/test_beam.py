"""The strategy against its contract, and that it searches level by level."""

from __future__ import annotations

from contextlib import closing

import pytest
from proofsearch_beam.strategy import Beam, BeamConfig, make_beam

from proofsearch.config import LimitConfig, SearchConfig
from proofsearch.engine import SearchGraph, SearchStatus, search
from proofsearch.testing import CountdownConfig, CountdownEnvironment, ListedTactics, check_strategy


def searched(width: int, expansions: int, batch: int = 1) -> tuple[SearchStatus, SearchGraph]:
    environment = CountdownEnvironment(CountdownConfig(size=4))
    theorem = environment.theorem("zero-3")
    config = SearchConfig(candidates=8, batch=batch, limit=LimitConfig(expansions=expansions))
    with closing(environment.open(theorem)) as session:
        found = search(theorem, session, ListedTactics(), config=config, strategy=Beam(width))
    return found.status, found.graph


@pytest.mark.parametrize("width", [1, 3, 100])
def test_it_conforms(width: int) -> None:
    check_strategy(make_beam, BeamConfig(width=width))


@pytest.mark.parametrize("batch", [1, 4])
def test_of_each_level_the_best_are_expanded(batch: int) -> None:
    _, graph = searched(width=2, expansions=7, batch=batch)
    depths = [graph.depth[node] for node in graph.expanded]
    assert depths == [0, 1, 1, 2, 2, 3, 3]
    level = [node for node in range(graph.num_nodes) if graph.depth[node] == 2]
    best = sorted(level, key=lambda node: (-graph.priority[node], node))[:2]
    assert list(graph.expanded[3:5]) == best


def test_a_wide_beam_is_breadth_first() -> None:
    _, graph = searched(width=1000, expansions=40)
    depths = [graph.depth[node] for node in graph.expanded]
    assert depths == sorted(depths)


def test_what_was_left_aside_has_its_turn() -> None:
    environment = CountdownEnvironment(CountdownConfig(size=4))
    theorem = environment.theorem("zero-3")
    config = SearchConfig(candidates=8, max_depth=2, limit=LimitConfig(expansions=None))
    with closing(environment.open(theorem)) as session:
        found = search(theorem, session, ListedTactics(), config=config, strategy=Beam(1))
    assert found.status is SearchStatus.EXHAUSTED
    graph = found.graph
    assert {node for node in range(graph.num_nodes) if graph.depth[node] < 2} == set(graph.expanded)
