"""proofsearch: best-first proof search whose every part is a plugin."""

from __future__ import annotations

from proofsearch.errors import ProofsearchError
from proofsearch.hookspecs import hookimpl
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
    Verdict,
)

__version__ = "0.1.0"

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
    "Verdict",
    "__version__",
    "hookimpl",
]
