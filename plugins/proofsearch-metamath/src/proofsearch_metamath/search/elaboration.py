"""From a finished search path to a whole proof.

The path is replayed to a tree of labels; one unification over the whole tree gives every step its substitution;
metavariables that nothing determined are filled; equal statements are proved once, by the shortest subproof found;
and the result becomes Metamath proof steps, syntax included. The search's states and caches take no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from proofsearch import Advanced, Finished
from proofsearch.errors import ProofError
from proofsearch_metamath.database.model import Floating
from proofsearch_metamath.library.dummies import active_floats, choose
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.terms import Terms, TermTooLargeError
from proofsearch_metamath.library.unification import PatternTree, Unifier
from proofsearch_metamath.proofs.graph import ProofNode
from proofsearch_metamath.search.choices import HYPOTHESIS
from proofsearch_metamath.search.session import MetamathSession
from proofsearch_metamath.search.state import MetamathState
from proofsearch_metamath.search.target import Target

MAX_SIZE = 200_000
"""Nodes of the largest expression that a proof may hold; the largest statement of set.mm has 8,827."""


@dataclass(slots=True, eq=False)
class Step:
    """A step of the proof in the making: a label, or the theorem's own hypothesis of that number."""

    label: str = ""
    hypothesis: int = -1
    children: list[Step] = field(default_factory=list)
    same_as: Step | None = None
    goal: int = -1
    values: list[int] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Elaborated:
    """A whole proof.

    Attributes:
        root: its steps as a shared tree, children in the order of the mandatory hypotheses.
        dummies: the variables that it uses and the theorem doesn't; each must be kept apart from every other variable.
    """

    root: ProofNode
    dummies: tuple[str, ...]


def replay(session: MetamathSession, tactics: Sequence[str]) -> Step:
    """Follows a path in a fresh session.

    Raises:
        ProofError: a tactic is rejected, or goals are left, or tactics.
    """
    root = Step()
    outcome = session.initial()
    open_steps = [root]
    if isinstance(outcome, Finished):
        _close(root, session.root_closed_by())
    for number, tactic in enumerate(tactics):
        if not isinstance(outcome, Advanced) or not isinstance(outcome.state, MetamathState):
            raise ProofError(f"the path is finished before its step {number + 1}, {tactic!r}")
        state = outcome.state
        focus = state.focus
        outcome, trace = session.trace(state, tactic)
        if trace is None:
            raise ProofError(f"step {number + 1} of the path, {tactic!r}, does not apply: {outcome}")
        step = open_steps[focus]
        if tactic.startswith(HYPOTHESIS):
            step.hypothesis = session.hypothesis_number(state.open[focus][0], tactic)
        else:
            step.label = tactic
            step.children = [Step() for _ in trace.hypotheses]
        others = [step for place, step in enumerate(open_steps) if place != focus]
        following: dict[int, Step] = {}
        for source, child in zip([*trace.hypotheses, *trace.others], [*step.children, *others], strict=True):
            if source.goal < 0:
                _close(child, source.closed_by)
            elif source.goal in following:
                child.same_as = following[source.goal]
            else:
                following[source.goal] = child
        open_steps = [following[place] for place in range(len(following))]
    if not isinstance(outcome, Finished):
        raise ProofError(f"the path of {len(tactics)} steps leaves goals open")
    for step in _walk(root):
        for number, child in enumerate(step.children):
            while child.same_as is not None:
                child = child.same_as
            step.children[number] = child
    return root


def _walk(root: Step) -> Iterator[Step]:
    """Every step once, parents before children as far as it goes; what is visited may change its children."""
    seen = {id(root)}
    pending = [root]
    while pending:
        step = pending.pop()
        yield step
        for child in step.children:
            if id(child) not in seen:
                seen.add(id(child))
                pending.append(child)


def _close(step: Step, closed_by: str) -> None:
    if closed_by.startswith(HYPOTHESIS):
        step.hypothesis = int(closed_by[len(HYPOTHESIS) :]) - 1
    else:
        step.label = closed_by


