"""The compiled and the plain implementation agree on random terms, in results, in their order and in what they refuse.

Term ids may differ, so everything is compared as trees. Trees are nested tuples: ``("meta", number, typecode)`` or
``(op, child, …)``; in patterns ``("var", index)``.
"""

from __future__ import annotations

import random
import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library import terms, unification
from proofsearch_metamath.library.terms import TermTooLargeError
from proofsearch_metamath.ranker.features import TermFeatures
from proofsearch_metamath.search import combination
from proofsearch_metamath.search.keys import decode_key, key_of

from proofsearch.config import LimitConfig, PriorityConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.protocols import GenerationRequest
from proofsearch.types import Candidate

native = pytest.importorskip("proofsearch_metamath._native", reason="the compiled part was not built")

WFF, SETVAR, CLASS = 0, 1, 2
RULES = {0: (WFF, (WFF, WFF)), 1: (WFF, (WFF, SETVAR)), 2: (CLASS, (SETVAR,)), 3: (WFF, (CLASS, CLASS)), 4: (WFF, ())}
VARIABLES = {6: WFF, 7: WFF, 8: SETVAR, 9: SETVAR, 10: CLASS}
PATTERN_TYPES = (WFF, WFF, SETVAR, SETVAR, CLASS, CLASS)
Node = tuple
SEEDS = st.integers(0, 2**32)


