"""Unification against a naive one, and ``$d`` conditions against every ground instance.

The signature is a cut of set.mm's: formulas, setvars, classes. Trees are nested tuples: ``("meta", number,
typecode)``, ``("var", index)`` for a variable of the assertion, ``(op, child, …)``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.library.terms import Terms, TermTooLargeError
from proofsearch_metamath.library.unification import Application, Pattern, PatternTree, Unifier

WFF, SETVAR, CLASS = 0, 1, 2
RULES = {  # op: typecode, children's typecodes
    0: (WFF, (WFF, WFF)),  # ( ph -> ps )
    1: (WFF, (WFF, SETVAR)),  # A. x ph
    2: (CLASS, (SETVAR,)),  # the coercion
    3: (WFF, (CLASS, CLASS)),  # A = B
    4: (WFF, ()),  # T.
    5: (CLASS, ()),  # (/)
}
VARIABLES = {6: WFF, 7: WFF, 8: SETVAR, 9: SETVAR, 10: CLASS}  # of the theorem
PATTERN_TYPES = (WFF, WFF, SETVAR, SETVAR, CLASS, CLASS)

Node = tuple


def trees(typecode: int, leaves: Sequence[Node], depth: int) -> st.SearchStrategy[Node]:
    """Trees of a typecode whose leaves of that kind are among ``leaves`` (tree, typecode)."""
    options = [st.just(leaf) for leaf, kind in leaves if kind == typecode]
    for op, (kind, children) in RULES.items():
        if kind == typecode and (depth or not children):
            options.append(st.tuples(st.just(op), *(trees(child, leaves, depth - 1) for child in children)))
    return st.one_of(options)


THEOREM = [((op,), kind) for op, kind in VARIABLES.items()]
PATTERN = [(("var", index), kind) for index, kind in enumerate(PATTERN_TYPES)]
METAS = [(("meta", index, kind), kind) for index, kind in enumerate((WFF, WFF, SETVAR, SETVAR, CLASS))]
GOALS = trees(WFF, THEOREM + METAS, 3)
PATTERNS = trees(WFF, PATTERN, 3)
PAIRS = st.frozensets(
    st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] < pair[1]), max_size=4
)
VALUES = st.tuples(*(trees(kind, THEOREM, 1) for kind in PATTERN_TYPES))
APART = st.frozensets(st.sampled_from([(a, b) for a in VARIABLES for b in VARIABLES if a < b]))


# -- the naive reference -----------------------------------------------------------------------------------------


def replace(tree: Node, values: dict[Node, Node]) -> Node:
    if tree in values:
        return values[tree]
    return tree if tree[0] in ("meta", "var") else (tree[0], *(replace(child, values) for child in tree[1:]))


def occurs(leaf: Node, tree: Node) -> bool:
    return tree == leaf or (tree[0] not in ("meta", "var") and any(occurs(leaf, child) for child in tree[1:]))


def naive_unifier(left: Node, right: Node) -> dict[Node, Node] | None:
    """Robinson's algorithm, substituting everywhere at each step."""
    unifier: dict[Node, Node] = {}
    work = [(left, right)]
    while work:
        one, other = work.pop()
        if one == other:
            continue
        if one[0] not in ("meta", "var"):
            one, other = other, one
        if one[0] in ("meta", "var"):
            if occurs(one, other):
                return None
            step = {one: other}
            work = [(replace(a, step), replace(b, step)) for a, b in work]
            unifier = {leaf: replace(value, step) for leaf, value in unifier.items()} | step
        elif one[0] != other[0]:
            return None
        else:
            work += zip(one[1:], other[1:], strict=True)
    return unifier


def leaves_in(tree: Node) -> list[Node]:
    if tree[0] in ("meta", "var"):
        return [tree]
    return [leaf for child in tree[1:] for leaf in leaves_in(child)]