class Elaborator:
    """Writes one proof of one theorem."""

    def __init__(self, library: Library, target: Target) -> None:
        """Sets up the theorem's variables.

        Args:
            library: the prepared database.
            target: the theorem.
        """
        self._library = library
        self._target = target
        self._frame = library.frames[target.theorem.name]
        self._terms = Terms(max_size=MAX_SIZE)
        self._unifier = Unifier(self._terms, lambda one, other: True)
        self._variables = [self._variable(number) for number in range(len(target.variables))]
        self._metas = 0
        self._dummies: dict[int, int] = {}
        self._named: dict[int, Floating] = {}
        self._occurring: dict[int, tuple[int, ...]] = {}
        self._syntax: dict[int, ProofNode] = {}

    def elaborate(self, root: Step) -> Elaborated:
        """The proof of a finished tree of labels.

        Raises:
            ProofError: the tree doesn't prove the theorem, or no value can be found for a metavariable.
        """
        try:
            steps = self._unify(root)
        except TermTooLargeError as error:
            raise ProofError(f"{self._target.theorem.name}: the proof holds {error}; no proof is written") from None
        _measure(root)
        shortest: dict[int, Step] = {}
        for step in sorted(steps, key=_size):
            shortest.setdefault(step.goal, step)
        needed = {root.goal}
        for step in sorted(shortest.values(), key=_size, reverse=True):
            if step.goal in needed:
                needed.update(child.goal for child in step.children)
        kept = [step for step in sorted(shortest.values(), key=_size) if step.goal in needed]
        self._name_dummies(kept)
        made: dict[int, ProofNode] = {}
        for step in kept:
            made[step.goal] = self._node(step, made)
        used = dict.fromkeys([floating.variable for floating in self._named.values()])
        return Elaborated(made[root.goal], tuple(name for name in used if name not in self._target.variables))

    def _unify(self, root: Step) -> list[Step]:
        """Gives every step its substitution and the ground statement that it proves."""
        target, library = self._target, self._library
        bindings: dict[int, int] = {}
        hypotheses = [self._instantiate(tree, self._variables) for tree in target.hypotheses]
        steps = list(_walk(root))
        wff = self._typecode_of(target.conclusion)
        for step in steps:
            step.goal = self._fresh(wff)
        root.goal = self._instantiate(target.conclusion, self._variables)
        for step in steps:
            if step.hypothesis >= 0:
                agrees = self._unifier.unify(step.goal, hypotheses[step.hypothesis], bindings)
            else:
                pattern = library.pattern(library.provable_index[step.label])
                step.values = [self._fresh(typecode) for typecode in pattern.typecodes]
                conclusion = self._instantiate(pattern.conclusion, step.values)
                agrees = self._unifier.unify(conclusion, step.goal, bindings)
                for child, tree in zip(step.children, pattern.hypotheses, strict=True):
                    agrees = agrees and self._unifier.unify(child.goal, self._instantiate(tree, step.values), bindings)
            if not agrees:
                raise ProofError(f"{target.theorem.name}: the step {step.label!r} doesn't fit where the path puts it")
        self._fill(steps, bindings)
        for step in steps:
            step.goal = self._unifier.resolve(step.goal, bindings)
            step.values = [self._unifier.resolve(value, bindings) for value in step.values]
        return steps

    def _typecode_of(self, tree: PatternTree) -> int:
        """The typecode of a statement, as an index."""
        return self._target.typecodes[tree] if isinstance(tree, int) else self._library.rules[tree[0]].typecode

    def _variable(self, number: int) -> int:
        """The variable of that number: first the theorem's, then dummies."""
        return self._terms.app(self._library.num_rules + number)

    def _fresh(self, typecode: int) -> int:
        self._metas += 1
        return self._terms.meta(self._metas, typecode)

    def _instantiate(self, tree: PatternTree, values: Sequence[int]) -> int:
        if isinstance(tree, int):
            return values[tree]
        return self._terms.app(tree[0], tuple([self._instantiate(child, values) for child in tree[1:]]))

    def _fill(self, steps: Sequence[Step], bindings: dict[int, int]) -> None:
        """Chooses what nothing determined: an earlier term without variables if there is one, else a dummy variable."""
        open_metas: dict[int, None] = {}
        for step in steps:
            for value in step.values:
                open_metas.update(dict.fromkeys(self._terms.metas[self._unifier.resolve(value, bindings)]))
        closed_terms = self._library.closed_terms
        for meta in open_metas:
            typecode = self._terms.meta_typecode(meta)
            first, closed = closed_terms.get(typecode, (self._frame.position, 0))
            if first < self._frame.position:
                bindings[meta] = self._instantiate(closed, ())
            else:
                term = self._variable(len(self._target.variables) + len(self._dummies))
                self._dummies[term] = typecode
                bindings[meta] = term

    def _name_dummies(self, steps: Sequence[Step]) -> None:
        """Finds a variable for each dummy of the finished proof.

        Raises:
            ProofError: the database has not enough variables.
        """
        if not self._dummies:
            return
        library, target = self._library, self._target
        dummies: dict[int, str] = {}
        for step in steps:
            for value in step.values:
                occurring = [term for term in self._occurs(value) if term in self._dummies]
                dummies.update((term, library.typecodes[self._dummies[term]]) for term in occurring)
        names = dict(zip(self._variables, target.variables, strict=True))
        apart: set[tuple[int | str, int | str]] = set()
        for step in steps:
            pairs = library.pattern(library.provable_index[step.label]).disjoint if step.label else ()
            for one, other in pairs:
                rights = [names.get(term, term) for term in self._occurs(step.values[other])]
                for left in self._occurs(step.values[one]):
                    apart.update((names.get(left, left), right) for right in rights)
        floats = active_floats(library, self._frame.position)
        found = choose(dummies, floats, target.variables, apart, self._frame.disjoint)
        if isinstance(found, str):
            raise ProofError(
                f"{target.theorem.name}: no variable of typecode {found!r} is left for what the proof leaves open"
            )
        self._named = {term: floats[variable] for term, variable in found.items()}

    def _occurs(self, term: int) -> tuple[int, ...]:
        """The variables of a ground term, the theorem's and dummies, in the order in which they occur."""
        found = self._occurring.get(term)
        if found is None:
            if self._terms.ops[term] >= self._library.num_rules:
                found = (term,)
            else:
                found = tuple(dict.fromkeys([v for arg in self._terms.args[term] for v in self._occurs(arg)]))
            self._occurring[term] = found
        return found

    def _node(self, step: Step, made: dict[int, ProofNode]) -> ProofNode:
        """A step as the verifier takes it: hypotheses, floating and essential, in their mandatory order."""
        if step.hypothesis >= 0:
            return ProofNode(self._frame.essentials[step.hypothesis].label, ())
        frame = self._library.frames[step.label]
        values = {floating.label: value for floating, value in zip(frame.floats, step.values, strict=True)}
        proved = iter(step.children)
        return ProofNode(
            step.label,
            tuple(
                self._syntax_node(values[label]) if label in values else made[next(proved).goal]
                for label in frame.order
            ),
        )

    def _syntax_node(self, term: int) -> ProofNode:
        """The proof that a ground term is well-formed."""
        node = self._syntax.get(term)
        if node is None:
            op = self._terms.ops[term]
            rules = self._library.rules
            if op < len(rules):
                children = tuple(self._syntax_node(arg) for arg in self._terms.args[term])
                node = ProofNode(rules[op].label, children)
            elif term in self._dummies:
                node = ProofNode(self._named[term].label)
            else:
                node = ProofNode(self._frame.floats[op - len(rules)].label, ())
            self._syntax[term] = node
        return node


def _measure(root: Step) -> None:
    """Sets each step's size: the steps of its proof, counted as a tree."""
    pending = [root]
    while pending:
        step = pending[-1]
        waiting = [child for child in step.children if not child.size]
        if waiting:
            pending.extend(waiting)
        else:
            step.size = 1 + sum(child.size for child in step.children)
            pending.pop()


def _size(step: Step) -> int:
    return step.size
