"""Stepping a state by many tactics: what applying each does to the first goal, and the states that come of it.

A policy asks which of dozens of tactics apply (``admitted``), and the search then steps those (``step_many``), so each
step of the state that was stepped last is made once and remembered; as what a state is made of, since most states are
only counted and compared. The plain implementation is here; :mod:`proofsearch_metamath._native` has a compiled one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from proofsearch import Advanced, Finished, Outcome, Rejected
from proofsearch_metamath.library.grounds import citation_problem
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.terms import Terms, TermTooLargeError
from proofsearch_metamath.library.unification import Apart, Application, LocalGoal, Unifier
from proofsearch_metamath.search.choices import HYPOTHESIS, Choices
from proofsearch_metamath.search.combination import Combiner
from proofsearch_metamath.search.keys import key_of
from proofsearch_metamath.search.parting import renumbered, split_goals
from proofsearch_metamath.search.state import MetamathState, PlainState, Steps

if TYPE_CHECKING:
    from proofsearch_metamath.search.target import Target

Applied: TypeAlias = "Application | Rejected"
Made: TypeAlias = "tuple[tuple[LocalGoal, ...], tuple[Apart, ...], int] | Rejected | None"
"""The next state's goals, its pending conditions and its number of metavariables; ``None`` where no goal is left."""

FINISHED = Finished()
DOES_NOT_UNIFY = Rejected("does not unify")


class Applications:
    """What applying a tactic does to a goal: worked out once for each skeleton, for all states with such a goal.

    Attributes:
        known: what was worked out, by skeleton and tactic.
    """

    def __init__(self, library: Library, unifier: Unifier, choices: Choices, target: Target) -> None:
        self._library = library
        self._unifier = unifier
        self._choices = choices
        self._target = target
        self.known: dict[int, dict[str, Applied]] = {}

    def of(self, skeleton: int, tactic: str) -> Applied:
        """What the tactic does, or why it can't be applied."""
        known = self.known.setdefault(skeleton, {})
        found = known.get(tactic)
        if found is None:
            found = known[tactic] = self.make(skeleton, tactic)
        return found

    def make(self, skeleton: int, tactic: str) -> Applied:
        """The same, worked out anew."""
        try:
            return self._apply(skeleton, tactic) or DOES_NOT_UNIFY
        except TermTooLargeError as error:
            return Rejected(f"too large: {error}")

    def _apply(self, skeleton: int, tactic: str) -> Application | Rejected | None:
        choices, library = self._choices, self._library
        if tactic.startswith(HYPOTHESIS):
            number = choices.hypothesis_number(skeleton, tactic)
            if number < 0:
                usable = len(choices.usable_hypotheses(skeleton))
                return Rejected(f"{tactic[:20]}: {usable} hypotheses of the theorem unify with the goal")
            return self._unifier.close(skeleton, choices.hypotheses[number])
        index = library.provable_index.get(tactic)
        if index is None:
            return Rejected(f"no provable assertion is labelled {tactic[:60]!r}")
        if index >= self._target.earlier:
            return Rejected(f"{tactic} does not stand before {self._target.theorem.name}")
        if not library.citable >> index & 1:
            return Rejected(f"nothing can rest on {citation_problem(library, tactic)}")
        return self._unifier.apply(skeleton, library.pattern(index))


class Stepper:
    """Steps the states of one session. It holds no state, so nothing that a session holds leads back to it."""

    def __init__(self, combiner: Combiner, applications: Applications, terms: Terms) -> None:
        self._terms = terms
        self._combine = combiner.combine
        self._applications = applications
        # The state stepped last, by what it is, and what came of its steps.
        self._turned_to: tuple[bytes, int] | None = None
        self._stepped: dict[str, Made] = {}

    def step(self, session: Steps, state: MetamathState, tactic: str) -> Outcome:
        """Applies a tactic to the state's first goal.

        Args:
            session: what the next state belongs to.
            state: of that session.
            tactic: a label, or ``hyp k``.
        """
        made = self._remembered(state, tactic)
        if isinstance(made, tuple):
            goals, apart, num_metas = made
            return Advanced(PlainState(session, key_of(goals, apart), num_metas))
        return FINISHED if made is None else made

    def step_many(self, session: Steps, state: MetamathState, tactics: Iterable[str]) -> Iterator[Outcome]:
        """What :meth:`step` returns for each tactic, in order, each made when it is asked for."""
        return (self.step(session, state, tactic) for tactic in tactics)

    def admitted(self, state: MetamathState, tactics: Iterable[str], n: int) -> list[int]:
        """The places of the first ``n`` tactics that apply to a state; the steps that follow reuse the work."""
        places: list[int] = []
        if n > 0:
            for place, tactic in enumerate(tactics):
                if not isinstance(self._remembered(state, tactic), Rejected):
                    places.append(place)
                    if len(places) == n:
                        break
        return places

    def parts(self, session: Steps, state: MetamathState) -> Sequence[MetamathState]:
        """The goals that hang together, as states of the session; that with the first goal first."""
        if state.num_goals == 1:
            return (state,)
        groups = split_goals(state.open, state.apart)
        if len(groups) == 1:
            return (state,)
        focus = state.open[state.focus]
        groups.sort(key=lambda group: focus not in group[0])  # stable
        made = [renumbered(self._terms, goals, pending) for goals, pending in groups]
        return tuple([PlainState(session, key_of(goals, pending), num_metas) for goals, pending, num_metas in made])

    def _remembered(self, state: MetamathState, tactic: str) -> Made:
        this = (state.key, state.num_metas)
        if this != self._turned_to:
            self._turned_to, self._stepped = this, {}
        if tactic in self._stepped:
            return self._stepped[tactic]
        made = self._stepped[tactic] = self._make(state, tactic)
        return made

    def _make(self, state: MetamathState, tactic: str) -> Made:
        goals, focus = state.open, state.focus
        application = self._applications.of(goals[focus][0], tactic)
        if isinstance(application, Rejected):
            return application
        try:
            combined = self._combine(goals, state.apart, state.num_metas, focus, application)
        except TermTooLargeError as error:
            return Rejected(f"too large: {error}")
        return Rejected(combined) if isinstance(combined, str) else combined
