"""proofsearch: best-first proof search in which every component is a plugin.

The verbs of the command line are functions here too, imported when they are first used::

    from proofsearch import evaluate, open_prover, run_search, search, train, verify

``search`` searches for one theorem, with a session, a policy and a value that are given as objects; ``run_search`` and
``resume_search`` make a run over many theorems from a configuration, ``verify`` checks its proofs again, ``train``
learns from it and ``evaluate`` measures and compares runs. ``open_prover`` opens an environment by its name, with the
check of finished proofs, for whoever steps it themselves.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from proofsearch.errors import ProofsearchError
from proofsearch.plugins.hookspecs import hookimpl
from proofsearch.process.version import __version__
from proofsearch.types import (
    Advanced,
    Candidate,
    Crashed,
    Demonstration,
    Finding,
    Finished,
    Goal,
    Limit,
    Outcome,
    OutcomeKind,
    ProofState,
    Rejected,
    State,
    Theorem,
    TimedOut,
    Tree,
    Unusable,
    Verdict,
)

if TYPE_CHECKING:
    from proofsearch.engine import search as search
    from proofsearch.evaluation.evaluate import evaluate as evaluate
    from proofsearch.runs.prover import open_prover as open_prover
    from proofsearch.runs.run import resume_search as resume_search
    from proofsearch.runs.run import run_search as run_search
    from proofsearch.runs.verification import verify_run as verify
    from proofsearch.training import train as train

_VERBS = {
    "evaluate": ("proofsearch.evaluation", "evaluate"),
    "open_prover": ("proofsearch.runs.prover", "open_prover"),
    "resume_search": ("proofsearch.runs.run", "resume_search"),
    "run_search": ("proofsearch.runs.run", "run_search"),
    "search": ("proofsearch.engine", "search"),
    "train": ("proofsearch.training", "train"),
    "verify": ("proofsearch.runs.verification", "verify_run"),
}
"""Where each verb is. None is imported before it is asked for: ``proofsearch --help`` needs none of them."""


def __getattr__(name: str) -> Any:
    """A verb."""
    if name not in _VERBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, verb = _VERBS[name]
    return getattr(importlib.import_module(module), verb)


def __dir__() -> list[str]:
    return sorted([*globals(), *_VERBS])


__all__ = [
    "Advanced",
    "Candidate",
    "Crashed",
    "Demonstration",
    "Finding",
    "Finished",
    "Goal",
    "Limit",
    "Outcome",
    "OutcomeKind",
    "ProofState",
    "ProofsearchError",
    "Rejected",
    "State",
    "Theorem",
    "TimedOut",
    "Tree",
    "Unusable",
    "Verdict",
    "__version__",
    "evaluate",
    "hookimpl",
    "open_prover",
    "resume_search",
    "run_search",
    "search",
    "train",
    "verify",
]
