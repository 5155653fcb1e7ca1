"""Searching one theorem: goals, steps, and what closes by itself.

A state is a set of goals that share metavariables, with the ``$d`` conditions still pending on these. A tactic is
the label of an earlier assertion, applied to the state's first goal, or ``hyp k``, which closes it with the k-th of
those hypotheses of the theorem that unify with it. A ground goal that a hypothesis, or an assertion without
hypotheses, closes is closed at once: nothing is lost by it. The first goal is the one with the fewest moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from proofsearch import Advanced, Finished, Goal, Outcome, ProofState, Rejected, Theorem, Tree
from proofsearch_metamath.library import MAX_PATH_DEPTH, Library, child_path
from proofsearch_metamath.terms import Terms, TermTooLargeError
from proofsearch_metamath.unification import Apart, Application, LocalGoal, PatternTree, Unifier

HYPOTHESIS = "hyp "
"""How a tactic starts that closes a goal with one of the theorem's own hypotheses."""


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


class MetamathState:
    """A state: see :class:`proofsearch.types.ProofState`.

    Attributes:
        open: the goals, in the order in which steps made them.
        apart: the pending ``$d`` conditions.
        num_metas: metavariables are numbered below this.
    """

    __slots__ = ("_focus", "_session", "apart", "key", "num_metas", "open")

    def __init__(
        self, session: MetamathSession, goals: tuple[LocalGoal, ...], apart: tuple[Apart, ...], num_metas: int
    ) -> None:
        self._session = session
        self.open = goals
        self.apart = apart
        self.num_metas = num_metas
        self._focus = 0 if len(goals) == 1 else -1
        self.key = (goals, apart)

    @property
    def num_goals(self) -> int:
        """How many goals are open."""
        return len(self.open)

    @property
    def focus(self) -> int:
        """The index in :attr:`open` of the goal that the next tactic acts on: that with the fewest moves."""
        if self._focus < 0:
            self._focus = self._session.choose(self.open)
        return self._focus

    @property
    def goals(self) -> Sequence[Goal]:
        """The goals as encoders see them, the first one first; each is made when it is asked for."""
        return _Goals(self._session, self)

    @property
    def text(self) -> str:
        """The goals, the pending ``$d`` and the theorem's hypotheses, a line each."""
        return self._session.text(self)

    def __repr__(self) -> str:
        return f"MetamathState({self.text!r})"


class _Goals(Sequence[Goal]):
    """The goals of a state; a policy reads the first one of thousands of states, so the others wait."""

    __slots__ = ("_session", "_state")

    def __init__(self, session: MetamathSession, state: MetamathState) -> None:
        self._session = session
        self._state = state

    def __len__(self) -> int:
        return len(self._state.open)

    @overload
    def __getitem__(self, index: int) -> Goal: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Goal]: ...

    def __getitem__(self, index: int | slice) -> Goal | Sequence[Goal]:
        if index == 0:
            return self._session.first_goal(self._state)
        return self._session.goals(self._state)[index]


