"""Would catch: nats of a way that is not the likeliest, of a refused proof, or of one state where several count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from proofsearch.config import SearchConfig
from proofsearch.engine import search
from proofsearch.trajectory.labels import distances
from proofsearch.trajectory.likeliest import nats_to_go
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.types import OutcomeKind, Verdict
from tests.engine.parts import PartsSession, RulesGenerator, random_rules


def and_or(seed, theorem):
    rules = random_rules(seed)
    config = SearchConfig.model_validate({"strategy": "and-or", "limit": {"expansions": 40}})
    accept = lambda path: (Verdict(True, "gullible 1.0"), None)  # noqa: E731
    result = search(theorem, PartsSession(rules), RulesGenerator(rules), config=config, accept=accept)
    return RecordedSearch(to_table(result.graph, result, theorem, Origin(), search_id="s"))


def relaxed(recorded, cost):
    """The least sum of costs below each state, by repetition until nothing changes (Bellman and Ford)."""
    edges, least = recorded.edges, [math.inf] * recorded.num_nodes
    for _ in range(recorded.num_nodes + 1):
        for edge, outcome in enumerate(edges.outcome.tolist()):
            below = [least[target] for target in edges.targets(edge)] if outcome == OutcomeKind.ADVANCED else []
            if outcome in (OutcomeKind.ADVANCED, OutcomeKind.FINISHED):
                source = int(edges.source[edge])
                least[source] = min(least[source], cost[edge] + sum(below))
    return np.array([-1.0 if math.isinf(value) else value for value in least])


@pytest.mark.parametrize("seed", range(25))
def test_they_are_the_least_sums(seed, searched, theorem):
    graph, result = searched(seed, 12, prove=True)
    recorded = RecordedSearch(to_table(graph, result, theorem, Origin(), search_id="s"))
    found = nats_to_go(recorded)
    assert found == pytest.approx(relaxed(recorded, (-recorded.edges.logprob).tolist()))
    assert np.array_equal(found >= 0, np.array(distances(recorded.num_nodes, recorded.edges.for_labels())) > 0)


@pytest.mark.parametrize("seed", range(25))
def test_a_step_to_several_states_needs_all_of_them(seed, theorem):
    recorded = and_or(seed, theorem)
    if recorded.proved:
        assert nats_to_go(recorded) == pytest.approx(relaxed(recorded, (-recorded.edges.logprob).tolist()))
    else:
        assert (nats_to_go(recorded) == -1).all()


def test_without_an_accepted_proof_nothing_is_known(searched, theorem):
    graph, result = searched(3, 12, prove=False)
    recorded = RecordedSearch(to_table(graph, result, theorem, Origin(), search_id="s"))
    assert (nats_to_go(recorded) == -1).all()
