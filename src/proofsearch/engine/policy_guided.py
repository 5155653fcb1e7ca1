"""The priorities of policy-guided heuristic search (Orseau & Lelis 2021, arXiv:2103.11505).

Every state on a path counts as an expansion, the root included: with d steps to a node, g = d + 1. π is the probability
of the path, its logarithm L. The node with the least φ is expanded first, and a priority here is −log φ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from proofsearch.protocols import PriorityTraits

if TYPE_CHECKING:
    from proofsearch.protocols import PriorityColumns


class PolicyGuided:
    """``phs``: L − log(g + h), of φ = (g + h)/π (PHS with the heuristic factor 1 + h/g).

    h, how many steps are missing, is minus the value, at least 0: the value has to be on that scale
    (``--ebm-value cost``). Where it is missing, h is 0.

    Args:
        heuristic_weight: multiplies h, at least 0.
    """

    traits: ClassVar = PriorityTraits(counts_goals=False)

    def __init__(self, heuristic_weight: float = 1.0) -> None:
        self._weight = heuristic_weight

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """The priorities, at most 0."""
        return [
            self._priority(logprob, depth, self._weight * max(0.0, -value) if value == value else 0.0)
            for logprob, depth, value in zip(columns.logprob, columns.depth, columns.value, strict=True)
        ]

    def _priority(self, logprob: float, depth: int, missing: float) -> float:
        return logprob - math.log(depth + 1 + missing)


class PolicyGuidedStar(PolicyGuided):
    """``phs-star``: (1 + h/d)·L − log(g + h), of φ = (g + h)/π^(1 + h/d) (PHS*).

    The probability of a whole proof through a node is estimated from that of the way to it, as if it fell as fast on
    the steps that are missing. So a likely beginning does not make up for much that is missing.

    Args:
        heuristic_weight: multiplies h, at least 0.
    """

    def _priority(self, logprob: float, depth: int, missing: float) -> float:
        # The root's probability is 1, whatever is missing.
        return (1 + missing / max(depth, 1)) * logprob - math.log(depth + 1 + missing)