class MetamathMoves:
    """The moves of one state: see :class:`proofsearch.protocols.Moves`."""

    __slots__ = ("_session", "_state")

    def __init__(self, session: MetamathSession, state: MetamathState) -> None:
        self._session = session
        self._state = state

    def listed(self) -> list[str]:
        """Every hypothesis and assertion whose conclusion may unify with the first goal."""
        state = self._state
        return self._session.moves_of(state.open[state.focus][0])

    def admits(self, tactic: str) -> bool:
        """Whether the tactic applies; the step that follows reuses the work."""
        return not isinstance(self._session.step(self._state, tactic), Rejected)


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
        """Args:
        library: the prepared database.
        target: the theorem.
        max_goal_size: a goal with more nodes than this (or than four times the theorem) is not made.
        max_goals: a state with more goals than this is not made.
        """
        self._library = library
        self._target = target
        self._max_goals = max_goals
        self._num_rules = library.num_rules
        self._letters = _letters(library.typecodes)
        own_size = max(map(_size, (target.conclusion, *target.hypotheses)))
        self.terms = Terms(max_size=max(max_goal_size, 4 * own_size), max_depth=max(200, own_size + 1))
        self._variables: dict[int, int] = {}
        for number in range(len(target.variables)):
            term = self.terms.app(self._num_rules + number)
            self.terms.mark_variable(term)
            self._variables[term] = number
        position = library.frames[target.theorem.name].position
        self._unifier = Unifier(self.terms, self._keeps_apart, library.variable_only(position))
        self._allowed = (1 << target.earlier) - 1
        self._root = self._embed(target.conclusion)
        self._hypotheses = [self._embed(hypothesis) for hypothesis in target.hypotheses]
        self._applications: dict[tuple[int, str], Application | Rejected] = {}
        self._closed_by: dict[int, str | None] = {}
        self._candidates: dict[int, int] = {}
        self._usable: dict[int, list[int]] = {}
        self._moves: dict[int, list[str]] = {}
        self._ranks: dict[int, tuple[int, int]] = {}
        self._pieces: dict[int, tuple[list[str], list[int]]] = {}
        self._skeleton_texts: dict[int, str] = {}
        self._trees: dict[int, Tree] = {}
        self._stepped_state: MetamathState | None = None
        self._stepped: dict[str, Outcome] = {}

    # -- the session's contract ----------------------------------------------------------------------------------

    def initial(self) -> Outcome:
        """The theorem as one goal; finished where an earlier assertion or a hypothesis closes it at once."""
        if self.closed_by(self._root) is not None:
            return Finished()
        return Advanced(MetamathState(self, ((self._root, ()),), (), 0))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Applies a tactic to the state's first goal; see :meth:`proofsearch.protocols.Session.step`."""
        if state is not self._stepped_state:
            if not isinstance(state, MetamathState):
                raise TypeError(f"a Metamath session steps its own states, not {type(state).__name__}")
            self._stepped_state = state
            self._stepped = {}
        outcome = self._stepped.get(tactic)
        if outcome is None:
            outcome = self._step(state, tactic, None)
            self._stepped[tactic] = outcome
        return outcome

    def moves(self, state: ProofState) -> MetamathMoves:
        """The tactics that may apply to the first goal."""
        if not isinstance(state, MetamathState):
            raise TypeError(f"a Metamath session knows the moves of its own states, not of {type(state).__name__}")
        return MetamathMoves(self, state)

    def close(self) -> None:
        """Nothing to free."""

    # -- stepping ------------------------------------------------------------------------------------------------

    def trace(self, state: ProofState, tactic: str) -> tuple[Outcome, Trace | None]:
        """A step, with what became of each goal; the trace is ``None`` where the tactic is rejected."""
        if not isinstance(state, MetamathState):
            raise TypeError(f"a Metamath session steps its own states, not {type(state).__name__}")
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
            usable = self._usable_hypotheses(skeleton)
            number = tactic[len(HYPOTHESIS) :]
            if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= len(usable):
                return Rejected(f"{tactic}: {len(usable)} hypotheses of the theorem unify with the goal")
            return self._unifier.close(skeleton, self._hypotheses[usable[int(number) - 1]])
        index = self._library.provable_index.get(tactic)
        if index is None:
            return Rejected(f"no provable assertion is labelled {tactic!r}")
        if index >= self._target.earlier:
            return Rejected(f"{tactic} does not stand before {self._target.theorem.name}")
        if not self.candidates(skeleton) >> index & 1:
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
        places: dict[LocalGoal, None] = {}
        for goal in (*made, *others):
            if goal[1] or self.closed_by(goal[0]) is None:
                places[goal] = None
        # By skeleton, so that states that differ in the order of their goals alone are equal; by age among equals.
        ordered = sorted(places, key=_skeleton) if len(places) > 1 else list(places)
        if trace is not None:
            final = {goal: place for place, goal in enumerate(ordered)}
            for goals, sources in ((made, trace.hypotheses), (others, trace.others)):
                for goal in goals:
                    sources.append(Source(final[goal]) if goal in final else Source(-1, self.closed_by(goal[0]) or ""))
        if not places:
            return Finished()
        if len(places) > self._max_goals:
            return Rejected(f"more than {self._max_goals} goals")
        if trace is not None:
            return Advanced(MetamathState(self, tuple(ordered), tuple(pending), num_metas))
        terms = self.terms
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
        ops = terms.ops
        for one, other in pending:
            # A metavariable that no goal holds will be chosen last, apart from everything: no condition on it counts.
            if (ops[one] < 0 and one not in renamed) or (ops[other] < 0 and other not in renamed):
                continue
            left, right = renamed.get(one, one), renamed.get(other, other)
            apart.append((left, right) if left < right else (right, left))
        apart.sort()
        return Advanced(MetamathState(self, tuple(ordered), tuple(apart), len(renamed)))

    # -- what is known of a goal ---------------------------------------------------------------------------------

    def closed_by(self, skeleton: int) -> str | None:
        """What closes a ground goal without a further step: ``hyp k`` or a label; ``None`` where nothing does."""
        try:
            return self._closed_by[skeleton]
        except KeyError:
            found = self._find_closing(skeleton)
            self._closed_by[skeleton] = found
            return found

    def _find_closing(self, skeleton: int) -> str | None:
        if skeleton in self._hypotheses:
            return f"{HYPOTHESIS}{self._hypotheses.index(skeleton) + 1}"
        library = self._library
        for index in library.members_of(self.candidates(skeleton) & library.without_hypotheses):
            try:
                application = self._unifier.apply(skeleton, library.pattern(index))
            except TermTooLargeError:
                continue
            if application is not None and not application.apart:
                return library.provable_labels[index]
        return None

    def candidates(self, skeleton: int) -> int:
        """A bit set of the assertions before the theorem whose conclusion may unify with a goal (a superset)."""
        found = self._candidates.get(skeleton)
        if found is None:
            terms, library = self.terms, self._library
            ops, args = terms.ops, terms.args
            found = self._allowed
            stack = [(skeleton, 0, 0)]
            while stack and found:
                term, path, depth = stack.pop()
                op = ops[term]
                if op < 0:
                    continue
                if op >= self._num_rules:
                    found &= library.conclusions_with(path, -1)
                    continue
                found &= library.conclusions_with(path, op)
                if depth < MAX_PATH_DEPTH:
                    for child, arg in enumerate(args[term]):
                        stack.append((arg, child_path(path, child), depth + 1))
            self._candidates[skeleton] = found
        return found

    def moves_of(self, skeleton: int) -> list[str]:
        """The tactics that may apply to a goal: hypotheses first, then assertions in the library's order."""
        found = self._moves.get(skeleton)
        if found is None:
            labels = self._library.provable_labels
            found = [f"{HYPOTHESIS}{number + 1}" for number in range(len(self._usable_hypotheses(skeleton)))]
            found += [labels[index] for index in self._library.members_of(self.candidates(skeleton))]
            self._moves[skeleton] = found
        return found

    def _usable_hypotheses(self, skeleton: int) -> list[int]:
        found = self._usable.get(skeleton)
        if found is None:
            if self.terms.metas[skeleton]:
                found = [
                    number for number, term in enumerate(self._hypotheses) if self._unifier.unify(skeleton, term, {})
                ]
            else:
                found = [number for number, term in enumerate(self._hypotheses) if term == skeleton]
            self._usable[skeleton] = found
        return found

    def root_closed_by(self) -> str:
        """What closes the theorem itself at once; ``""`` where nothing does."""
        return self.closed_by(self._root) or ""

    def hypothesis_number(self, skeleton: int, tactic: str) -> int:
        """The number, from 0, of the theorem's hypothesis that ``hyp k`` means for a goal."""
        return self._usable_hypotheses(skeleton)[int(tactic[len(HYPOTHESIS) :]) - 1]

    def hypothesis_tactic(self, skeleton: int, hypothesis: int) -> str:
        """The tactic that closes a goal with the theorem's hypothesis of that number, from 0."""
        return f"{HYPOTHESIS}{self._usable_hypotheses(skeleton).index(hypothesis) + 1}"

    def choose(self, goals: tuple[LocalGoal, ...]) -> int:
        """The goal with the fewest moves; of these the smallest, then the first by text, then the oldest."""
        known = self._ranks
        ranks = [known.get(goal[0]) or self._rank(goal[0]) for goal in goals]
        least = min(ranks)
        first = ranks.index(least)
        for number in range(first + 1, len(goals)):
            if ranks[number] == least and goals[number][0] != goals[first][0]:
                if self._skeleton_text(goals[number][0]) < self._skeleton_text(goals[first][0]):
                    first = number
        return first

    def _ordered(self, state: MetamathState) -> list[LocalGoal]:
        """The goals as they are shown: the first one first, then by size and text."""
        rest = [goal for number, goal in enumerate(state.open) if number != state.focus]
        if len(rest) > 1:
            rest.sort(key=lambda goal: (self.terms.sizes[goal[0]], self._skeleton_text(goal[0])))
        return [state.open[state.focus], *rest]

    def _rank(self, skeleton: int) -> tuple[int, int]:
        found = self._ranks.get(skeleton)
        if found is None:
            count = self.candidates(skeleton).bit_count() + len(self._usable_hypotheses(skeleton))
            found = (count, self.terms.sizes[skeleton])
            self._ranks[skeleton] = found
        return found

    # -- what people and models see ------------------------------------------------------------------------------

    def text(self, state: MetamathState) -> str:
        """See :attr:`MetamathState.text`. Metavariables are mmj2's work variables: ``&W1``, ``&C2``, ``&S3``."""
        names: dict[int, str] = {}
        lines = [self._goal_text(goal, names) for goal in self._ordered(state)]
        if state.apart:
            pairs = []
            for pair in state.apart:
                one, other = (self._leaf_name(leaf, names) for leaf in pair)
                pairs.append(f"{one} {other}" if one <= other else f"{other} {one}")
            lines.append("$d " + " , ".join(sorted(pairs)))
        lines += [f"$e {self._goal_text((hypothesis, ()), names)}" for hypothesis in self._hypotheses]
        return "\n".join(lines)

    def first_goal(self, state: MetamathState) -> Goal:
        """The goal that the next tactic acts on."""
        goal = state.open[state.focus]
        return Goal(self._goal_text(goal, {}), self.tree(goal[0]))

    def goals(self, state: MetamathState) -> tuple[Goal, ...]:
        """All goals, the first one first."""
        names: dict[int, str] = {}
        return tuple(Goal(self._goal_text(goal, names), self.tree(goal[0])) for goal in self._ordered(state))

    def tree(self, skeleton: int) -> Tree:
        """A goal's tree; a metavariable is ``?`` and its typecode."""
        found = self._trees.get(skeleton)
        if found is None:
            symbols: list[str] = []
            arities: list[int] = []
            stack = [skeleton]
            terms = self.terms
            while stack:
                term = stack.pop()
                children = terms.args[term]
                symbols.append(self._symbol(term))
                arities.append(len(children))
                stack.extend(reversed(children))
            found = Tree(tuple(symbols), tuple(arities))
            self._trees[skeleton] = found
        return found

    def _symbol(self, term: int) -> str:
        op = self.terms.ops[term]
        if op < 0:
            return f"?{self._library.typecodes[-1 - op]}"
        if op < self._num_rules:
            return self._library.rules[op].label
        return self._target.variables[op - self._num_rules]

    def _leaf_name(self, leaf: int, names: dict[int, str]) -> str:
        if leaf in self._variables:
            return self._target.variables[self._variables[leaf]]
        name = names.get(leaf)
        if name is None:
            name = f"&{self._letters[self.terms.meta_typecode(leaf)]}{len(names) + 1}"
            names[leaf] = name
        return name

    def _goal_text(self, goal: LocalGoal, names: dict[int, str]) -> str:
        skeleton, metas = goal
        pieces, slots = self._rendered(skeleton)
        if not slots:
            return pieces[0]
        text = [pieces[0]]
        for slot, piece in zip(slots, pieces[1:], strict=True):
            text.append(self._leaf_name(metas[slot], names))
            if piece:
                text.append(piece)
        return " ".join(text)

    def _skeleton_text(self, skeleton: int) -> str:
        found = self._skeleton_texts.get(skeleton)
        if found is None:
            pieces, slots = self._rendered(skeleton)
            found = " ".join(f"{piece} &{slot}" for piece, slot in zip(pieces, [*slots, ""], strict=True))
            self._skeleton_texts[skeleton] = found
        return found

    def _rendered(self, skeleton: int) -> tuple[list[str], list[int]]:
        """A skeleton's text, cut where metavariables stand: the pieces, and the number in each gap."""
        found = self._pieces.get(skeleton)
        if found is None:
            terms, rules = self.terms, self._library.rules
            pieces: list[list[str]] = [["|-"]]
            slots: list[int] = []
            stack: list[int | str] = [skeleton]
            while stack:
                item = stack.pop()
                if isinstance(item, str):
                    if item:
                        pieces[-1].append(item)
                    continue
                op = terms.ops[item]
                if op < 0:
                    slots.append(terms.meta_number(item))
                    pieces.append([])
                elif op >= self._num_rules:
                    pieces[-1].append(self._target.variables[op - self._num_rules])
                else:
                    rule = rules[op]
                    children = terms.args[item]
                    stack.append(rule.symbols[-1])
                    for gap in range(len(rule.order) - 1, -1, -1):
                        stack.append(children[rule.order[gap]])
                        stack.append(rule.symbols[gap])
            texts = [" ".join(piece) for piece in pieces]
            found = (texts, slots)
            self._pieces[skeleton] = found
        return found

    # -- terms ---------------------------------------------------------------------------------------------------

    def _embed(self, tree: PatternTree) -> int:
        """A tree over the theorem's variables as a ground term."""
        if isinstance(tree, int):
            return self.terms.app(self._num_rules + tree)
        return self.terms.app(tree[0], tuple([self._embed(child) for child in tree[1:]]))

    def _keeps_apart(self, one: int, other: int) -> bool:
        left, right = self._variables[one], self._variables[other]
        return ((left, right) if left < right else (right, left)) in self._target.disjoint


def _letters(typecodes: Iterable[str]) -> list[str]:
    """A letter for each typecode, for metavariables' names: wff W, class C, setvar S."""
    return [next((letter.upper() for letter in typecode if letter.isalpha()), "X") for typecode in typecodes]


def _size(tree: PatternTree) -> int:
    return 1 if isinstance(tree, int) else 1 + sum(map(_size, tree[1:]))


def _skeleton(goal: LocalGoal) -> int:
    return goal[0]
