"""What became of the searches that a dataset was made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What was read, kept and dropped.

    Attributes:
        searches: read, each once.
        proved: searches that found an accepted proof; only these are learned from.
        test_searches: searches of theorems of the test split, dropped.
        theorems: kept.
        nodes: states of the proved searches, before anything was dropped.
        states: kept. ``nodes`` are these, ``empty``, ``merged``, ``conflicts`` and ``over_limit``.
        empty: states dropped because they have no text or no goal.
        merged: states that another search of the same theorem had too.
        conflicts: states dropped because one search calls them positive and another negative.
        over_limit: states dropped because their theorem had too many.
        positives, negatives, unknown: states kept, by label.
        decisions: kept.
        decisions_dropped: left without a positive or without another child, by the states dropped.
        decisions_merged: that another search of the same theorem had too.
        parts: different parts that were encoded.
    """

    searches: int = 0
    proved: int = 0
    test_searches: int = 0
    theorems: int = 0
    nodes: int = 0
    states: int = 0
    empty: int = 0
    merged: int = 0
    conflicts: int = 0
    over_limit: int = 0
    positives: int = 0
    negatives: int = 0
    unknown: int = 0
    decisions: int = 0
    decisions_dropped: int = 0
    decisions_merged: int = 0
    parts: int = 0

    def sentences(self) -> Iterator[str]:
        """The report for people, a line or two."""
        yield (
            f"{self.theorems} theorems from {self.proved} proved of {self.searches} searches: {self.states} states "
            f"of {self.parts} different parts; {self.positives} positive, {self.negatives} negative, "
            f"{self.unknown} unknown; {self.decisions} decisions"
        )
        dropped = {
            "over the limit of a theorem": self.over_limit,
            "the same in another search": self.merged,
            "empty": self.empty,
            "positive in one search and negative in another": self.conflicts,
        }
        if any(dropped.values()):
            yield "states left out: " + ", ".join(f"{count} {why}" for why, count in dropped.items() if count)
