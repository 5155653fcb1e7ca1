"""The check of a found proof, in a fresh process that shares nothing with the search."""

from __future__ import annotations

from proofsearch import Verdict
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import Toolchain


def verify(toolchain: Toolchain, config: LeanConfig, theorem: LeanTheorem, proof: str) -> Verdict:
    """Checks a written proof.

    Args:
        toolchain: the Lean that checks.
        config: allowed axioms, time-out, second checker.
        theorem: what has to be proved.
        proof: a whole file as :func:`proofsearch_lean.scripts.written` makes it; anything else is refused, never an
            error.
    """
    raise NotImplementedError
