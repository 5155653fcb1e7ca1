"""How far the checks of a run's proofs went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from proofsearch.types import TIERS, Verdict

UNSTATED = "not stated"
"""Stands for the tier of checkers that don't say how far they go."""


def count_tiers(verdicts: Iterable[Verdict | None]) -> dict[str, int]:
    """How many accepted proofs were checked how far, by tier, the furthest first."""
    found = Counter(verdict.tier or UNSTATED for verdict in verdicts if verdict is not None and verdict.proved)
    return {tier: found[tier] for tier in (*reversed(TIERS), UNSTATED) if tier in found}


def tiers_in_words(counts: Mapping[str, int]) -> str:
    """Counts by tier as people read them: ``"12 axioms audited, 3 kernel"``; empty where no check states its tier."""
    if not set(counts) - {UNSTATED}:
        return ""
    return ", ".join(f"{count} {tier}" for tier, count in counts.items())
