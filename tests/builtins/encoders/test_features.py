"""Would catch: ids that change between releases, batches or platforms, and structure that the features miss."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.builtins.encoders.features import FEATURES_VERSION, FeatureExtractor, FeatureRows
from proofsearch.types import Goal, Tree

Nested = tuple  # (symbol, child, …)


def flat(nested: Nested) -> Tree:
    symbols, arities, stack = [], [], [nested]
    while stack:
        node = stack.pop()
        symbols.append(node[0])
        arities.append(len(node) - 1)
        stack.extend(reversed(node[1:]))
    return Tree(tuple(symbols), tuple(arities))


def leaf(*names: str) -> list[Nested]:
    return [(name,) for name in names]


def of_tree(nested: Nested) -> FeatureRows:
    return FeatureExtractor().extract([Goal("", flat(nested))])


def of_text(text: str) -> FeatureRows:
    return FeatureExtractor().extract([Goal(text)])


def total(rows: FeatureRows) -> int:
    return int(rows.counts.sum())


LEAVES = st.sampled_from(["a", "b", "?wff", "c0"]).map(lambda name: (name,))
TREES = st.recursive(
    LEAVES,
    lambda below: st.tuples(st.sampled_from(["f", "g", "wi"]), st.lists(below, min_size=1, max_size=4)).map(
        lambda node: (node[0], *node[1])
    ),
    max_leaves=30,
)
GOALS = st.one_of(TREES.map(lambda nested: Goal("t", flat(nested))), st.text(max_size=40).map(Goal))


@given(st.lists(GOALS, max_size=8))
def test_a_goal_has_the_same_features_alone_and_in_any_batch(goals: list[Goal]) -> None:
    extractor = FeatureExtractor()
    together = extractor.extract(goals)
    assert len(together) == len(goals)
    for row, goal in enumerate(goals):
        alone = FeatureExtractor().extract([goal])
        part = slice(together.offsets[row], together.offsets[row + 1])
        assert np.array_equal(together.ids[part], alone.ids)
        assert np.array_equal(together.counts[part], alone.counts)
        assert len(alone.ids) > 0
        assert (np.diff(alone.ids.astype(np.int64)) > 0).all()


def reference_counts(nested: Nested) -> int:
    """How many features a tree has, by another route: recursion over the nested form."""
    near: Counter[Nested] = Counter()

    def holds_placeholder(node: Nested) -> bool:
        return node[0].startswith("?") or any(map(holds_placeholder, node[1:]))

    def visit(node: Nested, depth: int) -> int:
        children = node[1:]
        found = 1 + (depth > 0) + (depth > 1) + (depth <= 3) + bool(children) + any(len(c) > 1 for c in children)
        if depth <= 3 and not holds_placeholder(node):
            near[node] += 1
        return found + sum(visit(child, depth + 1) for child in children)

    return visit(nested, 0) + sum(count - 1 for count in near.values())


@given(TREES)
def test_every_kind_of_feature_is_counted_once_where_it_occurs(nested: Nested) -> None:
    assert total(of_tree(nested)) == reference_counts(nested)


@given(TREES, TREES)
def test_different_trees_near_the_root_differ(one: Nested, other: Nested) -> None:
    def top(node: Nested, depth: int = 0) -> Nested:
        return (node[0], *(top(child, depth + 1) for child in node[1:] if depth < 3))

    same = np.array_equal(of_tree(one).ids, of_tree(other).ids)
    # Paths see symbols and positions down to depth 3.
    assert not same or top(one) == top(other)


def test_features_see_order_grouping_and_equality() -> None:
    a, b, c, d = leaf("a", "b", "c", "d")
    pairs = [
        (("f", a, b), ("f", b, a)),
        (("f", ("g", a, b), ("h", c, d)), ("f", ("g", a, c), ("h", b, d))),
        (("f", ("f", a, a), a), ("f", a, ("f", a, a))),
        (("f", ("g", a), a), ("f", ("g", a), b)),
    ]
    for one, other in pairs:
        assert not np.array_equal(of_tree(one).ids, of_tree(other).ids), (one, other)


def test_equal_subtrees_are_a_feature_but_equal_placeholders_are_not() -> None:
    assert total(of_tree(("f", *leaf("a", "a")))) == total(of_tree(("f", *leaf("a", "b")))) + 1
    assert total(of_tree(("f", *leaf("?c", "?c")))) == total(of_tree(("f", *leaf("a", "b"))))
    inside = ("f", ("g", *leaf("?c")), ("g", *leaf("?c")))
    assert total(of_tree(inside)) == total(of_tree(("f", ("g", *leaf("a")), ("g", *leaf("b")))))


@pytest.mark.parametrize(
    ("symbols", "arities"),
    [(("a",), (1,)), (("a", "b"), (0, 1)), (("a", "b"), (0, 0)), ((), ()), (("a", "b"), (1,)), (("a", "b"), (3, -2))],
)
def test_what_is_no_preorder_is_refused(symbols: tuple[str, ...], arities: tuple[int, ...]) -> None:
    good = Goal("", Tree(("f", "a"), (1, 0)))
    bad = Goal("", Tree(symbols, arities))
    for batch in ([bad], [good, bad], [bad, good], [bad, bad]):
        with pytest.raises(ValueError, match="not a tree in preorder"):
            FeatureExtractor().extract(batch)


def test_text_tells_sides_nesting_and_neighbours_apart() -> None:
    texts = ["a ⊢ b", "b ⊢ a", "(a) b", "a (b)", "a b c", "a c b", "", "?a b", "a.b", "a' b"]
    seen = {tuple(of_text(text).ids.tolist()) for text in texts}
    assert len(seen) == len(texts)


def test_trees_are_read_only_when_wanted() -> None:
    goal = Goal("a b", Tree(("f", "a"), (1, 0)))
    assert np.array_equal(FeatureExtractor(use_trees=False).extract([goal]).ids, of_text("a b").ids)
    assert np.array_equal(FeatureExtractor().extract([goal]).ids, of_tree(("f", *leaf("a"))).ids)


def test_ids_are_those_of_this_version() -> None:
    # Caches and checkpoints outlive releases. Where this fails, raise FEATURES_VERSION and write the new sums down.
    tree = of_tree(("wi", ("wcel", *leaf("x", "cA")), ("wi", *leaf("?wff", "ph"))))
    text = of_text("h : ∀ x ∈ S, foo.bar x = 2 * (x + 1) ⊢ f ?m.1 ≤ [y]")
    sums = [int((rows.ids.astype(np.uint64) * rows.counts.astype(np.uint64)).sum()) for rows in (tree, text)]
    assert (FEATURES_VERSION, *sums) == (1, 57196503586, 209477552505)
