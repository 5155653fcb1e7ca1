"""What can be chosen about an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proofsearch.measures.bootstrap import DEFAULT_RESAMPLES, Bootstrap


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What is evaluated and how.

    Attributes:
        scorer: a scorer whose values are judged on neutral runs (:mod:`proofsearch.evaluation.neutrality`); ``None``:
            no value is, as the recorded ones ordered the run.
        options: by component name, the options of that scorer and of its encoder.
        min_expansions: label anew with this demand on negatives, at least 1; ``None`` for the recorded labels.
        split: only theorems of this split; ``None`` for all.
        limit: at most so many theorems, drawn with the seed, the same ones of every run; ``None`` for all.
        seed: of the draws of theorems, of intervals and of cross-fitting.
        resamples: draws that an interval is made from.
        value_weight: of the value in the combined ranking, in [0, 1]; ``None``: the scorer's calibration, else 0.5.
        goal_weight: of each open goal there; ``None``: the scorer's calibration, else 1.
        stop_early: also say of each comparison whether it is decided before all theorems have been searched.
    """

    scorer: str | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    min_expansions: int | None = None
    split: str | None = None
    limit: int | None = None
    seed: int = 0
    resamples: int = DEFAULT_RESAMPLES
    value_weight: float | None = None
    goal_weight: float | None = None
    stop_early: bool = False

    @property
    def bootstrap(self) -> Bootstrap:
        """How intervals are made."""
        return Bootstrap(self.resamples, self.seed)
