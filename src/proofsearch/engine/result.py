"""What a search comes back with."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from proofsearch.engine.graph import SearchGraph
from proofsearch.protocols import Usage
from proofsearch.types import Verdict


class SearchStatus(enum.StrEnum):
    """Why a search ended."""

    PROVED = "proved"
    """The independent check accepted a finished path."""
    FINISHED = "finished"
    """A path finished, and no check was given. Not proved: only a verdict says that."""
    EXHAUSTED = "exhausted"
    """No node is left to expand: with this generator, candidate count and depth there is no proof."""
    LIMIT = "limit"
    """A limit was reached; ``limit_hit`` says which."""
    CANCELLED = "cancelled"
    """The caller asked it to stop."""
    FAILED = "failed"
    """The session gave no initial state; ``messages`` says why."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The outcome of one search. Results compare equal when the searches went the same way: times are left out.

    Attributes:
        theorem: the theorem's name.
        status: why the search ended.
        limit_hit: the field of :class:`~proofsearch.types.Limit` that ended it; ``None`` unless status is ``limit``.
        tactics: the path that ended the search, when status is ``proved`` or ``finished``; else ``None``.
        verdict: the verdict on it, when status is ``proved``; else ``None``.
        expansions: nodes expanded, one cut short by a limit or a proof included.
        steps: tactics tried.
        generated: states sent to the generator.
        scored: states sent to the scorer; one that follows paths gets a state again when a better path is found.
        unscored: those of them that got no value.
        scorer_failures: scorer calls that raised, or returned a wrong number of values.
        refused: finished paths that the check refused.
        nodes: distinct states reached.
        edges: steps recorded, equal to ``steps``.
        messages: what a person should know: the first failure of the scorer, whether the search gave it up, the first
            refusal of the check, the first crash of the prover.
        seconds: wall-clock time without verification.
        generate_seconds, step_seconds, score_seconds: its parts spent in the generator (with the environment's
            ``moves``), in the session, and in the scorer.
        engine_seconds: the rest of it: the search's own work and its observers'.
        accept_seconds: time in verification, not part of ``seconds``.
        graph: everything that was found.
        unsuggested: expanded nodes for which the generator suggested nothing.
        misscored: those of the unscored states where the scorer failed: its call raised, or what it said was no finite
            number.
        warnings: what components did against their contracts without ending the search, each naming the component
            and its method: the first of each kind. All of them are in ``messages`` too.
        trace: where the scorer's first failure was raised, as text; empty where there was none.
        usage: the most that the prover used, of those times that it was asked; ``None`` where it never was.
        replacements: how often the prover was replaced because it used more than it may.
    """

    theorem: str
    status: SearchStatus
    limit_hit: str | None
    tactics: tuple[str, ...] | None
    verdict: Verdict | None
    expansions: int
    steps: int
    generated: int
    scored: int
    unscored: int
    scorer_failures: int
    refused: int
    nodes: int
    edges: int
    messages: tuple[str, ...]
    seconds: float = field(compare=False)
    generate_seconds: float = field(compare=False)
    step_seconds: float = field(compare=False)
    score_seconds: float = field(compare=False)
    engine_seconds: float = field(compare=False)
    accept_seconds: float = field(compare=False)
    graph: SearchGraph = field(compare=False, repr=False)
    unsuggested: int = 0
    misscored: int = 0
    warnings: tuple[str, ...] = ()
    trace: str = field(default="", compare=False, repr=False)
    usage: Usage | None = field(default=None, compare=False)
    replacements: int = field(default=0, compare=False)

    @property
    def model_calls(self) -> int:
        """States sent to the generator plus states sent to the scorer."""
        return self.generated + self.scored
