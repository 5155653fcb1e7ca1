"""The priority against its contract, and what it orders."""

from __future__ import annotations

import math
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from proofsearch_levin.priority import Levin, LevinConfig, make_levin

from proofsearch.config import LimitConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.testing import CountdownConfig, CountdownEnvironment, ListedTactics, check_priority


@pytest.mark.parametrize("length", ["steps", "tokens"])
def test_it_conforms(length: str) -> None:
    check_priority(make_levin, LevinConfig.model_validate({"length": length}))


def test_it_is_the_length_over_the_probability() -> None:
    columns: Any = SimpleNamespace(logprob=[math.log(0.5), math.log(0.25), 0.0], depth=[1, 4, 0], num_tokens=[8, 1, 0])
    assert [round(math.exp(-one), 9) for one in Levin()(columns)] == [2.0, 16.0, 1.0]
    assert [round(math.exp(-one), 9) for one in Levin("tokens")(columns)] == [16.0, 4.0, 1.0]


def test_costs_never_fall_where_each_state_has_one_way() -> None:
    environment = CountdownEnvironment(CountdownConfig())
    theorem = environment.theorem("zero-3")
    with closing(environment.open(theorem)) as session:
        config = SearchConfig(candidates=1, limit=LimitConfig(expansions=8))
        graph = search(theorem, session, ListedTactics(), config=config, priority=Levin()).graph
    priorities = [graph.priority[node] for node in graph.expanded[1:]]
    assert priorities == sorted(priorities, reverse=True)
    assert len(priorities) == 7
