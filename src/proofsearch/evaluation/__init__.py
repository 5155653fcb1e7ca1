"""What recorded runs say: how their values rank, what they solved, and how they compare.

:func:`evaluate` reads run folders and measures; :mod:`proofsearch.measures` has the measures, which know no runs.
"""

from __future__ import annotations

from proofsearch.evaluation.evaluate import evaluate
from proofsearch.evaluation.result import Comparison, Evaluation, RunEvaluation, to_json
from proofsearch.evaluation.settings import EvaluationSettings

__all__ = ["Comparison", "Evaluation", "EvaluationSettings", "RunEvaluation", "evaluate", "to_json"]
