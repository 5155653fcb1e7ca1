"""Configuration models: frozen, and refusing keys that they don't know.

This package imports pydantic, so only what actually runs a search imports it.
"""

from __future__ import annotations

from proofsearch.config.base import ComponentConfig, FrozenModel, SearchSeed, Seed, Workers
from proofsearch.config.run import AUTO, ExecutionConfig, RunConfig, SelectionConfig
from proofsearch.config.search import LimitConfig, PriorityConfig, SearchConfig
from proofsearch.config.training import IterateConfig, RecordConfig, TrainConfig

__all__ = [
    "AUTO",
    "ComponentConfig",
    "ExecutionConfig",
    "FrozenModel",
    "IterateConfig",
    "LimitConfig",
    "PriorityConfig",
    "RecordConfig",
    "RunConfig",
    "SearchConfig",
    "SearchSeed",
    "Seed",
    "SelectionConfig",
    "TrainConfig",
    "Workers",
]
