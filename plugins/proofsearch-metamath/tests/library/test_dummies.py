"""Which variables dummies get: a way is found if and only if there is one, and it breaks no condition."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.database.model import Floating
from proofsearch_metamath.library.dummies import choose

Node = int | str
Problem = tuple[dict[int, str], set[str], set[tuple[Node, Node]], set[tuple[str, str]]]
FLOATS = {
    name: Floating(f"f{name}", typecode, name)
    for typecode, names in (("wff", ("ph", "ps", "ch")), ("setvar", ("x", "y", "z")))
    for name in names
}


def breaks(
    chosen: dict[int, str], own: set[str], apart: set[tuple[Node, Node]], disjoint: set[tuple[str, str]]
) -> bool:
    """Whether a condition is broken: both variables are the same, or the theorem's and not kept apart by it."""
    for pair in apart:
        one, other = sorted(chosen[node] if isinstance(node, int) else node for node in pair)
        if one == other or (one in own and other in own and (one, other) not in disjoint):
            return True
    return False


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    dummies = dict(enumerate(draw(st.lists(st.sampled_from(["wff", "setvar"]), min_size=1, max_size=4))))
    own = draw(st.sets(st.sampled_from(sorted(FLOATS)), min_size=2))
    nodes: list[Node] = [*dummies, *sorted(own)]
    pairs = st.tuples(st.sampled_from(list(dummies)), st.sampled_from(nodes)).filter(lambda pair: pair[0] != pair[1])
    apart = draw(st.sets(pairs, max_size=6))
    names = sorted(own)
    disjoint = draw(st.sets(st.sampled_from([(a, b) for a in names for b in names if a < b])))
    return dummies, own, apart, disjoint


@settings(max_examples=500, deadline=None)
@given(problems())
def test_against_all_there_are(problem: Problem) -> None:
    dummies, own, apart, disjoint = problem
    chosen = choose(dummies, FLOATS, own, apart, disjoint)
    named = [[name for name, floating in FLOATS.items() if floating.typecode == dummies[dummy]] for dummy in dummies]
    ways = [dict(zip(dummies, names, strict=True)) for names in product(*named)]
    possible = any(not breaks(way, own, apart, disjoint) for way in ways)
    assert isinstance(chosen, dict) == possible
    if isinstance(chosen, dict):
        assert {dummy: FLOATS[name].typecode for dummy, name in chosen.items()} == dummies
        assert not breaks(chosen, own, apart, disjoint)


def test_each_has_one_of_its_own_where_there_are_enough() -> None:
    """In the order of the dummies, and of the database."""
    assert choose({7: "wff", 5: "setvar", 6: "wff"}, FLOATS, {"ph"}, [(7, 6)], ()) == {7: "ps", 5: "x", 6: "ch"}
    assert choose({7: "wff"}, {"x": FLOATS["x"]}, (), (), ()) == "wff"


def test_very_many_dummies_are_soon_done() -> None:
    """A thousand that share one variable, or that can't because two of them must differ."""
    dummies = dict.fromkeys(range(1000), "setvar")
    floats = {"x": FLOATS["x"]}
    assert choose(dummies, floats, (), (), ()) == dict.fromkeys(range(1000), "x")
    assert choose(dummies, floats, (), [(3, 4)], ()) == "setvar"
