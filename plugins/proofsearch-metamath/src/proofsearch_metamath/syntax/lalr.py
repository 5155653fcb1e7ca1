"""A LALR(1) parse table for the syntax of a database.

Two things keep set.mm's table small and almost without conflicts.

* *Coercions* (``cv $a class x``) are no productions: where a class may stand, a setvar may. Otherwise
  ``{ <. x , y >. | ph }`` and ``{ <. x , y >. , A }`` would have to be told apart at the ``x``. Where both are still
  open, the coercion is put in when a rule is reduced (:attr:`Reduction.checks`).
* An axiom that consists of one symbol which occurs nowhere else (``CC`` in ``cc $a class CC``) is a leaf, like a
  variable. In set.mm that leaves 189 of 1,286 rules to the automaton.

A state in which nothing but one reduction is possible has no use: whatever leads there reduces at once. A cell in
which several actions are possible is kept (:attr:`ParseTable.forks`). If there is none, the grammar is proved
unambiguous.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofsearch_metamath.syntax.automaton import START, Automaton, Production
from proofsearch_metamath.syntax.grammar import Rule, Tree, check_finite, find_coercions, nullable_typecodes

SHIFT_REDUCE = -1
REDUCE = -2
ACCEPT = -3
FORK = -4

Action = tuple[int, int, Tree]
"""What to do in a state at a symbol: ``(target, rule, prefix)``.

