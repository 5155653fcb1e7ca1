"""The general parser: follows every reading of an expression at once, and says where none goes on.

It reads any grammar that :func:`proofsearch_metamath.syntax.lalr.build_table` accepts, by forking wherever the table
has several actions (a simple form of Tomita's *Efficient Parsing for Natural Language*, 1986). The fast loop in
:mod:`proofsearch_metamath.syntax.trees` falls back on it for what it can't decide, and for what doesn't parse at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofsearch_metamath.syntax.grammar import Tree
from proofsearch_metamath.syntax.lalr import ACCEPT, FORK, REDUCE, SHIFT_REDUCE, Action, ParseTable, Reduction

MAX_READINGS = 10_000
"""How many readings of one expression are followed at once."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree, and two different trees of one part of the expression if there is more than one reading."""

    tree: Tree
    rivals: tuple[Tree, Tree] | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """Where no reading goes on.

    Attributes:
        place: index of the symbol that doesn't fit; the number of symbols if the expression ends too early.
        expected: names of what would fit there, typecodes first.
        too_many: whether it was given up for having more than :data:`MAX_READINGS` readings.
    """

    place: int
    expected: tuple[str, ...]
    too_many: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    states: tuple[int, ...]
    trees: tuple[Tree, ...]
    rivals: tuple[Tree, Tree] | None


def assemble(table: ParseTable, reduction: Reduction, arguments: Sequence[Tree]) -> Tree:
    """Returns the tree of a rule, from its arguments' trees from left to right."""
    if reduction.checks:
        arguments = list(arguments)
        for place, wanted in reduction.checks:
            found = table.head_kinds[arguments[place][0]]
            if found != wanted:
                arguments[place] = table.coercions[found, wanted] + arguments[place]
    tree = reduction.head
    for place in reduction.order:
        tree += arguments[place]
    return tree


def parse_forking(table: ParseTable, symbols: Sequence[str], typecode: str) -> Parsed | Stuck:
    """Parses ``symbols`` as a ``typecode``.

    Where there are several trees, the first in the table's order of actions is returned with its rivals; which one
    that is depends on nothing but the grammar.
    """
    wanted = table.starts[typecode]
    readings = [_Reading((wanted,), (), None)]
    for place in range(len(symbols) + 1):
        if place < len(symbols) and symbols[place] not in table.lexicon:
            return Stuck(place, _expected(table, readings))
        kind, leaf = table.lexicon[symbols[place]] if place < len(symbols) else table.end
        shifted: dict[tuple[int, ...], _Reading] = {}
        todo = list(reversed(readings))
        while todo:
            if len(todo) + len(shifted) > MAX_READINGS:
                return Stuck(place, (), too_many=True)
            reading = todo.pop()
            following: list[_Reading] = []
            for action in _actions(table, reading.states[-1], kind):
                if action[0] == REDUCE:
                    following.append(_reduce(table, reading, action[1], missing=0))
                    continue
                after = _accept(table, reading, wanted) if action[0] == ACCEPT else _push(table, reading, action, leaf)
                known = shifted.get(after.states)
                # Equal states go on in the same way for ever, so that one reading can stand for both.
                shifted[after.states] = after if known is None else _merge(known, after)
            todo += reversed(following)
        if not shifted:
            return Stuck(place, _expected(table, readings))
        readings = list(shifted.values())
    (reading,) = readings  # those that accept are one
    return Parsed(reading.trees[0], reading.rivals)


def _actions(table: ParseTable, state: int, kind: int) -> tuple[Action, ...]:
    action = table.rows[state].get(kind)
    if action is None:
        return ()
    return table.forks[state, kind] if action[0] == FORK else (action,)


def _accept(table: ParseTable, reading: _Reading, wanted: int) -> _Reading:
    tree = reading.trees[0]
    return _Reading((), (table.coercions[table.head_kinds[tree[0]], wanted] + tree,), reading.rivals)


def _push(table: ParseTable, reading: _Reading, action: Action, tree: Tree) -> _Reading:
    """Takes a symbol, or a reduced expression, and makes the reductions that follow at once."""
    target, rule, prefix = action
    trees = (*reading.trees, prefix + tree) if tree else reading.trees
    if target == SHIFT_REDUCE:  # the symbol has no state of its own on the stack
        return _reduce(table, _Reading(reading.states, trees, reading.rivals), rule, missing=1)
    return _Reading((*reading.states, target), trees, reading.rivals)


def _reduce(table: ParseTable, reading: _Reading, rule: int, missing: int) -> _Reading:
    """Reduces by a rule, of whose states ``missing`` are not on the stack, and by what follows at once."""
    states, trees = reading.states, reading.trees
    while True:
        reduction = table.reductions[rule]
        assert reduction is not None  # coercions are never reduced
        states = states[: len(states) - reduction.length + missing]
        kept = len(trees) - reduction.arity
        tree = assemble(table, reduction, trees[kept:])
        # A reduced expression can be taken in exactly one way, which stands first among the actions.
        target, rule, prefix = _actions(table, states[-1], reduction.kind)[0]
        trees = (*trees[:kept], prefix + tree)
        if target != SHIFT_REDUCE:
            return _Reading((*states, target), trees, reading.rivals)
        missing = 1


def _merge(known: _Reading, other: _Reading) -> _Reading:
    differing = [pair for pair in zip(known.trees, other.trees, strict=True) if pair[0] != pair[1]]
    return _Reading(known.states, known.trees, known.rivals or other.rivals or differing[0])


def _expected(table: ParseTable, readings: Sequence[_Reading]) -> tuple[str, ...]:
    kinds = sorted({kind for reading in readings for kind in table.rows[reading.states[-1]]})
    return tuple(table.names[kind] for kind in kinds)
