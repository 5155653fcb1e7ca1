"""Reinforcement learning over any prover of proofsearch.

:class:`proofsearch_rl.episode.Episode` is the core: a theorem that is proved tactic by tactic, with a reward that only
an independent check can give. :mod:`proofsearch_rl.gym`, :mod:`proofsearch_rl.openenv` and
:mod:`proofsearch_rl.taskset` put it behind the interfaces of Gymnasium, OpenEnv and verifiers;
:mod:`proofsearch_rl.serving` serves many episodes to other processes, and :mod:`proofsearch_rl.client` talks to it.

verifiers finds a task set by the name of a package, ``--env.taskset.id proofsearch-rl``, and takes what its ``__all__``
names. So that is here, and imported when it is asked for: nobody else needs verifiers.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["ProofTaskset", "ProofTasksetEnv"]


def __getattr__(name: str) -> Any:
    """What verifiers takes from this package."""
    if name in __all__:
        return getattr(importlib.import_module("proofsearch_rl.taskset"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
