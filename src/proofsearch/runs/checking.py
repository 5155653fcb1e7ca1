"""From a finished path to a verdict: the only way on which anything counts as proved."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from proofsearch.errors import ProofError
from proofsearch.protocols import Environment
from proofsearch.types import Theorem, Verdict, reaches


class Checking:
    """Writes finished paths as whole proofs and has them checked independently.

    Args:
        environment: writes and checks.
        name: what the environment is registered as.
        min_tier: the weakest check that counts; ``None``: any.
    """

    def __init__(self, environment: Environment, name: str, min_tier: str | None) -> None:
        self._environment = environment
        self._name = name
        self._min_tier = min_tier

    def __call__(self, theorem: Theorem, tactics: Sequence[str]) -> tuple[Verdict, str | None]:
        """Writes a finished path as a proof and has it checked.

        Returns:
            The verdict, and the proof where it was accepted. A path from which no proof can be written is refused.
        """
        try:
            proof = self._environment.write_proof(theorem, tactics)
        except ProofError as error:
            return Verdict(proved=False, checker=f"{self._name} proof writer", message=str(error)), None
        verdict = require_tier(self._environment.verify(theorem, proof), self._min_tier)
        return verdict, proof if verdict.proved else None


def require_tier(verdict: Verdict, minimum: str | None) -> Verdict:
    """A verdict where only checks count that go at least so far: one that doesn't refuses the proof."""
    if minimum is None or not verdict.proved or reaches(verdict.tier, minimum):
        return verdict
    how_far = verdict.tier or "a tier that it does not state"
    why = f"the check went as far as {how_far}, the run asks for {minimum} (--min-tier)"
    return dataclasses.replace(verdict, proved=False, message=why)
