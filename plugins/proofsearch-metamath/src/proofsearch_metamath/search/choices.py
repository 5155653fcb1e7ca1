"""What can be done about a goal: what closes it at once, what may be tried on it, and which goal comes first.

All of it depends on the goal's skeleton alone, so it is worked out once for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.terms import Terms
from proofsearch_metamath.library.unification import LocalGoal, Unifier
from proofsearch_metamath.search.rendering import Rendering

HYPOTHESIS = "hyp "
"""How a tactic starts that closes a goal with one of the theorem's own hypotheses."""


class Choices:
    """What can be done about the goals of one session.

    Attributes:
        hypotheses: the theorem's hypotheses, as terms.
        allowed: the provable assertions that may be cited, a packed bit set.
    """

    def __init__(
        self,
        library: Library,
        terms: Terms,
        unifier: Unifier,
        rendering: Rendering,
        hypotheses: Sequence[int],
        earlier: int,
    ) -> None:
        """Keeps what choices are made of.

        Args:
            library: the prepared database.
            terms: the session's terms.
            unifier: over these terms.
            rendering: of these terms; goals that look equally good are ordered by their texts.
            hypotheses: the theorem's hypotheses, as terms.
            earlier: how many provable assertions stand before the theorem; the sound ones of them may be used.
        """
        self._library = library
        self._terms = terms
        self._unifier = unifier
        self._rendering = rendering
        self.hypotheses = hypotheses
        allowed = ((1 << earlier) - 1) & library.citable
        self.allowed = library.packed(allowed)
        self._closing = library.packed(allowed & library.without_hypotheses)
        self._closed_by: dict[int, str | None] = {}
        self._candidates: dict[int, NDArray[np.int64]] = {}
        self._usable: dict[int, list[int]] = {}
        self._moves: dict[int, list[str]] = {}
        self._ranks: dict[int, tuple[int, int]] = {}

    def closed_by(self, skeleton: int) -> str | None:
        """What closes a ground goal without a further step.

        Returns:
            A label, or ``hyp k`` for the k-th of all hypotheses; ``None`` where nothing does.
        """
        try:
            return self._closed_by[skeleton]
        except KeyError:
            found = self._find_closing(skeleton)
            self._closed_by[skeleton] = found
            return found

    def _find_closing(self, skeleton: int) -> str | None:
        if skeleton in self.hypotheses:
            return f"{HYPOTHESIS}{self.hypotheses.index(skeleton) + 1}"
        library = self._library
        # Not of candidates(): few of the goals that are asked for here are ever expanded, and most have none of these.
        numbers = library.matching(self._terms, skeleton, self._closing).tolist()
        first = self._unifier.first_closing(skeleton, numbers, library.pattern) if numbers else None
        return None if first is None else library.provable_labels[first]

    def candidates(self, skeleton: int) -> NDArray[np.int64]:
        """The assertions that may be cited and whose conclusion may unify with a goal (a superset), in order."""
        found = self._candidates.get(skeleton)
        if found is None:
            found = self._library.matching(self._terms, skeleton, self.allowed)
            self._candidates[skeleton] = found
        return found

    def moves_of(self, skeleton: int) -> list[str]:
        """The tactics that may apply to a goal: hypotheses first, then assertions in the library's order."""
        found = self._moves.get(skeleton)
        if found is None:
            found = [f"{HYPOTHESIS}{number + 1}" for number in range(len(self.usable_hypotheses(skeleton)))]
            found += self._library.label_array[self.candidates(skeleton)].tolist()
            self._moves[skeleton] = found
        return found

    def usable_hypotheses(self, skeleton: int) -> list[int]:
        """The numbers, from 0, of the theorem's hypotheses that unify with a goal; ``hyp k`` means the k-th of them."""
        found = self._usable.get(skeleton)
        if found is None:
            if self._terms.metas[skeleton]:
                unifies = self._unifier.unifies
                found = [number for number, term in enumerate(self.hypotheses) if unifies(skeleton, term)]
            else:
                found = [number for number, term in enumerate(self.hypotheses) if term == skeleton]
            self._usable[skeleton] = found
        return found

    def hypothesis_number(self, skeleton: int, tactic: str) -> int:
        """The number, from 0, of the theorem's hypothesis that ``hyp k`` means for a goal; −1 where it means none."""
        usable = self.usable_hypotheses(skeleton)
        number = tactic[len(HYPOTHESIS) :]
        if not (number.isascii() and number.isdigit() and len(number) < 10 and 1 <= int(number) <= len(usable)):
            return -1
        return usable[int(number) - 1]

    def choose(self, goals: tuple[LocalGoal, ...]) -> int:
        """The goal with the fewest moves; of these the smallest, then the first by text, then the oldest."""
        known = self._ranks
        ranks = [known.get(goal[0]) or self._rank(goal[0]) for goal in goals]
        least = min(ranks)
        first = ranks.index(least)
        text = self._rendering.skeleton_text
        for number in range(first + 1, len(goals)):
            skeleton, other = goals[number][0], goals[first][0]
            if ranks[number] == least and skeleton != other and text(skeleton) < text(other):
                first = number
        return first

    def _rank(self, skeleton: int) -> tuple[int, int]:
        count = len(self.candidates(skeleton)) + len(self.usable_hypotheses(skeleton))
        rank = (count, self._terms.sizes[skeleton])
        self._ranks[skeleton] = rank
        return rank
