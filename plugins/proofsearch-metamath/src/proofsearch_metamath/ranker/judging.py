"""What the towers say of the goals and states of one session: a compiled call each, where that was built."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from proofsearch.models.confidence import BEST
from proofsearch_metamath.ranker.answers import AppliesAlone, Logits, answer
from proofsearch_metamath.ranker.bags import Floats, Ints
from proofsearch_metamath.ranker.pairing import Pairing
from proofsearch_metamath.ranker.reading import Reading, Role, SessionReader
from proofsearch_metamath.ranker.towers import Surroundings
from proofsearch_metamath.search.choices import HYPOTHESIS
from proofsearch_metamath.search.session import MetamathSession
from proofsearch_metamath.search.state import MetamathState

Said: TypeAlias = tuple[float, float, float, float, float, float, float, float]
"""The numbers of :class:`~proofsearch.protocols.PolicyStatistics`, in its order, but for its goals."""


class Judge:
    """Says how likely tactics are, given the goals and states of one session.

    The compiled one differs in the last bits of logits, as sums have another order there, and keeps what the towers
    read of a term for itself.

    Args:
        session: the session.
        reader: of its states.
        pairing: what answers for its theorem.
        labels: of the library's provable assertions, in order.
    """

    def __init__(
        self, session: MetamathSession, reader: SessionReader, pairing: Pairing, labels: NDArray[np.object_]
    ) -> None:
        self._session = session
        self._reader = reader
        self._pairing = pairing
        self._labels = labels
        self._surroundings = pairing.towers.architecture.surroundings
        self._terms: dict[int, Floats] = {}
        self._vectors: dict[int, Floats] = {}
        fixed = reader.fixed if self._surroundings else []
        self._compiled: Any = pairing.compiled_judge(session, reader.features, fixed)
        if self._compiled is not None and session.hypotheses:
            self._compiled.remember(self._own, pairing.towers.own_bias)

    def look(self, reading: Reading) -> Logits:
        """The logits of a state."""
        return self._look(reading.goals, reading.rows, reading.candidates, reading.usable)

    def look_alone(self, goal: int) -> Logits:
        """The logits of a goal that stands alone."""
        return self._look([(Role.FIRST, goal)], *self._read_alone(goal))

    def judge_alone(self, goal: int, *, keep: bool) -> tuple[Said, Logits | None]:
        """How sure the policy is of a goal that stands alone, by the best :data:`BEST` tactics that apply to it.

        :meth:`summary` can say it of states from now on, and :meth:`vector` of the goal.

        Args:
            goal: a skeleton.
            keep: whether the logits are wanted too.
        """
        if self._compiled is None:
            logits = self.look_alone(goal)
            one = answer(logits, AppliesAlone(self._session, goal), self.names, BEST).statistics()
            self._vectors[goal] = logits.vector
            of_logits = one.best, one.second, one.entropy, one.log_sum_exp
            return (*of_logits, one.moves, one.admitted, one.mass, one.closes), logits
        rows, numbers, usable = self._read_alone(goal)
        said, kept = self._compiled.alone(goal, rows, numbers, usable, BEST, keep)
        return said, None if kept is None else _logits(numbers, *kept)

    def vector(self, goal: int) -> Floats:
        """The first tower's vector of a goal that was judged alone, shape ``(width,)``."""
        return self._vectors[goal] if self._compiled is None else np.frombuffer(self._compiled.vector(goal), np.float32)

    def summary(self, state: MetamathState) -> list[float] | tuple[int, ...] | None:
        """What :func:`~proofsearch.models.confidence.summary_of` would make of what was said of a state's goals.

        Returns:
            These numbers; or the goals that are to be judged before; or ``None`` where nothing is compiled.
        """
        found: list[float] | tuple[int, ...] | None = None if self._compiled is None else self._compiled.summary(state)
        return found

    def names(self, indices: Ints, own: int, numbers: Ints) -> list[str]:
        """The tactics of some logits' places: first come ``own`` hypotheses, then the assertions of ``indices``."""
        labels = self._labels
        if not own:
            return list(labels[indices[numbers]].tolist())
        hypotheses = [f"{HYPOTHESIS}{number + 1}" for number in range(own)]
        return [hypotheses[at] if at < own else labels[indices[at - own]] for at in numbers.tolist()]

    def _read_alone(self, goal: int) -> tuple[Ints, Ints, list[int]]:
        rows = self._reader.rows_alone(goal)
        choices = self._session.choices
        return rows if self._surroundings else rows[:0], choices.candidates(goal), choices.usable_hypotheses(goal)

    def _look(self, goals: Sequence[tuple[Role, int]], rows: Ints, numbers: Ints, usable: list[int]) -> Logits:
        if self._compiled is not None:
            if not self._surroundings:
                goals, rows = goals[:1], rows[:0]
            return _logits(numbers, *self._compiled.look(goals, rows, numbers, usable))
        pairing = self._pairing
        surroundings = pairing.towers.surroundings([(role, self._term(term)) for role, term in goals], self._fixed)
        goal, logits = pairing.look(self._term(goals[0][1]), surroundings, rows, numbers, self._reader.earlier)
        if usable:
            # After those of the theorem's hypotheses that may close the goal.
            logits = np.concatenate((pairing.own_logits(goal, self._own[usable]), logits))
        return Logits(numbers, logits, goal)

    def _term(self, term: int) -> Floats:
        """What the towers read of a term, shape ``(width,)``."""
        if self._compiled is not None:
            return np.frombuffer(self._compiled.term(term), np.float32)
        found = self._terms.get(term)
        if found is None:
            found = self._terms[term] = self._pairing.towers.term(self._reader.features.bag(term))
        return found

    @cached_property
    def _own(self) -> Floats:
        """The second tower's vectors of the theorem's hypotheses, shape ``(hypotheses, width)``."""
        return self._pairing.towers.own_vectors([self._term(term) for term in self._session.hypotheses])

    @cached_property
    def _fixed(self) -> Surroundings:
        """What is the same in all states of the theorem."""
        return self._pairing.towers.surroundings([(role, self._term(term)) for role, term in self._reader.fixed])


def _logits(numbers: Ints, vector: bytes, logits: bytes) -> Logits:
    """What compiled functions return, as arrays."""
    return Logits(numbers, np.frombuffer(logits, np.float64), np.frombuffer(vector, np.float32))
