"""When a run has been searched far enough, before every theorem has a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from proofsearch.config import RunConfig
from proofsearch.protocols import Job, TheoremResult
from proofsearch.types import Theorem


class StopRule(Protocol):
    """Looks at the results of a run and says when no further search is needed.

    Searches under way are ended as they would be otherwise, and recorded; only no more are begun. The run is then
    stopped, not finished, and can be resumed.
    """

    def begin(
        self,
        config: RunConfig,
        fingerprint: Mapping[str, str],
        theorems: Sequence[Theorem],
        results: Mapping[str, TheoremResult],
    ) -> None:
        """Is told what the run is about, before its first search.

        Args:
            config: the run's configuration.
            fingerprint: of its environment.
            theorems: what it is about, in order.
            results: what it has from before, without what is to be searched again.

        Raises:
            UsageError: the rule has no meaning for this run.
        """

    def take(self, result: TheoremResult) -> None:
        """Is told a result that is in the run folder now; they come in any order."""

    @property
    def enough(self) -> bool:
        """Whether no further search is needed."""


class Jobs(Iterator[Job]):
    """The jobs of a run, one after the other, as long as further ones are wanted.

    Args:
        theorems: what is to be searched, in order.
        until: says when no more is wanted; ``None``: never.

    Attributes:
        waiting: the names of those that were handed out and of which no result was taken yet.
    """

    def __init__(self, theorems: Sequence[Theorem], until: StopRule | None = None) -> None:
        self.waiting: set[str] = set()
        self._theorems = theorems
        self._handed_out = 0
        self._until = until

    def __next__(self) -> Job:
        if self._ended or self._handed_out == len(self._theorems):
            raise StopIteration
        theorem = self._theorems[self._handed_out]
        self._handed_out += 1
        self.waiting.add(theorem.name)
        return Job(theorem.name, theorem)

    def left(self) -> Sequence[Theorem]:
        """What is still wanted and was not handed out."""
        return () if self._ended else self._theorems[self._handed_out :]

    @property
    def _ended(self) -> bool:
        return self._until is not None and self._until.enough
