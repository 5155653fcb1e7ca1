"""The steps of proofs that the policy ``knn`` remembers."""

from __future__ import annotations

from typing import NamedTuple

from proofsearch.types import Goal


class Step(NamedTuple):
    """One step of a proof.

    Attributes:
        theorem: the index of its theorem.
        goal: the first goal of the state.
        tactic: what the proof did there; ``None`` for what may not be learnt from: only the statement counts.
    """

    theorem: int
    goal: Goal
    tactic: str | None