def renamed(parts: Sequence[Node]) -> list[Node]:
    """Several trees with their leaves numbered in order of occurrence, for a comparison up to names."""
    numbers: dict[Node, Node] = {}
    for part in parts:
        for leaf in leaves_in(part):
            numbers.setdefault(leaf, ("meta", len(numbers)))
    return [replace(part, numbers) for part in parts]


# -- both sides --------------------------------------------------------------------------------------------------


class Case:
    """A goal, as the store has it, and a pattern."""

    def __init__(
        self,
        goal: Node,
        conclusion: Node,
        hypotheses: Sequence[Node] = (),
        disjoint: frozenset[tuple[int, int]] = frozenset(),
        keeps_apart: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self.terms = Terms()
        self.ids = {op: self.terms.app(op) for op in VARIABLES}
        for term in self.ids.values():
            self.terms.mark_variable(term)
        variables = {term: op for op, term in self.ids.items()}
        apart = {frozenset(pair) for pair in keeps_apart}
        self.unifier = Unifier(
            self.terms,
            lambda one, other: frozenset((variables[one], variables[other])) in apart,
            frozenset({SETVAR}),
        )
        numbers = {leaf: number for number, leaf in enumerate(dict.fromkeys(leaves_in(goal)))}
        self.goal = replace(goal, {leaf: ("meta", number, leaf[2]) for leaf, number in numbers.items()})
        self.skeleton = self.build(self.goal)
        assert self.terms.canonical(self.skeleton)[0] == self.skeleton
        self.pattern = Pattern(
            0,
            "ax",
            PATTERN_TYPES,
            as_pattern(conclusion),
            tuple(map(as_pattern, hypotheses)),
            tuple(sorted(disjoint)),
        )

    def build(self, tree: Node) -> int:
        if tree[0] == "meta":
            return self.terms.meta(tree[1], tree[2])
        return self.terms.app(tree[0], tuple(self.build(child) for child in tree[1:]))

    def shown(self, term: int) -> Node:
        op = self.terms.ops[term]
        if op < 0:
            return ("meta", self.terms.meta_number(term), -1 - op)
        return (op, *(self.shown(arg) for arg in self.terms.args[term]))

    def whole(self, goal: tuple[int, tuple[int, ...]]) -> Node:
        """A local goal as a tree."""
        skeleton, metas = goal
        return self.shown(self.terms.substitute(skeleton, dict(zip(self.terms.metas[skeleton], metas, strict=True))))

    def apply(self) -> Application | None:
        return self.unifier.apply(self.skeleton, self.pattern)


def as_pattern(tree: Node) -> PatternTree:
    return tree[1] if tree[0] == "var" else (tree[0], *map(as_pattern, tree[1:]))


def typecode(tree: Node) -> int:
    if tree[0] == "meta":
        return tree[2]
    return VARIABLES[tree[0]] if tree[0] in VARIABLES else RULES[tree[0]][0]


@given(GOALS, PATTERNS, st.lists(PATTERNS, max_size=2))
@settings(max_examples=200)
def test_the_unifier_is_the_most_general_one(goal: Node, conclusion: Node, hypotheses: list[Node]) -> None:
    """Most general unifiers are equal up to names, so it must be the naive algorithm's."""
    case = Case(goal, conclusion, hypotheses)
    expected = naive_unifier(conclusion, case.goal)
    found = case.apply()
    assert (found is None) == (expected is None)
    if found is None or expected is None:
        return
    own = list(dict.fromkeys(leaves_in(case.goal)))
    bound = {case.shown(meta): case.shown(value) for meta, value in found.bound.items()}
    assert renamed([*(bound.get(leaf, leaf) for leaf in own), *map(case.whole, found.goals)]) == renamed(
        [*(replace(leaf, expected) for leaf in own), *(replace(part, expected) for part in hypotheses)]
    )
    for meta, value in bound.items():
        assert typecode(meta) == typecode(value)
        assert not any(leaf in bound for leaf in leaves_in(value)), "not idempotent"
        if meta[2] == SETVAR:
            assert value[0] in (8, 9, "meta")
    fresh = [case.shown(meta) for meta in found.fresh]
    assert not set(fresh) & set(own)
    known = {*own, *fresh} - bound.keys()
    for part in (*bound.values(), *map(case.whole, found.goals)):
        assert set(leaves_in(part)) <= known


@given(GOALS, trees(WFF, THEOREM, 3))
@settings(max_examples=200)
def test_closing_by_a_hypothesis_matches_it(goal: Node, hypothesis: Node) -> None:
    case = Case(goal, (4,))
    found = case.unifier.close(case.skeleton, case.build(hypothesis))
    expected = naive_unifier(case.goal, hypothesis)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found.goals == found.fresh == ()
        assert {case.shown(meta): case.shown(value) for meta, value in found.bound.items()} == expected


@given(PATTERNS, VALUES, st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_what_was_made_from_an_instance_unifies(
    conclusion: Node, values: tuple[Node, ...], random: random.Random
) -> None:
    """A goal that generalises a ground instance of a conclusion must unify with it (the random goals seldom do)."""
    instance = replace(conclusion, {leaf: value for (leaf, _), value in zip(PATTERN, values, strict=True)})
    goal = generalised(instance, random, [])
    case = Case(goal, conclusion, [("var", index) for index in (0, 1)])
    found = case.apply()
    assert found is not None
    matching = naive_unifier(case.goal, instance)
    assert matching is not None
    for meta, value in found.bound.items():  # the instance is one of the unifier's
        assert naive_unifier(case.shown(value), replace(case.shown(meta), matching)) is not None


def generalised(tree: Node, random: random.Random, known: list[tuple[Node, Node]]) -> Node:
    """A tree with some subtrees replaced by metavariables, equal ones sometimes by the same."""
    if random.random() < 0.2:
        same = [leaf for leaf, value in known if value == tree]
        if same and random.random() < 0.5:
            return same[0]
        known.append((("meta", len(known), typecode(tree)), tree))
        return known[-1][0]
    return (tree[0], *(generalised(child, random, known) for child in tree[1:]))


GROUND = {
    WFF: [(4,), (6,), (7,), (1, (4,), (8,))],
    SETVAR: [(8,), (9,)],
    CLASS: [(5,), (10,), (2, (8,))],
}
"""A few ground terms of each typecode: closed ones, variables, and such with a bound variable."""


def variables_in(tree: Node) -> set[int]:
    found = {tree[0]} & VARIABLES.keys()
    return found.union(*map(variables_in, tree[1:]))


def is_kept(left: Node, right: Node, keeps_apart: frozenset[tuple[int, int]]) -> bool:
    """The ``$d`` rule as the Metamath book has it, for ground terms."""
    return all(
        one != other and (min(one, other), max(one, other)) in keeps_apart
        for one in variables_in(left)
        for other in variables_in(right)
    )


@given(PATTERNS, VALUES, PAIRS, APART, st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_pending_conditions_are_exactly_what_is_left(
    conclusion: Node,
    values: tuple[Node, ...],
    disjoint: frozenset[tuple[int, int]],
    keeps_apart: frozenset[tuple[int, int]],
    random: random.Random,
) -> None:
    """For every ground instance: the assertion's ``$d`` holds if and only if the pending conditions do."""
    instance = replace(conclusion, {leaf: value for (leaf, _), value in zip(PATTERN, values, strict=True)})
    goal = generalised(instance, random, [])
    variables = [leaf for leaf, _ in PATTERN]
    free = Case(goal, conclusion, variables)
    unconditional = free.apply()
    assert unconditional is not None
    stand_for = [free.whole(part) for part in unconditional.goals]  # what each variable of the assertion stands for
    case = Case(goal, conclusion, variables, disjoint, keeps_apart)
    found = case.apply()
    pending = None
    if found is not None:
        assert renamed([case.whole(part) for part in found.goals]) == renamed(stand_for)
        stand_for = [case.whole(part) for part in found.goals]
        pending = [(case.shown(one), case.shown(other)) for one, other in found.apart]
    used = list(dict.fromkeys(leaf for value in stand_for for leaf in leaves_in(value)))
    for _ in range(100):
        ground = {leaf: random.choice(GROUND[leaf[2]]) for leaf in used}
        holds = all(
            is_kept(replace(stand_for[one], ground), replace(stand_for[other], ground), keeps_apart)
            for one, other in disjoint
        )
        if pending is None:
            assert not holds, "refused, though this instance keeps every $d"
        else:
            kept = all(is_kept(replace(one, ground), replace(other, ground), keeps_apart) for one, other in pending)
            assert kept == holds


@pytest.mark.parametrize(
    ("goal", "conclusion", "applies"),
    [
        # ( &W0 -> &W0 ) against ( ph -> ( ph -> ps ) ): &W0 would hold itself
        ((0, ("meta", 0, WFF), ("meta", 0, WFF)), (0, ("var", 0), (0, ("var", 0), ("var", 1))), False),
        # the same through a chain of two metavariables
        (
            (0, (0, ("meta", 0, WFF), ("meta", 1, WFF)), (0, ("meta", 1, WFF), ("meta", 0, WFF))),
            (0, ("var", 0), (0, (0, ("var", 1), (4,)), ("var", 1))),
            True,
        ),
        # A. &S0 T. against A. x T.: a setvar metavariable takes a setvar
        ((1, (4,), ("meta", 0, SETVAR)), (1, (4,), ("var", 2)), True),
        # (/) = x, a class, against A = A: a class constant is no setvar
        ((3, (5,), (2, ("meta", 0, SETVAR))), (3, ("var", 4), ("var", 4)), False),
        # &C0 = x against A = A: the class takes the coerced setvar
        ((3, ("meta", 0, CLASS), (2, (8,))), (3, ("var", 4), ("var", 4)), True),
        # a bare metavariable takes everything
        (("meta", 0, WFF), (1, ("var", 0), ("var", 2)), True),
        # everything fits a bare variable
        ((1, (6,), (8,)), ("var", 1), True),
        # two different variables of the theorem are two different things
        ((0, (6,), (7,)), (0, ("var", 0), ("var", 0)), False),
    ],
)
def test_single_cases(goal: Node, conclusion: Node, applies: bool) -> None:
    assert (Case(goal, conclusion).apply() is not None) == applies


def test_a_metavariable_paired_with_itself_must_be_closed() -> None:
    """``$d ph ps`` where both became one metavariable: it may still be ``T.``; a setvar never can."""
    wff = Case(("meta", 0, WFF), (0, ("var", 0), ("var", 1)), [("var", 0)], frozenset({(0, 1)}))
    found = wff.unifier.apply(wff.build((0, ("meta", 0, WFF), ("meta", 0, WFF))), wff.pattern)
    assert found is not None
    (pair,) = found.apart
    assert pair[0] == pair[1]
    setvars = (0, (1, (4,), ("var", 2)), (1, (4,), ("var", 3)))
    case = Case((0, (1, (4,), ("meta", 0, SETVAR)), (1, (4,), ("meta", 0, SETVAR))), setvars, (), frozenset({(2, 3)}))
    assert case.apply() is None


def test_a_chain_of_bindings_is_too_deep_not_a_crash() -> None:
    """Each binding adds a little; walking down the whole chain must stop at the bound, not at Python's stack."""
    terms = Terms(max_size=10**9)
    unifier = Unifier(terms, lambda one, other: True)
    metas = [terms.meta(number, 0) for number in range(3000)]
    bindings = {}
    for one, other in pairwise(metas):
        bindings[one] = terms.app(0, (other,))
    assert terms.depths[unifier.resolve(metas[-100], bindings)] == 100
    with pytest.raises(TermTooLargeError, match="deep"):
        unifier.resolve(metas[0], bindings)
