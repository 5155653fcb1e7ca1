"""What can be chosen about a report."""

from __future__ import annotations

from dataclasses import dataclass, field

from proofsearch.evaluation.settings import EvaluationSettings

DEFAULT_TREES = 40
"""Theorems whose search trees are shown, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What a report is about.

    Attributes:
        evaluation: which theorems count, and how intervals are made.
        trees: how many theorems' search trees are shown at most, at least 0; of each run that recorded one.
        theorems: names of theorems whose trees are shown in any case, beyond that number too.
    """

    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    trees: int = DEFAULT_TREES
    theorems: tuple[str, ...] = ()
