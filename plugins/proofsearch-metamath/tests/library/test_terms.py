"""Terms: one integer for equal terms, bounds, substitution, canonical numbering, hashes that all stores share."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_metamath.library.terms import Terms, TermTooLargeError

Node = tuple  # ("meta", number) or (op, child, ...)

METAS = st.integers(0, 3).map(lambda number: ("meta", number))
LEAVES = METAS | st.integers(5, 7).map(lambda op: (op,))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.just(0), inner) | st.tuples(st.sampled_from([1, 2]), inner, inner),
    max_leaves=12,
)


def build(terms: Terms, tree: Node) -> int:
    if tree[0] == "meta":
        return terms.meta(tree[1], 0)
    return terms.app(tree[0], tuple(build(terms, child) for child in tree[1:]))


def substituted(tree: Node, values: dict[int, Node]) -> Node:
    if tree[0] == "meta":
        return values.get(tree[1], tree)
    return (tree[0], *(substituted(child, values) for child in tree[1:]))


def metas_of(tree: Node) -> list[int]:
    if tree[0] == "meta":
        return [tree[1]]
    return [meta for child in tree[1:] for meta in metas_of(child)]


def count(tree: Node) -> int:
    return 1 if tree[0] == "meta" else 1 + sum(map(count, tree[1:]))


def height(tree: Node) -> int:
    return 1 if tree[0] == "meta" else 1 + max(map(height, tree[1:]), default=0)


@given(st.lists(TREES, min_size=2, max_size=6))
def test_equal_terms_are_one_integer(trees: list[Node]) -> None:
    terms = Terms()
    made = [build(terms, tree) for tree in trees]
    for tree, term in zip(trees, made, strict=True):
        assert terms.sizes[term] == count(tree)
        assert terms.depths[term] == height(tree)
        assert [terms.meta_number(meta) for meta in terms.metas[term]] == list(dict.fromkeys(metas_of(tree)))
        assert [tree == other for other in trees] == [term == other for other in made]


@given(TREES, st.dictionaries(st.integers(0, 3), TREES, max_size=4))
def test_substitution_is_simultaneous(tree: Node, values: dict[int, Node]) -> None:
    """A substitution that goes on into the values that it put in would loop or give another term."""
    terms = Terms()
    ids = {terms.meta(meta, 0): build(terms, value) for meta, value in values.items()}
    assert terms.substitute(build(terms, tree), ids) == build(terms, substituted(tree, values))


@given(TREES, st.permutations(range(4)), st.integers(0, 5))
def test_renamed_terms_have_one_skeleton(tree: Node, names: list[int], shift: int) -> None:
    terms = Terms()
    renamed = substituted(tree, {number: ("meta", name + shift) for number, name in enumerate(names)})
    skeleton, metas = terms.canonical(build(terms, tree))
    other, other_metas = terms.canonical(build(terms, renamed))
    assert skeleton == other
    assert [terms.meta_number(meta) for meta in terms.metas[skeleton]] == list(range(len(metas)))
    assert terms.canonical(skeleton) == (skeleton, terms.metas[skeleton])
    for meta, term in ((metas, tree), (other_metas, renamed)):
        values = dict(zip(terms.metas[skeleton], meta, strict=True))
        assert terms.substitute(skeleton, values) == build(terms, term)


@given(st.lists(TREES, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_hashes_are_those_of_every_other_store(trees: list[Node], draw: random.Random) -> None:
    """Ids depend on what a store met first; an order by hash must not."""
    one, other = Terms(), Terms()
    first = {tree: one.hashes[build(one, tree)] for tree in trees}
    draw.shuffle(trees)
    second = {tree: other.hashes[build(other, tree)] for tree in trees}
    assert first == second
    assert len(set(first.values())) == len(first)


def test_metavariables_of_different_typecodes_are_different() -> None:
    terms = Terms()
    wff, setvar = terms.meta(0, 0), terms.meta(0, 1)
    assert wff != setvar
    assert terms.hashes[wff] != terms.hashes[setvar]
    assert (terms.meta_typecode(wff), terms.meta_typecode(setvar)) == (0, 1)
    assert terms.canonical(terms.app(1, (setvar, wff)))[1] == (setvar, wff)


def test_leaves_are_variables_and_metavariables() -> None:
    terms = Terms()
    variable, constant, meta = terms.app(9), terms.app(8), terms.meta(0, 0)
    terms.mark_variable(variable)
    assert terms.leaves(constant) == frozenset()
    assert terms.leaves(terms.app(0, (terms.app(1, (variable, constant)), meta))) == {variable, meta}


def test_bounds() -> None:
    terms = Terms(max_size=7, max_depth=4)
    leaf = terms.app(5)
    pair = terms.app(1, (leaf, leaf))
    seven = terms.app(1, (pair, pair))
    assert terms.sizes[seven] == 7
    with pytest.raises(TermTooLargeError, match="9 nodes"):
        terms.app(1, (seven, leaf))
    four = terms.app(0, (terms.app(0, (terms.app(0, (leaf,)),)),))
    with pytest.raises(TermTooLargeError, match="5 deep"):
        terms.app(0, (four,))


def test_a_bound_holds_in_the_middle_of_a_substitution() -> None:
    terms = Terms(max_size=50)
    meta, leaf = terms.meta(0, 0), terms.app(5)
    pair = terms.app(1, (meta, meta))
    many = terms.app(1, (pair, pair))
    large = leaf
    for _ in range(20):
        large = terms.app(0, (large,))
    with pytest.raises(TermTooLargeError):
        terms.substitute(many, {meta: large})
