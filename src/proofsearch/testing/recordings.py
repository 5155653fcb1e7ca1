"""Recorded searches to learn from, of an environment that demonstrates proofs, without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from proofsearch.config import LimitConfig, PriorityConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.errors import UsageError
from proofsearch.protocols import (
    Demonstrates,
    Environment,
    GenerationRequest,
    ScoreRequest,
    TacticGenerator,
    ValueScorer,
)
from proofsearch.testing.samples import ListedTactics
from proofsearch.trajectory.table import Origin, fingerprint_hash
from proofsearch.trajectory.writer import TrajectoryWriter, write_file
from proofsearch.types import Candidate, Demonstration, Theorem, Verdict

_OFF_PROOF = -1e3
"""The value of a state that the known proof doesn't lead through."""


class _Guide(TacticGenerator, ValueScorer):
    """Policy and value in one: suggests the known step beside others, and values what the known proof leads through."""

    def __init__(self, shown: Mapping[str, Demonstration]) -> None:
        self._shown = shown
        self._others = ListedTactics()

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """The known step, and the first others that apply."""
        return [
            self._with_known(request, others)
            for request, others in zip(requests, self._others.generate(requests, n - 1), strict=True)
        ]

    def _with_known(self, request: GenerationRequest, others: list[Candidate]) -> list[Candidate]:
        step = self._shown.get(request.state.text)
        if step is None or any(other.tactic == step.tactic for other in others):
            return others
        return [*others, Candidate(step.tactic, others[-1].logprob if others else 0.0)]

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """Minus the steps that remain."""
        shown = [self._shown.get(request.state.text) for request in requests]
        return [_OFF_PROOF if step is None else -float(step.remaining) for step in shown]


def record(environment: Environment, theorems: Sequence[Theorem], path: Path, *, expansions: int = 40) -> Path:
    """Searches theorems along their known proofs and beside them, and records it.

    Args:
        environment: what proves; it demonstrates proofs.
        theorems: what to search.
        path: the trajectory file to write.
        expansions: nodes expanded a theorem, at most.

    Returns:
        The path.

    Raises:
        UsageError: the environment demonstrates no proofs.
    """
    if not isinstance(environment, Demonstrates):
        raise UsageError("the environment demonstrates no proofs, so no searches can be recorded; give trajectories")
    limit = LimitConfig(expansions=expansions)
    config = SearchConfig(candidates=8, limit=limit, priority=PriorityConfig(kind="split", goal_weight=0))
    origin = Origin("check", type(environment).__name__, "listed", "known", fingerprint_hash(environment.fingerprint()))
    tables = []
    for theorem in theorems:
        guide = _Guide({step.state.text: step for step in environment.demonstrations([theorem])})
        writer = TrajectoryWriter(origin, min_expansions=1)
        with closing(environment.open(theorem)) as session:
            search(
                theorem,
                session,
                guide,
                guide,
                config=config,
                accept=lambda tactics: (Verdict(True, "the recording of a check"), None),
                observers=[writer],
            )
        recorded = writer.take()
        if recorded is not None:
            tables.append(recorded[1])
    write_file(path, tables)
    return path
