"""The search over one theorem: pure, deterministic, and without any knowledge of plugins.

``search`` runs it, ``SearchGraph`` is what it explores, ``SearchResult`` what it comes back with.
"""

from __future__ import annotations

from proofsearch.engine.graph import SearchGraph
from proofsearch.engine.loop import search
from proofsearch.engine.result import SearchResult, SearchStatus

__all__ = ["SearchGraph", "SearchResult", "SearchStatus", "search"]