class Trees:
    """Random trees; plain ``random`` makes large ones far faster than strategies do."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def tree(self, typecode: int, leaves: Sequence[tuple[Node, int]], depth: int) -> Node:
        fitting = [leaf for leaf, kind in leaves if kind == typecode]
        rules = [op for op, (kind, children) in RULES.items() if kind == typecode and (depth or not children)]
        if not rules or (fitting and self.random.random() < 0.4):
            return self.random.choice(fitting)
        op = self.random.choice(rules)
        return (op, *(self.tree(child, leaves, depth - 1) for child in RULES[op][1]))

    def goal(self, depth: int = 4) -> Node:
        metas = [(("meta", number, kind), kind) for number, kind in enumerate((WFF, WFF, SETVAR, SETVAR, CLASS))]
        return self.tree(WFF, [((op,), kind) for op, kind in VARIABLES.items()] + metas, depth)

    def pattern(self, goal: Node | None = None) -> unification.Pattern:
        """An assertion; with a goal often one that fits it."""
        own = [(("var", number), kind) for number, kind in enumerate(PATTERN_TYPES)]
        conclusion = self.tree(WFF, own, 3)
        if goal is not None and self.random.random() < 0.8:
            conclusion = self.lifted(goal, WFF)
        hypotheses = tuple(as_pattern(self.tree(WFF, own, 3)) for _ in range(self.random.randrange(4)))
        pairs = [(a, b) for a in range(6) for b in range(6) if a != b and self.random.random() < 0.1]
        parts = (PATTERN_TYPES, as_pattern(conclusion), hypotheses, tuple(pairs))
        return unification.Pattern(0, "ax", *parts, compiled=native.Pattern(*parts))

    def lifted(self, tree: Node, typecode: int) -> Node:
        """A tree with subtrees replaced by variables of the assertion."""
        if tree[0] == "meta" or tree[0] in VARIABLES or self.random.random() < 0.25:
            return ("var", self.random.choice([n for n, kind in enumerate(PATTERN_TYPES) if kind == typecode]))
        return (tree[0], *(self.lifted(c, kind) for c, kind in zip(tree[1:], RULES[tree[0]][1], strict=True)))


def as_pattern(tree: Node) -> unification.PatternTree:
    return tree[1] if tree[0] == "var" else (tree[0], *map(as_pattern, tree[1:]))


@dataclass
class Side:
    """One implementation."""

    terms: Any
    unifier: Any
    combiner: Any

    @classmethod
    def of(cls, module: tuple[Any, Any, Any], apart: Callable[[int, int], bool], **bounds: int) -> Side:
        make_terms, make_unifier, make_combiner = module
        max_goals = bounds.pop("max_goals", 64)
        store = make_terms(**bounds)
        variables = {}
        for op in VARIABLES:
            variables[store.app(op)] = op
        for term in variables:
            store.mark_variable(term)
        unifier = make_unifier(store, lambda one, other: apart(variables[one], variables[other]), frozenset({SETVAR}))
        side = cls(store, unifier, None)
        # Some ground goals close by themselves; which, must not depend on ids.
        side.combiner = make_combiner(
            store, unifier, lambda term: "ax" if len(repr(side.shown(term))) % 5 == 0 else None, max_goals
        )
        return side

    def combine(self, goals: Any, apart: Any, num_metas: int, focus: int, application: Any) -> Any:
        """The next state as the plain implementation returns it; the compiled one takes and returns keys."""
        if isinstance(self.combiner, combination.Combiner):
            return self.combiner.combine(goals, apart, num_metas, focus, application)
        key = key_of(goals, apart)
        assert decode_key(self.terms, key) == (goals, apart)
        made = self.combiner.combine(key, num_metas, focus, application)
        if not isinstance(made, bytes):
            return made
        goals, apart = decode_key(self.terms, made)
        return goals, apart, len({meta for _, metas in goals for meta in metas})

    def build(self, tree: Node) -> int:
        if tree[0] == "meta":
            return self.terms.meta(tree[1], tree[2])
        return self.terms.app(tree[0], tuple([self.build(child) for child in tree[1:]]))

    def shown(self, term: int) -> Node:
        op = self.terms.ops[term]
        if op < 0:
            return ("meta", self.terms.meta_number(term), self.terms.meta_typecode(term))
        return (op, *[self.shown(arg) for arg in self.terms.args[term]])

    def goals(self, goals: Sequence[tuple[int, tuple[int, ...]]]) -> list[object]:
        return [(self.shown(skeleton), [self.shown(meta) for meta in metas]) for skeleton, metas in goals]

    def pairs(self, pairs: Sequence[tuple[int, int]]) -> set[frozenset[Node]]:
        return {frozenset((self.shown(one), self.shown(other))) for one, other in pairs}

    def application(self, found: Any) -> object:
        if found is None:
            return None
        bound = [(self.shown(meta), self.shown(value)) for meta, value in found.bound.items()]
        return self.goals(found.goals), bound, [self.shown(meta) for meta in found.fresh], self.pairs(found.apart)


PLAIN = (terms.Terms, unification.Unifier, combination.Combiner)
COMPILED = (native.Terms, native.Unifier, native.Combiner)


def both(seed: int, **bounds: int) -> tuple[Side, Side]:
    kept = {(a, b) for a in VARIABLES for b in VARIABLES if random.Random(f"{seed} {a} {b}").random() < 0.5}

    def apart(one: int, other: int) -> bool:
        return (min(one, other), max(one, other)) in kept

    return Side.of(PLAIN, apart, **bounds), Side.of(COMPILED, apart, **bounds)


def outcome(attempt: Callable[[], object]) -> object:
    """What came of it, or how it was refused."""
    try:
        return attempt()
    except TermTooLargeError as error:
        return f"too large: {error}"


@given(SEEDS)
@settings(max_examples=150)
def test_stores_agree(seed: int) -> None:
    made = Trees(seed)
    goals = [made.goal() for _ in range(3)]
    columns = []
    for side in both(seed):
        ids = [side.build(goal) for goal in goals]
        rows = []
        for term in ids:
            metas, own = side.terms.metas[term], side.terms
            values = dict(zip(metas, [*ids, *ids], strict=False))
            skeleton, stands_for = own.canonical(term)
            rows.append(
                (
                    [side.shown(meta) for meta in metas],
                    (own.sizes[term], own.depths[term], own.hashes[term]),
                    {side.shown(leaf) for leaf in own.leaves(term)},
                    outcome(lambda: side.shown(own.substitute(term, values))),  # noqa: B023 - called at once
                    side.goals([(skeleton, stands_for)]),
                    own.places(term, 6, 3),
                )
            )
        columns.append(rows)
    assert columns[0] == columns[1]


@pytest.mark.parametrize("bounds", [{}, {"max_size": 12}, {"max_depth": 6}])
@given(SEEDS)
@settings(max_examples=150)
def test_unifiers_agree(bounds: dict[str, int], seed: int) -> None:
    made = Trees(seed)
    goal, other = made.goal(3), made.goal(3)
    pattern = made.pattern(goal)
    found = []
    for side in both(seed, **bounds):

        def attempt(side: Side = side) -> object:
            skeleton = side.terms.canonical(side.build(goal))[0]
            fact = side.build(other)
            return (
                outcome(lambda: side.application(side.unifier.apply(skeleton, pattern))),
                outcome(lambda: side.application(side.unifier.close(skeleton, fact))),
                side.unifier.unifies(skeleton, fact),
            )

        found.append(outcome(attempt))
    assert found[0] == found[1]


@pytest.mark.parametrize("bounds", [{}, {"max_size": 20, "max_goals": 5}])
@given(SEEDS)
@settings(max_examples=100)
def test_walks_agree(bounds: dict[str, int], seed: int) -> None:
    """Random walks, step by step: states with many goals, shared metavariables and pending conditions."""
    made = Trees(seed)
    sides = both(seed, **bounds)
    start = made.goal(2)
    states = []
    for side in sides:
        skeleton, metas = side.terms.canonical(side.build(start))
        states.append((((skeleton, metas),), (), len(metas)))
    for _ in range(12):
        focus = made.random.randrange(len(states[0][0]))
        pattern = made.pattern(sides[0].shown(states[0][0][focus][0]))
        shown, following = [], []
        for side, state in zip(sides, states, strict=True):
            goals, apart, num_metas = state

            def attempt(side: Side = side, state: Any = state) -> Any:
                application = side.unifier.apply(state[0][focus][0], pattern)  # noqa: B023 - called at once
                return application and side.combine(*state, focus, application)  # noqa: B023

            combined = outcome(attempt)
            if isinstance(combined, tuple):
                goals, apart, num_metas = combined
                assert list(apart) == sorted(set(apart))
                shown.append((side.goals(goals), side.pairs(apart), num_metas))
                following.append(combined)
            else:
                shown.append(combined)
        assert shown[0] == shown[1]
        if following:
            states = following


@given(SEEDS)
@settings(max_examples=100)
def test_features_agree(seed: int) -> None:
    """To the last bit: weights and rows are what a ranker's logits are made of."""
    made = Trees(seed)
    goals = [made.goal(5) for _ in range(3)]
    draw = random.Random(seed)
    rules, variables = ([draw.getrandbits(64) for _ in range(count)] for count in (6, 5))
    typecodes = [(draw.getrandbits(64), draw.getrandbits(64)) for _ in range(3)]
    bags = []
    for side in both(seed):
        found = TermFeatures(side.terms, rules, variables, typecodes, list(VARIABLES.values()), rows=1 << 6)
        ids = [side.build(goal) for goal in goals]
        bags.append([[*map(list, found.bag(term)), found.symbol(term)] for term in ids])
    assert bags[0] == bags[1]


