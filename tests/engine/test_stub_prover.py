"""The benchmark's prover that counts what it holds: it frees what is released, and what it freed is replayed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.graph import SearchGraph
from proofsearch.types import Theorem

from .fake import THEOREM

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("stub_prover")
    sys.modules.pop("stub_prover", None)


def run(session: Any, tactics: Any, *observers: Any) -> SearchResult:
    config = SearchConfig.model_validate({"limit": {"expansions": 60}})
    return search(THEOREM, session, tactics, config=config, observers=observers)


def same(one: SearchResult, other: SearchResult) -> bool:
    graphs = [one.graph, other.graph]
    columns = [
        ([state.text for state in graph.state], list(graph.expanded), list(graph.edge_target)) for graph in graphs
    ]
    return columns[0] == columns[1]


def test_only_what_waits_is_held(stub: Any) -> None:
    tactics = stub.TacticsOf(1, 5, 10)
    with closing(stub.HoldingSession()) as holds, closing(stub.FreeingSession()) as frees:
        assert same(run(holds, tactics), run(frees, tactics))
        # Each expansion makes one new state and five that are known; one state waits at the end.
        assert (holds.usage().states, frees.usage().states, frees.replayed) == (1 + 60 * 6, 1, 0)


def test_what_was_freed_to_hold_few_is_stepped_by_replay(stub: Any) -> None:
    tactics = stub.TacticsOf(4, 1)
    with closing(stub.HoldingSession()) as holds, closing(stub.FreeingSession(5)) as frees:
        assert same(run(holds, tactics), run(frees, tactics))
        assert frees.replayed > 0
        assert frees.usage().states <= 5


class RenewsAtTimes:
    """Has the session begin with a new prover after every seventh expansion."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def started(self, theorem: Theorem, graph: SearchGraph) -> None: ...

    def expanded(self, graph: SearchGraph, node: int) -> None:
        if len(graph.expanded) % 7 == 0:
            self.session.renew()
            assert self.session.usage().states == 0

    def finished(self, graph: SearchGraph, result: SearchResult) -> None: ...


def test_a_search_goes_on_with_a_new_prover(stub: Any) -> None:
    tactics = stub.TacticsOf(4, 1)
    with closing(stub.HoldingSession()) as holds, closing(stub.FreeingSession()) as frees:
        assert same(run(holds, tactics), run(frees, tactics, RenewsAtTimes(frees)))
        assert frees.replayed > 0
        assert frees.usage().processes == 1
