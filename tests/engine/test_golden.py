"""Whole search trees, compared with stored ones.

What they catch is any change of a search that nobody meant: each file holds every node and edge of one search. When a
change is meant, write them anew and read the difference before committing it:

    PROOFSEARCH_REGENERATE_GOLDEN=1 pytest tests/engine/test_golden.py
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.protocols import Calibration
from proofsearch.types import OutcomeKind, Verdict

from .fake import THEOREM, FakeGenerator, FakeScorer, FakeSession, random_world
from .test_order import random_values

FOLDER = Path(__file__).parent / "golden"
REGENERATE = os.environ.get("PROOFSEARCH_REGENERATE_GOLDEN") == "1"

# name: seed of the world, share of missing values (None: no scorer), configuration
SEARCHES: dict[str, tuple[int, float | None, dict[str, Any]]] = {
    "logprob": (3, None, {"priority": {"kind": "logprob"}}),
    "value": (7, 0.0, {}),
    "value-missing": (33, 0.1, {"limit": {"expansions": 8}}),
    "value-given-up": (26, 0.4, {}),
    "normalized": (3, None, {"priority": {"kind": "normalized", "length_exponent": 0.5}}),
    "mix": (10, 0.0, {"priority": {"kind": "mix", "warmup": 12}}),
    "mix-calibrated": (3, 0.0, {"priority": {"kind": "mix"}}),
    "astar": (2, 0.0, {"priority": {"kind": "astar", "heuristic_weight": 0.7}}),
    "split": (30, 0.0, {"priority": {"kind": "split", "value_share": 0.3}}),
    "batch": (10, 0.0, {"batch": 4}),
    "max-depth": (3, None, {"max_depth": 3, "priority": {"kind": "logprob"}}),
    "steps": (2, 0.0, {"limit": {"expansions": None, "steps": 23}}),
}


def strict(path: tuple[str, ...]) -> tuple[Verdict, None]:
    """Refuses short proofs, so that some searches see both verdicts."""
    return Verdict(len(path) >= 4, "strict 1.0", "" if len(path) >= 4 else "too short"), None


def run(name: str) -> SearchResult:
    seed, missing, config = SEARCHES[name]
    world = random_world(seed, states=40, branching=6, finish=0.05)
    return search(
        THEOREM,
        FakeSession(world),
        FakeGenerator(world),
        None if missing is None else FakeScorer(random_values(seed, world, ties=False, missing=missing)),
        config=SearchConfig.model_validate({"limit": {"expansions": 14}, **config}),
        accept=strict,
        calibration=Calibration(-3.0, 2.0, -4.0, 1.5, 0.3) if name == "mix-calibrated" else None,
        clock=lambda: 0.0,
    )


def written(result: SearchResult) -> dict[str, Any]:
    """The search as JSON can hold it; numbers are exact, missing ones are null."""
    graph = result.graph

    def number(x: float) -> float | None:
        return None if math.isnan(x) else x

    nodes = [
        {
            "state": graph.state[node].text,
            "path": list(graph.path(node)),
            "logprob": graph.logprob[node],
            "num_tokens": graph.num_tokens[node],
            "value": number(graph.value[node]),
            "priority": number(graph.priority[node]),
            "expanded_at": graph.expanded_at[node],
            "parents": list(graph.parents(node)),
        }
        for node in range(graph.num_nodes)
    ]
    edges = [
        [
            graph.edge_source[edge],
            graph.edge_tactic[edge],
            graph.edge_logprob[edge],
            OutcomeKind(graph.edge_outcome[edge]).name,
            graph.edge_target[edge],
            graph.edge_message.get(edge, ""),
        ]
        for edge in range(graph.num_edges)
    ]
    return {
        "status": result.status,
        "limit_hit": result.limit_hit,
        "tactics": result.tactics and list(result.tactics),
        "counts": [result.expansions, result.steps, result.generated, result.scored, result.unscored, result.refused],
        "messages": list(result.messages),
        "nodes": nodes,
        "edges": edges,
    }


@pytest.mark.parametrize("name", SEARCHES)
def test_search_is_the_stored_one(name: str) -> None:
    """Catches any unmeant change of order, counts, priorities or paths."""
    path = FOLDER / f"{name}.json"
    tree = written(run(name))
    if REGENERATE:
        rows = {key: value for key, value in tree.items() if key not in ("nodes", "edges")}
        lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items()]
        for key in ("nodes", "edges"):
            lines.append(f" {json.dumps(key)}: [\n  " + ",\n  ".join(json.dumps(row) for row in tree[key]) + "\n ]")
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        pytest.skip(f"wrote {path.name}")
    assert tree == json.loads(path.read_text(encoding="utf-8"))


def test_the_stored_searches_are_worth_storing() -> None:
    """Catches goldens that exercise nothing, for example after a change of the random worlds."""
    trees = [json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in SEARCHES]
    assert {tree["status"] for tree in trees} >= {"proved", "limit"}
    assert any(tree["counts"][-1] for tree in trees), "no proof was refused"
    assert any(len(node["parents"]) > 1 for tree in trees for node in tree["nodes"]), "no states merged"
    assert {edge[3] for tree in trees for edge in tree["edges"]} == {kind.name for kind in OutcomeKind}
    assert all(len(tree["nodes"]) > 12 for tree in trees), "a search that is over too soon"
    assert len(list(FOLDER.glob("*.json"))) == len(SEARCHES), "a stored search that no test compares"
