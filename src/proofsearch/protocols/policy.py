"""The contract of policies: what suggests tactics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proofsearch.protocols.environment import Moves
from proofsearch.types import Candidate, ProofState, Theorem


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One state that wants candidates.

    Attributes:
        theorem: what the search is about.
        state: the state to be expanded.
        moves: the tactics that may apply, where the environment can enumerate them.
        seed: differs between the requests of a run, equal when the run is repeated.
    """

    theorem: Theorem
    state: ProofState
    moves: Moves | None = None
    seed: int = 0


class TacticGenerator(Protocol):
    """A policy: suggests tactics for states."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """At most ``n`` candidates a request, best first, without duplicates; an empty list where it has none."""

    def close(self) -> None:
        """Frees what it holds; by default nothing. Idempotent."""
        return
