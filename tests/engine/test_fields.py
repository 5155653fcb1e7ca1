"""Every field of the search's configuration acts."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from pydantic import BaseModel

from proofsearch.config import LimitConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.engine.priorities import BUILTIN
from proofsearch.types import Limit

from .fake import THEOREM, FakeScorer, random_world, refuse_all
from .test_order import random_values
from .test_scripts import Session, Wanderer


class Clock:
    """Each look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def trace(config: dict[str, Any]) -> str:
    """All that a search did on a fixed world, as text."""
    world = random_world(17, states=120, branching=6, finish=0.02)
    scorer = FakeScorer(random_values(17, world, ties=False, missing=0.0))
    generator = Wanderer(world, {})
    result = search(
        THEOREM,
        Session(world),
        generator,
        scorer,
        config=SearchConfig.model_validate(config),
        accept=refuse_all,
        clock=Clock(),
    )
    graph = result.graph
    calls = [[request.state.text for request in call] for call in generator.calls]
    return json.dumps([result.status, result.limit_hit, calls, list(graph.expanded), list(graph.edge_tactic)])


# For every field: the settings around it, and two values of it that must make two different searches.
CASES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "strategy": ({}, "best-first", "and-or"),
    "candidates": ({}, 3, 6),
    "proposals": ({}, "steps", "both"),
    "scripts": ({"proposals": "scripts"}, 2, 6),
    "script_states": ({"proposals": "both"}, 1, 4),
    "batch": ({}, 1, 3),
    "max_depth": ({}, None, 3),
    "defer": ({}, None, 1),
    "limit.expansions": ({}, 10, 20),
    "limit.steps": ({}, None, 30),
    "limit.seconds": ({}, None, 100.0),
    "limit.model_calls": ({}, None, 25),
    "priority.kind": ({}, "value", "logprob"),
    "priority.length_exponent": ({"priority": {"kind": "normalized"}}, 0.0, 1.0),
    "priority.value_weight": ({"priority": {"kind": "mix"}}, 0.1, 0.9),
    "priority.warmup": ({"priority": {"kind": "mix"}}, 2, 64),
    "priority.heuristic_weight": ({"priority": {"kind": "astar"}}, 0.1, 3.0),
    "priority.value_share": ({"priority": {"kind": "split"}}, 0.1, 0.9),
    "priority.goal_weight": ({}, 0.0, 4.0),
}


def leaves(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The names of all fields of a configuration, with those of the configurations in it."""
    names = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names += leaves(inner, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names


def test_every_field_has_a_case() -> None:
    """Catches a new knob that nobody checked, or a case for one that is gone."""
    assert sorted(CASES) == sorted(leaves(SearchConfig))
    assert set(LimitConfig.model_fields) == set(Limit.__slots__)


@pytest.mark.parametrize("field", CASES)
def test_the_field_changes_the_search(field: str) -> None:
    """Catches a knob that is read but does nothing."""
    around, one, other = CASES[field]
    traces = []
    for value in (one, other):
        config: dict[str, Any] = {"limit": {"expansions": 40}, **copy.deepcopy(around)}
        *outer, name = field.split(".")
        inside = config.setdefault(outer[0], {}) if outer else config
        inside[name] = value
        traces.append(trace(config))
    assert traces[0] != traces[1]


@pytest.mark.parametrize(
    "kind", ["value", "logprob", "normalized", "mix", "reranked", "astar", "phs", "phs-star", "split"]
)
def test_every_kind_of_priority_is_another_search(kind: str) -> None:
    """Catches two kinds that do the same; ``auto`` is meant to do what another does."""
    kinds = BUILTIN
    others = [name for name in kinds if name not in (kind, "auto")]
    mine = trace({"limit": {"expansions": 40}, "priority": {"kind": kind}})
    assert all(mine != trace({"limit": {"expansions": 40}, "priority": {"kind": other}}) for other in others)
