"""The towers beside the assertions of one library: what answers for all theorems of the same policy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.compiled import native
from proofsearch_metamath.ranker.architecture import recency
from proofsearch_metamath.ranker.bags import Floats, Ints
from proofsearch_metamath.ranker.features import TermFeatures
from proofsearch_metamath.ranker.reading import Role
from proofsearch_metamath.ranker.towers import AssertionVectors, Surroundings, Towers
from proofsearch_metamath.search.session import MetamathSession


class Pairing:
    """Goals beside assertions.

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

    def look(
        self, first: Floats, surroundings: Surroundings, context: Ints, numbers: Ints, earlier: int
    ) -> tuple[Floats, NDArray[np.float64]]:
        """The vector of a goal, shape ``(width,)``, and the logits of assertions for it, shape ``numbers.shape``.

        Args:
            first: what :meth:`Towers.term` says of the goal itself.
            surroundings: of all parts, the goal among them.
            context: rows of the state as a whole.
            numbers: which assertions.
            earlier: how many provable assertions stand before the theorem.
        """
        goal = self.towers.goal(first, surroundings, context)
        logits = self.towers.logits(goal, self._assertions, numbers, earlier)
        return goal, logits.astype(np.float64) / self._temperature

    def own_logits(self, goal: Floats, hypotheses: Floats) -> NDArray[np.float64]:
        """The logits of closing a goal by hypotheses of the theorem, given their :meth:`Towers.own_vectors`."""
        logits: Floats = hypotheses @ goal + self.towers.own_bias
        return logits.astype(np.float64) / self._temperature

    def compiled_judge(
        self, session: MetamathSession, features: TermFeatures, fixed: Sequence[tuple[Role, int]]
    ) -> Any:
        """What judges the goals and states of a session, compiled; ``None`` where nothing, or not all of it, is.

        Args:
            session: the session.
            features: of its terms.
            fixed: the parts that are the same in all states.
        """
        compiled, stepper = native(), session.compiled_stepper
        if compiled is None or stepper is None or features.compiled is None:
            return None
        return compiled.Judge(
            terms=session.terms,
            features=features.compiled,
            towers=self._compiled_towers,
            stepper=stepper,
            labels=session.labels,
            fixed=list(fixed),
            earlier=session.target.earlier,
            temperature=self._temperature,
        )

    @cached_property
    def _compiled_towers(self) -> Any:
        compiled = native()
        assert compiled is not None
        gaps = np.arange(len(self._assertions.biases) + 1)
        return compiled.Towers(
            **self.towers.goal_tensors(),
            vectors=np.ascontiguousarray(self._assertions.vectors),
            biases=np.ascontiguousarray(self._assertions.biases),
            gaps=self.towers.nearness(recency(gaps, np.zeros(1, np.int64))),
        )
