"""The towers beside the assertions of one library: what a search asks of them, compiled where that was built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.compiled import native
from proofsearch_metamath.ranker.architecture import recency
from proofsearch_metamath.ranker.bags import Floats, Ints
from proofsearch_metamath.ranker.features import TermFeatures
from proofsearch_metamath.ranker.reading import Role
from proofsearch_metamath.ranker.towers import AssertionVectors, Surroundings, Towers


class Pairing:
    """Goals beside assertions. The compiled one differs in the last bits of logits, as sums have another order there.

    Args:
        towers: of goals and of assertions.
        assertions: the library's, in the library's order.
        temperature: logits are divided by it, above 0.

    Attributes:
        towers: the same.
    """

    def __init__(self, towers: Towers, assertions: AssertionVectors, temperature: float) -> None:
        self.towers = towers
        self._assertions = assertions
        self._temperature = temperature
        compiled = native()
        self._compiled: Any = None
        if compiled is not None:
            gaps = np.arange(len(assertions.biases) + 1)
            self._compiled = compiled.Towers(
                **towers.goal_tensors(),
                vectors=np.ascontiguousarray(assertions.vectors),
                biases=np.ascontiguousarray(assertions.biases),
                gaps=towers.nearness(recency(gaps, np.zeros(1, np.int64))),
            )

    def term(self, features: TermFeatures, term: int) -> Floats:
        """What the towers read of a term, shape ``(width,)``."""
        counts = None if self._compiled is None else features.counts(term)
        if self._compiled is None or counts is None:
            return self.towers.term(features.bag(term))
        return np.frombuffer(self._compiled.term(*counts), np.float32)

    def look(
        self, first: Floats, surroundings: Surroundings, context: Ints, numbers: Ints, earlier: int
    ) -> tuple[Floats, NDArray[np.float64]]:
        """The vector of a goal, shape ``(width,)``, and the logits of assertions for it, shape ``numbers.shape``.

        Args:
            first: what :meth:`term` says of the goal itself.
            surroundings: of all parts, the goal among them.
            context: rows of the state as a whole.
            numbers: which assertions.
            earlier: how many provable assertions stand before the theorem.
        """
        if self._compiled is None:
            goal = self.towers.goal(first, surroundings, context)
            logits = self.towers.logits(goal, self._assertions, numbers, earlier)
            return goal, logits.astype(np.float64) / self._temperature
        sums, counts = surroundings
        if not self.towers.architecture.surroundings:
            return self._compiled_look(first, sums, (0,) * len(counts), context[:0], numbers, earlier)
        return self._compiled_look(None, sums, counts, context, numbers, earlier)

    def look_alone(
        self, first: Floats, fixed: Surroundings, context: Ints, numbers: Ints, earlier: int
    ) -> tuple[Floats, NDArray[np.float64]]:
        """The same of a goal that stands alone, beside what is the same in all states of its theorem."""
        if self._compiled is None or not self.towers.architecture.surroundings:
            surroundings = self.towers.surroundings([(Role.FIRST, first)], fixed)
            return self.look(first, surroundings, context, numbers, earlier)
        return self._compiled_look(first, *fixed, context, numbers, earlier)

    def _compiled_look(
        self, first: Floats | None, sums: Floats, counts: tuple[int, ...], context: Ints, numbers: Ints, earlier: int
    ) -> tuple[Floats, NDArray[np.float64]]:
        goal, logits = self._compiled.look(first, sums, counts, context, numbers, earlier, self._temperature)
        return np.frombuffer(goal, np.float32), np.frombuffer(logits, np.float64)

    def own_logits(self, goal: Floats, hypotheses: Sequence[Floats]) -> NDArray[np.float64]:
        """The logits of closing a goal by hypotheses of the theorem, given what :meth:`term` says of them."""
        return self.towers.own_logits(goal, hypotheses).astype(np.float64) / self._temperature
