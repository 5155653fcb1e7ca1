"""Searching one theorem: goals, steps, and what closes by itself.

A state is a set of goals that share metavariables, with the ``$d`` conditions still pending on these. A tactic is
the label of an earlier assertion, applied to the state's first goal, or ``hyp k``, which closes it with the k-th of
those hypotheses of the theorem that unify with it. A ground goal that a hypothesis, or an assertion without
hypotheses, closes is closed at once: nothing is lost by it. The first goal is the one with the fewest moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofsearch import Advanced, Finished, Outcome, ProofState, Rejected, Theorem
from proofsearch_metamath.choices import HYPOTHESIS, Choices
from proofsearch_metamath.library import Library
from proofsearch_metamath.rendering import Rendering
from proofsearch_metamath.state import MetamathMoves, MetamathState
from proofsearch_metamath.terms import MAX_DEPTH, Terms, TermTooLargeError
from proofsearch_metamath.unification import Apart, Application, LocalGoal, PatternTree, Unifier


@dataclass(frozen=True, slots=True)
class Source:
    """Where a goal of a step went: for those who replay a proof.

    ``goal`` is its index in the next state, −1 where it was closed at once by the assertion or hypothesis
    ``closed_by``.
    """

    goal: int
    closed_by: str = ""


@dataclass(slots=True)
class Trace:
    """What a step did with the goals: of the assertion's hypotheses, and of the state's other goals, in order."""

    hypotheses: list[Source]
    others: list[Source]


@dataclass(frozen=True, slots=True)
class Target:
    """The theorem being proved, as terms need it.

    Attributes:
        theorem: what the core knows of it.
        conclusion, hypotheses: trees whose leaves are the theorem's variables, by index.
        variables: these variables' names, in the order of their ``$f``.
        typecodes: their typecodes, as indices.
        disjoint: pairs of variables' indices that the theorem keeps apart.
        earlier: how many provable assertions may be used: those that stand before it.
    """

    theorem: Theorem
    conclusion: PatternTree
    hypotheses: tuple[PatternTree, ...]
    variables: tuple[str, ...]
    typecodes: tuple[int, ...]
    disjoint: frozenset[tuple[int, int]]
    earlier: int


class MetamathSession:
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
        self._max_goals = max_goals
        self._num_rules = library.num_rules
        own_size = max(map(_size, (target.conclusion, *target.hypotheses)))
        self.terms = Terms(max_size=max(max_goal_size, 4 * own_size), max_depth=MAX_DEPTH)
        self._variables: dict[int, int] = {}
        for number in range(len(target.variables)):
            term = self.terms.app(self._num_rules + number)
            self.terms.mark_variable(term)
            self._variables[term] = number
        self._hypotheses = [self._embed(hypothesis) for hypothesis in target.hypotheses]
        self._root = self._embed(target.conclusion)
        position = library.frames[target.theorem.name].position
        self._unifier = Unifier(self.terms, self._keeps_apart, library.variable_only(position))
        self.rendering = Rendering(library, self.terms, target.variables, self._hypotheses)
        self.choices = Choices(library, self.terms, self._unifier, self.rendering, self._hypotheses, target.earlier)
        self._closed_by = self.choices.closed_by
        hashes = self.terms.hashes
        self._order = lambda goal: hashes[goal[0]]
        self._applications: dict[tuple[int, str], Application | Rejected] = {}
        self._stepped_state: MetamathState | None = None
        self._stepped: dict[str, Outcome] = {}

    # -- the session's contract ----------------------------------------------------------------------------------

    def initial(self) -> Outcome:
        """The theorem as one goal; finished where an earlier assertion or a hypothesis closes it at once."""
        if self._closed_by(self._root) is not None:
            return Finished()
        return Advanced(MetamathState(self, ((self._root, ()),), (), 0))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Applies a tactic to the state's first goal; see :meth:`proofsearch.protocols.Session.step`."""
        if state is not self._stepped_state:
            state = self._own(state)
            self._stepped_state = state
            self._stepped = {}
        outcome = self._stepped.get(tactic)
        if outcome is None:
            outcome = self._step(state, tactic, None)
            self._stepped[tactic] = outcome
        return outcome

    def moves(self, state: ProofState) -> MetamathMoves:
        """The tactics that may apply to the first goal."""
        return MetamathMoves(self._own(state))

    def close(self) -> None:
        """Nothing to free."""

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
        trace = Trace([], [])
        outcome = self._step(state, tactic, trace)
        return outcome, None if isinstance(outcome, Rejected) else trace

    def _step(self, state: MetamathState, tactic: str, trace: Trace | None) -> Outcome:
        focus = state.focus
        try:
            application = self._application(state.open[focus][0], tactic)
            if isinstance(application, Rejected):
                return application
            return self._combine(state, focus, application, trace)
        except TermTooLargeError as error:
            return Rejected(f"too large: {error}")

    def _application(self, skeleton: int, tactic: str) -> Application | Rejected:
        key = (skeleton, tactic)
        found = self._applications.get(key)
        if found is None:
            try:
                found = self._apply(skeleton, tactic) or Rejected("does not unify")
            except TermTooLargeError as error:
                found = Rejected(f"too large: {error}")
            self._applications[key] = found
        return found

    def _apply(self, skeleton: int, tactic: str) -> Application | Rejected | None:
        if tactic.startswith(HYPOTHESIS):
            number = self.hypothesis_number(skeleton, tactic)
            if number < 0:
                usable = len(self.choices.usable_hypotheses(skeleton))
                return Rejected(f"{tactic[:20]}: {usable} hypotheses of the theorem unify with the goal")
            return self._unifier.close(skeleton, self._hypotheses[number])
        index = self._library.provable_index.get(tactic)
        if index is None:
            return Rejected(f"no provable assertion is labelled {tactic[:60]!r}")
        if index >= self._target.earlier:
            return Rejected(f"{tactic} does not stand before {self._target.theorem.name}")
        if not self.choices.candidates(skeleton) >> index & 1:
            return None
        return self._unifier.apply(skeleton, self._library.pattern(index))

    def _combine(self, state: MetamathState, focus: int, application: Application, trace: Trace | None) -> Outcome:
        """The next state: the assertion's hypotheses in place of the goal, metavariables bound everywhere."""
        terms = self.terms
        own = state.open[focus][1]
        local: dict[int, int] = {}
        for number, meta in enumerate(own):
            local[terms.meta(number, terms.meta_typecode(meta))] = meta
        for number, meta in enumerate(application.fresh):
            local[meta] = terms.meta(state.num_metas + number, terms.meta_typecode(meta))
        made: list[LocalGoal] = [
            (skeleton, tuple([local[meta] for meta in metas])) for skeleton, metas in application.goals
        ]
        num_metas = state.num_metas + len(application.fresh)
        if not application.bound and state.open[focus] in made:
            return Rejected("leads back to its own goal")
        others = list(state.open)
        del others[focus]
        pending: set[Apart] = set()
        if application.bound:
            values = {local[meta]: terms.substitute(value, local) for meta, value in application.bound.items()}
            apply_to = values.keys()
            others = [goal if apply_to.isdisjoint(goal[1]) else self._bind(goal, values) for goal in others]
            for one, other in state.apart:
                if one in values or other in values:
                    if not self._unifier.keep_apart(values.get(one, one), values.get(other, other), pending):
                        return Rejected("violates a $d condition")
                else:
                    pending.add((one, other))
        else:
            pending.update(state.apart)
        for one, other in application.apart:
            left, right = local.get(one, one), local.get(other, other)
            pending.add((left, right) if left < right else (right, left))
        return self._settle(made, others, pending, num_metas, trace)

    def _bind(self, goal: LocalGoal, values: dict[int, int]) -> LocalGoal:
        skeleton, metas = goal
        terms = self.terms
        here = {}
        for number, meta in enumerate(metas):
            here[terms.meta(number, terms.meta_typecode(meta))] = values.get(meta, meta)
        return terms.canonical(terms.substitute(skeleton, here))

    def _settle(
        self,
        made: Sequence[LocalGoal],
        others: Sequence[LocalGoal],
        pending: set[Apart],
        num_metas: int,
        trace: Trace | None,
    ) -> Outcome:
        """Closes what closes by itself, merges equal goals, numbers the metavariables anew.

        The numbers only make equal states have equal keys: who traces a path compares no keys and does without.
        """
        terms, ops = self.terms, self.terms.ops
        places: dict[LocalGoal, None] = {}
        for goal in (*made, *others):
            if goal[1] or self._closed_by(goal[0]) is None:
                places[goal] = None
        # By skeleton, so that states that differ in the order of their goals alone are equal; by age among equals.
        # Not by the skeleton's id, which differs from session to session: a path must mean the same in each.
        ordered = sorted(places, key=self._order) if len(places) > 1 else list(places)
        if trace is not None:
            final = {goal: place for place, goal in enumerate(ordered)}
            for goals, sources in ((made, trace.hypotheses), (others, trace.others)):
                for goal in goals:
                    sources.append(Source(final[goal]) if goal in final else Source(-1, self._closed_by(goal[0]) or ""))
        if not places:
            return Finished()
        if len(places) > self._max_goals:
            return Rejected(f"more than {self._max_goals} goals")
        if trace is not None:
            held = {meta for _, metas in ordered for meta in metas}
            kept = [pair for pair in pending if all(ops[leaf] >= 0 or leaf in held for leaf in pair)]
            return Advanced(MetamathState(self, tuple(ordered), tuple(kept), num_metas))
        renamed: dict[int, int] = {}
        same = True
        for _, metas in ordered:
            for meta in metas:
                if meta not in renamed:
                    new = terms.meta(len(renamed), terms.meta_typecode(meta))
                    renamed[meta] = new
                    same = same and new == meta
        if not same:
            ordered = [
                (skeleton, tuple([renamed[meta] for meta in metas])) if metas else (skeleton, metas)
                for skeleton, metas in ordered
            ]
        apart: list[Apart] = []
        for one, other in pending:
            # A metavariable that no goal holds will be chosen last, apart from everything: no condition on it counts.
            if (ops[one] < 0 and one not in renamed) or (ops[other] < 0 and other not in renamed):
                continue
            left, right = renamed.get(one, one), renamed.get(other, other)
            apart.append((left, right) if left < right else (right, left))
        apart.sort()
        return Advanced(MetamathState(self, tuple(ordered), tuple(apart), len(renamed)))

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
        return self._hypotheses

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
        usable = self.choices.usable_hypotheses(skeleton)
        number = tactic[len(HYPOTHESIS) :]
        if not (number.isascii() and number.isdigit() and len(number) < 10 and 1 <= int(number) <= len(usable)):
            return -1
        return usable[int(number) - 1]

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

    def _keeps_apart(self, one: int, other: int) -> bool:
        left, right = self._variables[one], self._variables[other]
        return ((left, right) if left < right else (right, left)) in self._target.disjoint


def _size(tree: PatternTree) -> int:
    return 1 if isinstance(tree, int) else 1 + sum(map(_size, tree[1:]))
