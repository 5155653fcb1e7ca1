"""Whether finished paths are proofs: asking the independent check, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

from proofsearch.engine.refusals import Refusals, paths_by
from proofsearch.graph import Refused
from proofsearch.protocols import Exploration, NoProofError, TakesApart
from proofsearch.protocols.results import SearchStatus
from proofsearch.types import Outcome, ProofState, Verdict

if TYPE_CHECKING:
    from proofsearch.engine.budget import Budget
    from proofsearch.graph import SearchGraph

Accept = Callable[[tuple[str, ...]], tuple[Verdict, str | None]]
"""Replays a path in a fresh context; returns whether it is a proof, and the written proof where there is one."""


class Acceptance:
    """Has the finished paths of one search checked.

    Args:
        accept: the check; ``None``: the first finished path ends the search.
        budget: gets the time that checking takes.
        messages: gets why the first path was refused.

    Attributes:
        status: ``proved`` or ``finished`` once a path ended the search.
        tactics: that path.
        verdict: what the check said of it.
        proof: the written proof that was accepted, where the check wrote one.
        refused: paths that were refused.
    """

    def __init__(self, accept: Accept | None, budget: Budget, messages: list[str]) -> None:
        self._accept = accept
        self._budget = budget
        self._messages = messages
        self._graph: SearchGraph | None = None
        self._exploration: Exploration | None = None
        self._refusals: Refusals | None = None
        self._new: list[int] = []  # edges refused since other ways were looked for
        self._parts: dict[int, Sequence[ProofState]] = {}  # by refused edge, the parts that it led to
        self.status: SearchStatus | None = None
        self.tactics: tuple[str, ...] | None = None
        self.verdict: Verdict | None = None
        self.proof: str | None = None
        self.refused = 0

    def begin(self, graph: SearchGraph, exploration: Exploration, max_depth: float = inf) -> None:
        """Takes what paths are found in."""
        self._graph = graph
        self._exploration = exploration
        if self._accept is None:
            return

        def by_graph(edge: int) -> Iterator[tuple[str, ...]]:
            return paths_by(graph, edge, refusals.into, max_depth)

        ways = exploration.ways if isinstance(exploration, TakesApart) else by_graph
        refusals = self._refusals = Refusals(graph, ways)

    def end(self) -> None:
        """Lets go of what paths were found in."""
        self._exploration, self._refusals = None, None

    def complete(self, node: int, tactic: str) -> str | None:
        """Has the whole proof checked if a tactic that proves a node completes it.

        Returns:
            Why it was refused; ``None`` where it was not, or where more is missing.
        """
        assert self._exploration is not None
        try:
            path = self._exploration.proof(node, tactic)
        except NoProofError as error:
            return self._refuse(str(error), str(error))
        return None if path is None else self.check(path)

    def check(self, path: tuple[str, ...]) -> str | None:
        """Has a path checked.

        Returns:
            Why it was refused; ``None``, with the status set, if it ends the search.
        """
        if self._accept is None:
            self.status, self.tactics = SearchStatus.FINISHED, path
            return None
        budget = self._budget
        began = budget.clock()
        verdict, proof = self._accept(path)
        now = budget.clock()
        budget.accept_seconds += now - began
        if now - began >= budget.shortest:
            budget.tell("verify", began, now, 1)
        if verdict.proved:
            self.status, self.tactics, self.verdict, self.proof = SearchStatus.PROVED, path, verdict, proof
            return None
        if self._refusals is not None:
            self._refusals.note(path)
        return self._refuse(verdict.message, f"{verdict.checker} refused a finished proof: {verdict.message}")

    def note(
        self,
        failures: Mapping[int, Outcome | Refused],
        first_edge: int,
        parts: Mapping[int, Sequence[ProofState]],
    ) -> None:
        """Takes notice of the refused steps of an expansion.

        Args:
            failures: the outcomes by their place in the expansion.
            first_edge: the expansion's first edge.
            parts: by the place of a refused step, the parts that it led to.
        """
        self._new += [first_edge + index for index, outcome in failures.items() if type(outcome) is Refused]
        self._parts.update((first_edge + index, found) for index, found in parts.items())

    def try_other_ways(self, interrupted: Callable[[], bool]) -> None:
        """Has other paths checked that refused steps complete; the first that is accepted ends the search.

        Args:
            interrupted: whether time is up; asked before each.
        """
        added, self._new = self._new, []
        if self._refusals is None or self._graph is None:
            return
        for edge, path in self._refusals.untried(added):
            if interrupted():
                return
            if self.check(path) is None:
                self._graph.accept(edge, self._parts.get(edge, ()))
                if isinstance(self._exploration, TakesApart):
                    self._exploration.accept(edge)
                return

    def _refuse(self, why: str, message: str) -> str:
        """Counts a refused path and keeps the first message about one."""
        if not self.refused:
            self._messages.append(message)
        self.refused += 1
        return why