@given(SEEDS)
@settings(max_examples=100)
def test_the_same_assertion_closes_first(seed: int) -> None:
    made = Trees(seed)
    goal = made.goal(2)
    patterns = [made.pattern(goal) for _ in range(12)]
    numbers = [number for number in range(12) if made.random.random() < 0.7]
    found = []
    for side in both(seed, max_size=20):
        try:
            skeleton = side.terms.canonical(side.build(goal))[0]
        except TermTooLargeError:
            return
        found.append(side.unifier.first_closing(skeleton, numbers, patterns.__getitem__))
    assert found[0] == found[1]


def a_term(seed: int) -> tuple[Any, int, list[int]]:
    """A random term in a compiled store, and its places in the index of conclusions."""
    _, side = both(seed, max_size=400)
    term = side.terms.canonical(side.build(Trees(seed).goal()))[0]
    return side.terms, term, side.terms.places(term, 6, 3)


@given(SEEDS, st.integers(0, 200), st.randoms(use_true_random=False))
def test_what_sets_have_in_common(seed: int, size: int, draw: random.Random) -> None:
    store, term, places = a_term(seed)

    def a_set() -> bytes:
        return bytes(draw.choice((255, 255, draw.randrange(256))) for _ in range(size))

    within, sets = a_set(), {place: a_set() for place in places}
    members = (all(of[bit // 8] >> bit % 8 & 1 for of in (within, *sets.values())) for bit in range(8 * size))
    expected = array("q", [bit for bit, common in enumerate(members) if common]).tobytes()
    known = {place: of for place, of in sets.items() if draw.random() < 0.5}
    missing = sets.keys() - known.keys()
    made = []

    def pack(place: int) -> None:
        made.append(place)
        known[place] = sets[place]

    for _ in range(2):
        assert native.matching(store, term, 6, 3, within, known, pack) == expected
    assert sorted(made) == sorted(missing), "each is made once"


def test_sets_of_other_sizes_are_refused() -> None:
    store, term, places = a_term(1)
    assert places
    with pytest.raises(ValueError, match="one size"):
        native.matching(store, term, 6, 3, b"12", dict.fromkeys(places, b"123"), print)
    with pytest.raises(ValueError, match="one size"):
        native.matching(store, term, 6, 3, b"12", {}, lambda place: None)
    with pytest.raises(TypeError, match="matching"):
        native.matching(store, term, 6, 3, b"12", None, print)
    with pytest.raises(IndexError):
        native.matching(store, 1 << 30, 6, 3, b"12", {}, print)


def test_walks_meet_everything() -> None:
    """Else the test above could pass on walks that never leave the first state."""
    met: set[str] = set()
    largest = conditions = 0
    for seed in range(300):
        made = Trees(seed)
        side = both(seed, max_goals=5, max_size=20)[1]
        skeleton, metas = side.terms.canonical(side.build(made.goal(2)))
        state: Any = (((skeleton, metas),), (), len(metas))
        for _ in range(12):
            focus = made.random.randrange(len(state[0]))
            pattern = made.pattern(side.shown(state[0][focus][0]))
            application = outcome(lambda: side.unifier.apply(state[0][focus][0], pattern))  # noqa: B023
            if not isinstance(application, native.Application):
                met.add(str(application)[:9])
                continue
            combined = outcome(lambda: side.combine(*state, focus, application))  # noqa: B023
            if isinstance(combined, tuple):
                state = combined
                largest, conditions = max(largest, len(state[0])), max(conditions, len(state[1]))
            else:
                met.add(str(combined)[:9])
    assert met == {"None", "too large", "violates ", "leads bac", "more than"}
    assert largest == 5
    assert conditions > 3


class Latest:
    """The latest moves that apply."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        answers = []
        for request in requests:
            assert request.moves is not None
            tactics = [tactic for tactic in reversed(request.moves.listed()[-200:]) if request.moves.admits(tactic)]
            answers.append([Candidate(tactic, -0.1 * (1 + rank)) for rank, tactic in enumerate(tactics[:n])])
        return answers

    def close(self) -> None:
        """Nothing to free."""


@pytest.mark.parametrize("name", ["vtoclgf", "syl3an9b", "eqtr3d"])
def test_searches_agree(prefix: MetamathEnvironment, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same states with the same texts by the same edges, in the same order."""
    theorem = prefix.theorem(name)
    config = SearchConfig(candidates=8, limit=LimitConfig(expansions=24), priority=PriorityConfig(goal_weight=1.0))
    graphs = []
    for plain in ("", "1"):
        monkeypatch.setenv("PROOFSEARCH_PLAIN_PYTHON", plain)
        session = prefix.open(theorem)
        assert isinstance(session.terms, terms.Terms if plain else native.Terms)
        graph = search(theorem, session, Latest(), config=config).graph
        edges = (graph.edge_tactic, graph.edge_message, list(graph.edge_target), bytes(graph.edge_outcome))
        graphs.append(([state.text for state in graph.state], edges))
    assert graphs[0] == graphs[1]
    assert len(graphs[0][0]) > 50


def test_a_missing_compiled_part_is_told_and_nothing_else_changes(
    tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.mm").write_text(small)
    config = MetamathConfig(database=tmp_path / "small.mm")
    told: list[str] = []

    def searched() -> Any:
        told.clear()
        environment = MetamathEnvironment(config, tmp_path / "cache", lambda message, done, total: told.append(message))
        return environment.open(environment.theorems()[0])

    assert isinstance(searched().terms, native.Terms)
    assert not [message for message in told if "compiled" in message]
    monkeypatch.delattr("proofsearch_metamath._native")
    monkeypatch.setitem(sys.modules, "proofsearch_metamath._native", None)  # as where it was not built
    assert isinstance(searched().terms, terms.Terms)
    assert [message for message in told if "C compiler" in message]
    monkeypatch.setenv("PROOFSEARCH_PLAIN_PYTHON", "1")
    searched()
    assert not [message for message in told if "C compiler" in message], "who asked for it knows it"


# -- what only the compiled one must guard against ------------------------------------------------------------------


def test_terms_that_are_not_there_are_refused() -> None:
    side = both(0)[1]
    count = len(side.terms)
    for attempt in (
        lambda: side.terms.app(0, (count, 0)),
        lambda: side.terms.app(0, (-1, 0)),
        lambda: side.terms.canonical(count),
        lambda: side.terms.substitute(count, {}),
        lambda: side.terms.ops[count],
        lambda: side.unifier.close(0, count),
        lambda: side.unifier.unifies(-1, 0),
    ):
        with pytest.raises(IndexError):
            attempt()
    with pytest.raises(KeyError):
        side.terms.meta_number(0)
    with pytest.raises(ValueError, match="number"):
        side.terms.meta(-1, 0)


def test_foreign_applications_are_refused() -> None:
    one, other = both(0)[1], both(1)[1]
    made = Trees(0)
    goal = made.goal()
    pattern = made.pattern()
    skeleton, metas = one.terms.canonical(one.build(goal))
    everything = native.Pattern((WFF,), 0, (), ())
    plain = unification.Pattern(0, "all", (WFF,), 0, (), (), compiled=everything)
    application = one.unifier.apply(skeleton, plain)
    assert other.terms.canonical(other.build(goal))[0] >= 0
    with pytest.raises(ValueError, match="not this state's"):
        other.combine(((skeleton, metas),), (), len(metas), 0, application)
    with pytest.raises(TypeError, match="no compiled form"):
        one.unifier.apply(skeleton, unification.Pattern(0, "ax", pattern.typecodes, pattern.conclusion, (), ()))


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (b"", TypeError),
        (b"123", TypeError),
        ("goals", TypeError),
        (key_of([(1000, ())], ()), ValueError),
        (key_of([(-1, ())], ()), ValueError),
        (key_of([(0, (0,))], ()), ValueError),
        (key_of([(0, ())], ((0, 1000),)), ValueError),
        (key_of([(0, ())] * 2, ())[:-4], ValueError),
    ],
)
def test_broken_keys_are_refused(key: Any, error: type[Exception]) -> None:
    side = both(0)[1]
    everything = native.Pattern((WFF,), 0, (), ())
    plain = unification.Pattern(0, "all", (WFF,), 0, (), (), compiled=everything)
    application = side.unifier.apply(0, plain)
    assert side.combiner.combine(key_of([(0, ())], ()), 0, 0, application) is None
    with pytest.raises(error):
        side.combiner.combine(key, 0, 0, application)


@pytest.mark.parametrize(
    "parts",
    [
        ((WFF,), 1, (), ()),
        ((WFF,), (0, 0, 7), (), ()),
        ((WFF,), (-3, 0), (), ()),
        ((WFF,), 0, (), ((0, 1),)),
        ((WFF,), (), (), ()),
        ((WFF,), "ph", (), ()),
    ],
)
def test_broken_patterns_are_refused(parts: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        native.Pattern(*parts)
