"""The generator ``jeroslow-wang``: which variable to decide next, from the text of the goal alone.

A literal scores the sum of base^−length over the clauses that hold it (Jeroslow and Wang 1990, with base 2): short
clauses are nearly decided. A variable scores the product of both of its literals, since both cases have to be refuted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from proofsearch import Candidate
from proofsearch.protocols import GenerationRequest, TacticGenerator
from proofsearch_sat.config import JeroslowWangConfig

_NEVER = 1e-3
"""The score of a literal that does not occur: its variable is not impossible, only unlikely."""


class JeroslowWang(TacticGenerator):
    """A policy for the environment ``sat``; see :class:`proofsearch.protocols.TacticGenerator`."""

    def __init__(self, config: JeroslowWangConfig) -> None:
        self._config = config

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """Returns at most ``n`` candidates a request, best first; none for what is no formula."""
        return [self._candidates(request.state.goals[0].text)[:n] for request in requests]

    def _candidates(self, goal: str) -> list[Candidate]:
        scores = self._scores(goal)
        total = sum(scores.values())
        ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return [Candidate(f"split {variable}", min(0.0, math.log(score / total))) for variable, score in ranked]

    def _scores(self, goal: str) -> dict[int, float]:
        literals: defaultdict[int, float] = defaultdict(float)
        try:
            for clause in goal.split(", "):
                words = clause.split(" ")
                for word in words:
                    literals[int(word)] += self._config.base ** -len(words)
        except ValueError:
            return {}
        of_both = {
            abs(literal): max(literals.get(literal, 0.0), _NEVER) * max(literals.get(-literal, 0.0), _NEVER)
            for literal in list(literals)
        }
        return {variable: score**self._config.sharpness for variable, score in of_both.items()}
