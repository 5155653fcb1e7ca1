"""What the components of a run did wrong without ending a search, counted over its theorems.

A search goes on by log-probability where its scorer fails, and ends early where its generator is silent. Both leave
results that look like any other. So each is said when it first happens and counted at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofsearch.protocols.results import TheoremResult

_WITHOUT_VALUES = (": generate()", ": close()")
"""The methods that no value depends on; with any other a scorer, or an encoder inside of one, has failed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a component did.

    Attributes:
        source: the component and its method: ``"scorer 'mine' of plugin 'mine': score()"``.
        theorems: in how many searches.
        searched: of how many.
        first: the theorem of the first of these.
        message: what it did there.
        states: how many states have no value for it; 0 where it isn't the scorer.
        scored: of how many.
    """

    source: str
    theorems: int
    searched: int
    first: str
    message: str
    states: int = 0
    scored: int = 0

    def __str__(self) -> str:
        counts = f"in {self.theorems} of {self.searched} searches"
        if self.states:
            counts += f" ({self.states} of {self.scored} states were left without a value)"
        return f"{counts}, first in {self.first}: {self.message}"


def source_of(warning: str) -> str:
    """The component and its method that a warning begins with."""
    source, parentheses, _ = warning.partition("()")
    return source + parentheses


def faults(results: Iterable[TheoremResult]) -> list[Fault]:
    """The faults of the components of a run.

    Args:
        results: of the run, in the order in which they came.

    Returns:
        One a component and method, in the order in which they first appeared.
    """
    kept = [result for result in results if not result.failure]
    of_source: dict[str, list[TheoremResult]] = {}
    first: dict[str, str] = {}
    for result in kept:
        for warning in result.warnings:
            source = source_of(warning)
            first.setdefault(source, warning)
            of_source.setdefault(source, []).append(result)
    return [
        Fault(
            source,
            len(found),
            len(kept),
            found[0].theorem,
            first[source],
            *(
                (sum(result.unscored for result in kept), sum(result.scored for result in kept))
                if not source.endswith(_WITHOUT_VALUES)
                else ()
            ),
        )
        for source, found in of_source.items()
    ]
