"""The search graph: states as nodes, steps as edges. Contracts speak of it; the engine alone writes it."""

from __future__ import annotations

from proofsearch.graph.columns import NAN
from proofsearch.graph.graph import SearchGraph
from proofsearch.graph.invariants import check_graph
from proofsearch.graph.outcomes import KINDS, WITH_MESSAGE, Refused, kind_of
from proofsearch.graph.unrepeated import with_one_expansion_each

__all__ = [
    "KINDS",
    "NAN",
    "WITH_MESSAGE",
    "Refused",
    "SearchGraph",
    "check_graph",
    "kind_of",
    "with_one_expansion_each",
]
