"""The search over one theorem: pure, deterministic, and without any knowledge of plugins.

``search`` runs it, ``SearchGraph`` is what it explores, ``SearchResult`` what it comes back with.
"""

from __future__ import annotations

from proofsearch.engine.loop import search
from proofsearch.graph import SearchGraph
from proofsearch.protocols.results import SearchResult, SearchStatus

__all__ = ["SearchGraph", "SearchResult", "SearchStatus", "search"]