``target`` is the state to go to (0 and up; ``rule`` is -1), or :data:`SHIFT_REDUCE`: take the symbol and reduce by
``rule``, or :data:`REDUCE`: reduce by ``rule`` and look at the symbol again, or :data:`ACCEPT`, or :data:`FORK`: see
:attr:`ParseTable.forks`. ``prefix`` is the chain of coercions to put before the symbol's tree.
"""


@dataclass(frozen=True, slots=True)
class Reduction:
    """How to reduce by a rule.

    Attributes:
        length: number of symbols of the rule's body.
        arity: number of its arguments.
        kind: the kind of its typecode.
        head: the rule's number, as the beginning of a tree.
        order: for each argument, in the rule's order, its place from the left.
        checks: ``(place from the left, kind wanted)`` of arguments of which some may still lack their coercion.
    """

    length: int
    arity: int
    kind: int
    head: Tree
    order: tuple[int, ...]
    checks: tuple[tuple[int, int], ...]

    @property
    def is_plain(self) -> bool:
        """Whether the arguments go into the tree as they stand, from left to right."""
        return not self.checks and self.order == tuple(range(self.arity))


@dataclass(frozen=True, slots=True)
class ParseTable:
    """A parse table. *Kinds* are small integers for what a symbol can be.

    Attributes:
        names: each kind's name: first the typecodes (a variable, a leaf or a reduced expression), then the constants,
            then the end of the expression.
        lexicon: each symbol's kind and, for a leaf, its tree (``()`` for a constant of a rule).
        rows: each state's actions by kind.
        forks: the actions of a state and kind that has several, in the order in which they are tried.
        starts: the first state, by typecode of what is to be parsed; it is also the typecode's kind.
        reductions: by rule number; ``None`` for leaves and coercions, which are never reduced.
        coercions: the coercion chain by the kinds found and wanted.
        head_kinds: the kind of a tree by its first entry (a negative entry indexes from the end).
        end: the kind of the end of the expression, and its (empty) tree.
    """

    names: tuple[str, ...]
    lexicon: dict[str, tuple[int, Tree]]
    rows: tuple[dict[int, Action], ...]
    forks: dict[tuple[int, int], tuple[Action, ...]]
    starts: dict[str, int]
    reductions: tuple[Reduction | None, ...]
    coercions: dict[tuple[int, int], Tree]
    head_kinds: tuple[int, ...]
    end: tuple[int, Tree]


def build_table(rules: Sequence[Rule], variables: Mapping[str, str]) -> ParseTable:
    """Builds the parse table.

    Args:
        rules: the rules; the ``i``-th has number ``i``.
        variables: each variable's typecode, in the order of the variables' numbers.

    Raises:
        GrammarError: if an expression could have infinitely many trees (see
            :func:`~proofsearch_metamath.syntax.grammar.check_finite`), or two coercions do the same.
    """
    check_finite(rules)
    used = [t for rule in rules for t in (rule.typecode, *rule.arguments)]
    starts = {typecode: kind for kind, typecode in enumerate(dict.fromkeys([*used, *variables.values()]))}
    chains = find_coercions(rules, starts)
    coercions = {(starts[found], starts[wanted]): chain for (found, wanted), chain in chains.items()}
    names = list(starts)
    lexicon: dict[str, tuple[int, Tree]] = {
        variable: (starts[t], (-1 - i,)) for i, (variable, t) in enumerate(variables.items())
    }
    productions = _read_symbols(rules, starts, names, lexicon)
    end = len(names)
    productions += [Production(START, START, (kind, end)) for kind in starts.values()]
    automaton = Automaton(
        productions,
        sources=[
            tuple(found for found in starts.values() if (found, wanted) in coercions) for wanted in starts.values()
        ],
        nullable={starts[t] for t in nullable_typecodes(rules)},
    )
    prefixes, checks = _place_coercions(automaton, coercions)
    rows, forks = _fill_rows(automaton, prefixes, end)
    return ParseTable(
        names=(*names, "the end"),
        lexicon=lexicon,
        rows=rows,
        forks=forks,
        starts=starts,
        reductions=tuple(
            None if rule.is_coercion else _reduction(rule, starts[rule.typecode], checks.get(rule.number, {}))
            for rule in rules
        ),
        coercions=coercions,
        head_kinds=(*(starts[r.typecode] for r in rules), *(starts[t] for t in reversed(tuple(variables.values())))),
        end=(end, ()),
    )


def _read_symbols(
    rules: Sequence[Rule], starts: Mapping[str, int], names: list[str], lexicon: dict[str, tuple[int, Tree]]
) -> list[Production]:
    """Adds the constants to ``names`` and ``lexicon`` and returns the rules that are productions."""
    uses: dict[str, int] = {}
    for rule in rules:
        for symbol, slot in zip(rule.body, rule.slots, strict=True):
            if slot < 0:
                uses[symbol] = uses.get(symbol, 0) + 1
    productions: list[Production] = []
    for rule in rules:
        if rule.slots == (-1,) and uses[rule.body[0]] == 1:
            lexicon[rule.body[0]] = (starts[rule.typecode], (rule.number,))
        elif not rule.is_coercion:
            body: list[int] = []
            for symbol, slot in zip(rule.body, rule.slots, strict=True):
                if slot < 0 and symbol not in lexicon:
                    lexicon[symbol] = (len(names), ())
                    names.append(symbol)
                body.append(lexicon[symbol][0] if slot < 0 else starts[rule.arguments[slot]])
            productions.append(Production(rule.number, starts[rule.typecode], tuple(body)))
    return productions


def _place_coercions(
    automaton: Automaton, coercions: Mapping[tuple[int, int], Tree]
) -> tuple[dict[tuple[int, int], Tree], dict[int, dict[int, int]]]:
    """Says which coercion a tree needs in a state, or that it is known only when a rule is reduced.

    Returns:
        The coercion chain by state and kind, and the checks: by rule and place in its body the kind that is wanted.
    """
    prefixes: dict[tuple[int, int], Tree] = {}
    checks: dict[int, dict[int, int]] = {}
    for (state, found), moved in automaton.moved.items():
        items = [automaton.items[item - 1] for item in moved]
        wanted = {item.next for item in items}
        if len(wanted) == 1:
            prefixes[state, found] = coercions[found, wanted.pop()]
            continue
        for item in items:
            if item.next != found:
                checks.setdefault(item.production.rule, {})[item.dot] = item.next
    return prefixes, checks


def _fill_rows(
    automaton: Automaton, prefixes: Mapping[tuple[int, int], Tree], end: int
) -> tuple[tuple[dict[int, Action], ...], dict[tuple[int, int], tuple[Action, ...]]]:
    """Returns the rows and the forks of the table."""
    immediate: dict[int, int] = {}
    complete: list[tuple[int, int]] = []
    for state, items in enumerate(automaton.completed):
        reducing = [item for item in items if automaton.items[item].production.rule != START]
        if len(reducing) == len(automaton.kernels[state]) == 1 and not automaton.moves[state]:
            immediate[state] = automaton.items[reducing[0]].production.rule
        else:
            complete += [(state, item) for item in reducing]
    cells: list[dict[int, list[Action]]] = [{} for _ in automaton.moves]
    for state, moves in enumerate(automaton.moves):
        for kind, target in moves.items():
            prefix = prefixes.get((state, kind), ())
            if kind == end:
                cells[state][kind] = [(ACCEPT, -1, ())]
            elif target in immediate:
                cells[state][kind] = [(SHIFT_REDUCE, immediate[target], prefix)]
            else:
                cells[state][kind] = [(target, -1, prefix)]
    for (state, item), kinds in automaton.lookaheads(complete).items():
        for kind in sorted(kinds):
            cells[state].setdefault(kind, []).append((REDUCE, automaton.items[item].production.rule, ()))
    forks = {(s, kind): tuple(a) for s, row in enumerate(cells) for kind, a in row.items() if len(a) > 1}
    rows = tuple({kind: a[0] if len(a) == 1 else (FORK, -1, ()) for kind, a in row.items()} for row in cells)
    return rows, forks


def _reduction(rule: Rule, kind: int, checks: Mapping[int, int]) -> Reduction:
    places = [place for place, slot in enumerate(rule.slots) if slot >= 0]
    return Reduction(
        length=len(rule.body),
        arity=len(places),
        kind=kind,
        head=(rule.number,),
        order=tuple(places.index(rule.slots.index(argument)) for argument in range(len(places))),
        checks=tuple(sorted((places.index(place), wanted) for place, wanted in checks.items())),
    )
