"""Searching one theorem: goals, steps, and what closes by itself.

A state is a set of goals that share metavariables, with the ``$d`` conditions still pending on these. A tactic is
the label of an earlier assertion, applied to the state's first goal, or ``hyp k``, which closes it with the k-th of
those hypotheses of the theorem that unify with it. A ground goal that a hypothesis, or an assertion without
hypotheses, closes is closed at once: nothing is lost by it. The first goal is the one with the fewest moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from proofsearch import Advanced, Finished, Outcome, ProofState, Rejected
from proofsearch.protocols import Session
from proofsearch_metamath.compiled import MAX_TYPECODES, native
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.terms import MAX_DEPTH, Terms, TermTooLargeError
from proofsearch_metamath.library.unification import Apart, LocalGoal, PatternTree, Unifier
from proofsearch_metamath.search.choices import HYPOTHESIS, Choices
from proofsearch_metamath.search.combination import Combiner, Trace
from proofsearch_metamath.search.keys import key_of
from proofsearch_metamath.search.rendering import Rendering
from proofsearch_metamath.search.state import MetamathMoves, MetamathState, state_type
from proofsearch_metamath.search.stepping import DOES_NOT_UNIFY, FINISHED, Applications, Stepper
from proofsearch_metamath.search.target import Target


class MetamathSession(Session):
    """One theorem being searched. Not shared between threads."""

    def __init__(self, library: Library, target: Target, max_goal_size: int = 400, max_goals: int = 64) -> None:
        """Sets up the theorem as terms.

        Args:
            library: the prepared database.
            target: the theorem.
            max_goal_size: a goal with more nodes than this (or than four times the theorem) is not made.
            max_goals: a state with more goals than this is not made.
        """
        self._library = library
        self._target = target
        self._num_rules = library.num_rules
        compiled = native() if library.compiled is not None and len(library.typecodes) <= MAX_TYPECODES else None
        make_terms, make_unifier = (Terms, Unifier) if compiled is None else (compiled.Terms, compiled.Unifier)
        own_size = max(map(_size, (target.conclusion, *target.hypotheses)))
        self.terms = make_terms(max_size=max(max_goal_size, 4 * own_size), max_depth=MAX_DEPTH)
        variables: dict[int, int] = {}
        for number in range(len(target.variables)):
            term = self.terms.app(self._num_rules + number)
            self.terms.mark_variable(term)
            variables[term] = number
        hypotheses = [self._embed(hypothesis) for hypothesis in target.hypotheses]
        self._root = self._embed(target.conclusion)
        position = library.frames[target.theorem.name].position
        apart = _keeps_apart(variables, target.disjoint)
        self._unifier = make_unifier(self.terms, apart, library.variable_only(position))
        self.rendering = Rendering(library, self.terms, target.variables, hypotheses)
        self.choices = Choices(library, self.terms, self._unifier, self.rendering, hypotheses, target.earlier)
        self._closed_by = self.choices.closed_by
        self._applications = Applications(library, self._unifier, self.choices, target)
        # The compiled one keeps no traces.
        plain = Combiner(self.terms, self._unifier, self._closed_by, max_goals)
        self._trace = plain.combine
        self._state_type = state_type(compiled)
        self._stepper = Stepper(plain, self._applications, self.terms)
        if compiled is not None:
            self._stepper = compiled.Stepper(
                terms=self.terms,
                unifier=self._unifier,
                combiner=compiled.Combiner(self.terms, self._unifier, self._closed_by, max_goals),
                applications=self._applications,
                known=self._applications.known,
                numbers=library.provable_index,
                patterns=library.patterns,
                allowed=self.choices.allowed,
                state_type=self._state_type,
                advanced=Advanced,
                finished=FINISHED,
                rejected=Rejected,
                does_not_unify=DOES_NOT_UNIFY,
            )

    # -- the session's contract ----------------------------------------------------------------------------------

    def initial(self) -> Outcome:
        """The theorem as one goal; finished where an earlier assertion or a hypothesis closes it at once."""
        if self._closed_by(self._root) is not None:
            return Finished()
        return Advanced(self._state(((self._root, ()),), (), 0))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Applies a tactic to the state's first goal; see :meth:`proofsearch.protocols.Session.step`."""
        return self._stepper.step(self, self._own(state), tactic)

    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        """Steps by many tactics; see :class:`proofsearch.protocols.StepsMany`."""
        return self._stepper.step_many(self, self._own(state), tactics)

    def admitted(self, state: ProofState, tactics: Iterable[str], n: int) -> list[int]:
        """The places of the first ``n`` tactics that apply to a state; the steps that follow reuse the work."""
        return self._stepper.admitted(self._own(state), tactics, n)

    def moves(self, state: ProofState) -> MetamathMoves:
        """The tactics that may apply to the first goal."""
        return MetamathMoves(self._own(state))

    def parts(self, state: ProofState) -> Sequence[MetamathState]:
        """The goals that hang together by metavariables and ``$d`` conditions; that with the first goal first."""
        return self._stepper.parts(self, self._own(state))

    def _own(self, state: ProofState) -> MetamathState:
        if not isinstance(state, MetamathState):
            raise TypeError(f"a Metamath session steps its own states, not {type(state).__name__}")
        if state.session is not self:
            raise ValueError("a Metamath session steps its own states; this one is another session's")
        return state

    # -- stepping ------------------------------------------------------------------------------------------------

    def trace(self, state: ProofState, tactic: str) -> tuple[Outcome, Trace | None]:
        """A step, with what became of each goal; the trace is ``None`` where the tactic is rejected."""
        state = self._own(state)
        application = self._applications.of(state.open[state.focus][0], tactic)
        if isinstance(application, Rejected):
            return application, None
        trace = Trace([], [])
        try:
            combined = self._trace(state.open, state.apart, state.num_metas, state.focus, application, trace)
        except TermTooLargeError as error:
            return Rejected(f"too large: {error}"), None
        if isinstance(combined, str):
            return Rejected(combined), None
        return FINISHED if combined is None else Advanced(self._state(*combined)), trace

    def _state(self, goals: Sequence[LocalGoal], apart: Sequence[Apart], num_metas: int) -> MetamathState:
        return self._state_type(self, key_of(goals, apart), num_metas)

    # -- for policies --------------------------------------------------------------------------------------------

    @property
    def target(self) -> Target:
        """The theorem."""
        return self._target

    @property
    def root(self) -> int:
        """The theorem's conclusion, as a term."""
        return self._root

    @property
    def hypotheses(self) -> Sequence[int]:
        """The theorem's hypotheses, as terms."""
        return self.choices.hypotheses

    def applies(self, skeleton: int, tactic: str) -> bool:
        """Whether a tactic applies to a goal that stands alone, whatever comes of it."""
        return not isinstance(self._applications.of(skeleton, tactic), Rejected)

    @property
    def labels(self) -> list[str]:
        """The labels of all provable assertions, in order."""
        return self._library.provable_labels

    @property
    def compiled_stepper(self) -> Any:
        """What steps states and applies tactics, compiled; ``None`` where nothing is."""
        return None if isinstance(self._stepper, Stepper) else self._stepper

    def unifies(self, skeleton: int, index: int) -> bool:
        """Whether the provable assertion of that number applies to a goal, wherever it stands in the library."""
        try:
            return self._unifier.apply(skeleton, self._library.pattern(index)) is not None
        except TermTooLargeError:
            return False

    # -- for those who replay proofs -----------------------------------------------------------------------------

    def root_closed_by(self) -> str:
        """What closes the theorem itself at once; ``""`` where nothing does."""
        return self._closed_by(self._root) or ""

    def hypothesis_number(self, skeleton: int, tactic: str) -> int:
        """The number, from 0, of the theorem's hypothesis that ``hyp k`` means for a goal; −1 where it means none."""
        return self.choices.hypothesis_number(skeleton, tactic)

    def hypothesis_tactic(self, skeleton: int, hypothesis: int) -> str:
        """The tactic that closes a goal with the theorem's hypothesis of that number, from 0.

        Raises:
            ValueError: it doesn't unify with the goal.
        """
        return f"{HYPOTHESIS}{self.choices.usable_hypotheses(skeleton).index(hypothesis) + 1}"

    # -- terms ---------------------------------------------------------------------------------------------------

    def _embed(self, tree: PatternTree) -> int:
        """A tree over the theorem's variables as a ground term."""
        if isinstance(tree, int):
            return self.terms.app(self._num_rules + tree)
        return self.terms.app(tree[0], tuple([self._embed(child) for child in tree[1:]]))


def _keeps_apart(variables: dict[int, int], disjoint: frozenset[tuple[int, int]]) -> Callable[[int, int], bool]:
    """Whether the theorem's own ``$d`` keep two of its variables, as term ids, apart."""

    def keeps_apart(one: int, other: int) -> bool:
        left, right = variables[one], variables[other]
        return ((left, right) if left < right else (right, left)) in disjoint

    return keeps_apart


def _size(tree: PatternTree) -> int:
    return 1 if isinstance(tree, int) else 1 + sum(map(_size, tree[1:]))


def session_of(state: MetamathState) -> MetamathSession:
    """The session that a state belongs to."""
    assert isinstance(state.session, MetamathSession)
    return state.session
