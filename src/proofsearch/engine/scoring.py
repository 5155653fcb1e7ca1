"""Asking the scorer, and continuing without it when it fails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from proofsearch.errors import ComponentError, ProofsearchError, one_line, trace_of
from proofsearch.guards import described
from proofsearch.guards.answers import values as complaint_about
from proofsearch.protocols import EnumeratesMoves, ScoreRequest, follows_paths, reads_moves

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Session, ValueScorer
    from proofsearch.types import Theorem

MAX_UNSCORED = 0.05
"""The share of states without a value above which a search stops trusting its scorer."""

MIN_SCORED = 20
"""How many states must have been sent before that share is judged."""


class Scoring:
    """Puts values on new nodes and keeps count.

    Args:
        scorer: what is asked.
        theorem: what the search is about.
        session: of the search; where it enumerates moves, a scorer that wants to know them is told.
        with_path: whether it is told how a state was reached. Where not, each state is presented as a beginning, with
            depth, log-probability and token count 0: what is reached in many ways is to have one value.

    Attributes:
        follows: whether the nodes whose best path was replaced are to be scored anew.
        calls: how often it was asked.
        scored: states sent to the scorer, those that were sent again included.
        unscored: those of them that got no value: it said ``None``, said something that is not finite, or failed.
        misscored: those of them where it did not say ``None``.
        failures: calls that failed as a whole.
        first_failure: what went wrong first, and whose fault it was; empty if nothing did.
        trace: where that was raised; empty if it wasn't.
        name: what to call the scorer.
    """

    __slots__ = (
        "_moves",
        "_scorer",
        "_theorem",
        "_with_path",
        "calls",
        "failures",
        "first_failure",
        "follows",
        "misscored",
        "name",
        "scored",
        "trace",
        "unscored",
    )

    def __init__(
        self, scorer: ValueScorer, theorem: Theorem, session: Session | None = None, *, with_path: bool = True
    ) -> None:
        self._scorer = scorer
        self._moves = session.moves if isinstance(session, EnumeratesMoves) and reads_moves(scorer) else None
        self._with_path = with_path
        self.follows = with_path and follows_paths(scorer)
        self._theorem = theorem
        self.calls = 0
        self.scored = 0
        self.unscored = 0
        self.misscored = 0
        self.failures = 0
        self.first_failure = ""
        self.trace = ""
        self.name = described(scorer, "scorer")

    @property
    def distrusted(self) -> bool:
        """Whether more than :data:`MAX_UNSCORED` of at least :data:`MIN_SCORED` states have no value."""
        return self.scored >= MIN_SCORED and self.unscored > MAX_UNSCORED * self.scored

    def score(self, graph: SearchGraph, nodes: Sequence[int]) -> None:
        """Scores ``nodes`` in one call and writes what came back into the graph's value column.

        Raises:
            ProofsearchError: the scorer raised one, so the user has something to put right.
        """
        requests = [self._request(graph, node) for node in nodes]
        self.calls += 1
        self.scored += len(requests)
        for node, value in zip(nodes, self._ask(requests), strict=True):
            self.unscored += value is None
            graph.value[node] = math.nan if value is None else value

    def _request(self, graph: SearchGraph, node: int) -> ScoreRequest:
        state = graph.state[node]
        moves = self._moves and self._moves(state)
        edge = graph.best_edge[node] if self._with_path else -1
        if edge < 0:
            return ScoreRequest(self._theorem, state, 0, 0.0, 0, None, 0.0, None, moves)
        return ScoreRequest(
            self._theorem,
            state,
            graph.depth[node],
            graph.logprob[node],
            graph.num_tokens[node],
            graph.edge_tactic[edge],
            graph.edge_logprob[edge],
            graph.state[graph.edge_source[edge]],
            moves,
        )

    def _ask(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        """The scorer's values; ``None`` for each state where it has no finite one."""
        try:
            answer = self._scorer.score(requests)
            usual = type(answer) is list and len(answer) == len(requests) and type(answer[0]) is not str
            complaint = None if usual else complaint_about(answer, requests)
            if complaint is None:
                values = [None if value is None else float(value) for value in answer]
        except ComponentError as error:
            return self._failed(str(error), len(requests), error)
        except ProofsearchError:
            raise
        except Exception as error:
            # A scorer is somebody's model: it can run out of memory on one odd state, meet a device error, or be
            # wrong. Whatever it is, the prover and the policy still work, and hours of search should not be lost.
            return self._failed(f"{self.name}: score() raised {one_line(error)}", len(requests), error)
        if complaint is not None:
            return self._failed(f"{self.name}: score() {complaint}", len(requests))
        finite = [value if value is not None and math.isfinite(value) else None for value in values]
        if finite != values:
            odd = [value for value in values if value is not None and not math.isfinite(value)]
            self.misscored += len(odd)
            self.first_failure = self.first_failure or (
                f"{self.name}: score() returned {odd[0]} as a value; "
                "expected a finite number, or None where it has none"
            )
        return finite

    def _failed(self, reason: str, count: int, error: Exception | None = None) -> Sequence[None]:
        self.failures += 1
        self.misscored += count
        if not self.first_failure:
            self.first_failure = reason
            self.trace = "" if error is None else trace_of(error)
        return [None] * count
