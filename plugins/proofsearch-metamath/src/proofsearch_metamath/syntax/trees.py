"""Syntax trees of Metamath expressions: parsing, rendering, and the trees of syntax theorems.

A :class:`Grammar` is made once for a database. Parsing is shift-reduce with the table of
:mod:`proofsearch_metamath.syntax.lalr`; what that can't decide goes to :mod:`proofsearch_metamath.syntax.forking`.

All rules of the database are used for every expression, wherever it stands; ``before`` refuses a tree that uses a
rule that stands later. Since an expression with two trees is refused too, what is left is the one tree that the
earlier rules give.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from proofsearch_metamath.database.model import Database, Symbols
from proofsearch_metamath.syntax.forking import Stuck, assemble, parse_forking
from proofsearch_metamath.syntax.grammar import (
    PROVABLE,
    AmbiguityError,
    GrammarError,
    ParseError,
    Rule,
    Tree,
    read_rules,
    variable_typecodes,
)
from proofsearch_metamath.syntax.lalr import ACCEPT, FORK, REDUCE, ParseTable, build_table

__all__ = ["AmbiguityError", "Grammar", "GrammarError", "ParseError", "Tree"]

_SHOWN = 8  # how many alternatives an error message lists


class Grammar:
    """The syntax of a database.

    Attributes:
        rules: the syntax axioms, in database order; a rule's number is its index.
        variables: the variables, in order of first appearance; the ``i``-th is ``-1 - i`` in a tree.
        typecodes: each variable's typecode, in the same order.
        arities: each rule's number of arguments.
        numbers: each rule's number by its label.
        provable_as: the typecode as which a ``|-`` expression is parsed; ``None`` if the database asserts nothing.
    """

    def __init__(self, rules: Sequence[Rule], variables: Mapping[str, str]) -> None:
        """Builds the parse table.

        Args:
            rules: the rules; the ``i``-th has number ``i``.
            variables: each variable's typecode.

        Raises:
            GrammarError: if an expression could have infinitely many trees.
        """
        self.rules = tuple(rules)
        self.variables = tuple(variables)
        self.typecodes = tuple(variables.values())
        self.arities = tuple(len(rule.arguments) for rule in self.rules)
        self.numbers = {rule.label: rule.number for rule in self.rules}
        self.provable_as: str | None = None
        self._positions = [rule.position for rule in self.rules]
        self._leaves = {variable: -1 - i for i, variable in enumerate(self.variables)}
        self._table: ParseTable = build_table(self.rules, variables)
        self._plans = tuple(
            None if r is None else (r.length, r.arity, r.kind, r.head, None if r.is_plain else r)
            for r in self._table.reductions
        )
        self._syntax_theorems: dict[str, Symbols] = {}

    @classmethod
    def from_database(cls, database: Database) -> Grammar:
        """Returns the grammar of a database.

        ``|-`` expressions are parsed as ``wff`` if that is a typecode of a rule, else as the one typecode as which
        all of them parse.

        Raises:
            GrammarError: if the database has no syntax axioms, if they make no grammar in which every expression has
                finitely many trees, or if no typecode or several fit its ``|-`` expressions.
        """
        grammar = cls(read_rules(database), variable_typecodes(database))
        grammar._syntax_theorems = {
            a.label: a.expression for a in database.assertions.values() if a.kind == "p" and a.typecode != PROVABLE
        }
        asserted = [a.expression[1:] for a in database.assertions.values() if a.typecode == PROVABLE]
        if asserted:
            grammar.provable_as = grammar._find_provable(asserted)
        return grammar

    def _find_provable(self, asserted: Sequence[Symbols]) -> str:
        made = dict.fromkeys(rule.typecode for rule in self.rules)
        if "wff" in made:
            return "wff"
        fitting = [t for t in made if all(self._reads(symbols, t) for symbols in asserted)]
        if len(fitting) != 1:
            raise GrammarError(
                f"found {len(fitting)} typecodes as which every {PROVABLE} expression parses "
                f"({', '.join(fitting) or 'none'}), among {', '.join(made)}; expected exactly one, or "
                "syntax axioms with typecode wff"
            )
        return fitting[0]

    def _reads(self, symbols: Symbols, typecode: str) -> bool:
        try:
            self.parse(symbols, typecode, check_ambiguity=False)
        except ParseError:
            return False
        return True

    def leaf(self, variable: str) -> int:
        """Returns the entry that stands for a variable in a tree.

        Raises:
            KeyError: if it is not a variable of the grammar.
        """
        return self._leaves[variable]

    def parse(
        self,
        symbols: Sequence[str],
        typecode: str,
        *,
        label: str = "",
        before: int | None = None,
        check_ambiguity: bool = True,
    ) -> Tree:
        """Returns the tree of an expression.

        Args:
            symbols: the expression without its typecode.
            typecode: what to parse it as; not ``|-`` (see :meth:`parse_expression`).
            label: named in errors.
            before: if given, only rules of axioms whose position is less may occur in the tree.
            check_ambiguity: whether to refuse an expression with several trees. Otherwise the first is returned, in an
                order that depends only on the grammar. It costs nothing.

        Raises:
            ParseError: if it does not parse, or needs a rule that stands later than ``before``.
            AmbiguityError: if it has several trees.
            GrammarError: if the grammar has no such typecode.
        """
        table = self._table
        start = table.starts.get(typecode)
        if start is None:
            raise GrammarError(
                f"{label + ': ' if label else ''}no rule or variable has typecode {typecode!r}; expected one of "
                f"{', '.join(table.starts)}"
            )
        tree = self._parse_fast(symbols, start)
        if tree is None:
            tree = self._parse_forking(symbols, typecode, label, check_ambiguity)
        if before is not None:
            self._check_position(tree, before, label)
        return tree

    def _parse_fast(self, symbols: Sequence[str], start: int) -> Tree | None:
        """Returns the tree, or ``None`` if there is none or the table leaves a choice."""
        table = self._table
        try:
            tree = self._shift_and_reduce([*map(table.lexicon.__getitem__, symbols), table.end], start)
        except KeyError:  # no action: the general parser says where and why
            return None
        if tree is None:
            return None
        found = table.head_kinds[tree[0]]  # a typecode's kind is also its start state
        return tree if found == start else table.coercions[found, start] + tree

    def _shift_and_reduce(self, tokens: Sequence[tuple[int, Tree]], start: int) -> Tree | None:
        """Returns the tree of what the table accepts, or ``None`` where it leaves a choice.

        Raises:
            KeyError: if the table has no action.
        """
        table = self._table
        rows = table.rows
        plans = self._plans
        row = rows[start]
        states = [start]
        trees: list[Tree] = []
        for token_kind, leaf in tokens:
            kind, tree = token_kind, leaf
            again = False  # whether the token itself is still to be taken
            while True:
                target, rule, prefix = row[kind]
                if target >= 0:
                    if tree:
                        trees.append(prefix + tree if prefix else tree)
                    states.append(target)
                    row = rows[target]
                    if not again:
                        break
                    kind, tree, again = token_kind, leaf, False
                    continue
                if target == FORK:
                    return None
                if target == ACCEPT:
                    break
                plan = plans[rule]
                assert plan is not None
                length, arity, made, head, special = plan
                if target == REDUCE:
                    again = True
                else:
                    length -= 1  # the last symbol is taken without a state of its own
                    if tree:
                        trees.append(prefix + tree if prefix else tree)
                if special is not None:
                    arguments = trees[-arity:]
                    del trees[-arity:]
                    tree = assemble(table, special, arguments)
                elif arity == 2:
                    last = trees.pop()
                    tree = head + trees.pop() + last
                elif arity == 1:
                    tree = head + trees.pop()
                else:
                    tree = head
                    if arity:
                        for argument in trees[-arity:]:
                            tree += argument
                        del trees[-arity:]
                if length:
                    del states[-length:]
                row = rows[states[-1]]
                kind = made
        return trees[0]

    def _parse_forking(self, symbols: Sequence[str], typecode: str, label: str, check_ambiguity: bool) -> Tree:
        result = parse_forking(self._table, symbols, typecode)
        shown = " ".join(symbols)
        if isinstance(result, Stuck):
            if result.too_many:
                raise GrammarError(
                    f"{label + ': ' if label else ''}gave up on {shown!r} at symbol {result.place + 1}: too many "
                    "readings; expected a grammar that leaves fewer choices"
                )
            count = len(symbols)
            found = "the end" if result.place == count else f"{symbols[result.place]!r} as symbol {result.place + 1}"
            more = ", …" if len(result.expected) > _SHOWN else ""
            raise ParseError(
                f"{shown!r} is no {typecode}: found {found} of {count} symbols; expected "
                f"{', '.join(result.expected[:_SHOWN])}{more}",
                label,
                result.place,
            )
        if result.rivals is not None and check_ambiguity:
            one, two = (" ".join(self.labels(tree)) for tree in result.rivals)
            part = " ".join(self.render(result.rivals[0]))
            raise AmbiguityError(
                f"{shown!r} is ambiguous: {part!r} is both {one!r} and {two!r}; expected one tree",
                label,
                rivals=result.rivals,
            )
        return result.tree

    def _check_position(self, tree: Tree, before: int, label: str) -> None:
        if max(tree) >= bisect_left(self._positions, before):
            late = self.rules[max(tree)].label
            raise ParseError(f"needs the syntax axiom {late}, which stands later; expected earlier ones only", label)

    def parse_expression(
        self, expression: Symbols, *, label: str = "", before: int | None = None, check_ambiguity: bool = True
    ) -> Tree:
        """Returns the tree of an expression that begins with its typecode, ``|-`` included.

        Args:
            expression: typecode and symbols.
            label: as for :meth:`parse`.
            before: likewise.
            check_ambiguity: likewise.

        Raises:
            ParseError, AmbiguityError, GrammarError: as for :meth:`parse`.
        """
        typecode = expression[0]
        if typecode == PROVABLE and self.provable_as is not None:
            typecode = self.provable_as
        return self.parse(expression[1:], typecode, label=label, before=before, check_ambiguity=check_ambiguity)

    def expand(self, label: str) -> Tree:
        """Returns the tree of a syntax axiom or syntax theorem, over its own variables.

        For set.mm's ``weq $p wff x = y`` that is ``wceq (cv x) (cv y)``. :meth:`substitute` puts a proof's arguments
        for the variables.

        Raises:
            KeyError: if ``label`` is neither.
            ParseError: if the theorem does not parse.
        """
        number = self.numbers.get(label)
        if number is not None:
            return (number, *(self._leaves[variable] for variable in self.rules[number].variables))
        return self.parse_expression(self._syntax_theorems[label], label=label)

    def substitute(self, tree: Tree, arguments: Mapping[int, Tree]) -> Tree:
        """Returns ``tree`` with variables replaced at once by trees; variables without an argument stay."""
        return tuple(entry for leaf in tree for entry in (arguments.get(leaf, (leaf,)) if leaf < 0 else (leaf,)))

    def labels(self, tree: Sequence[int]) -> list[str]:
        """Returns the tree with each rule's label and each variable's name, in preorder, for people to read."""
        return [self.rules[entry].label if entry >= 0 else self.variables[-1 - entry] for entry in tree]

    def render(self, tree: Sequence[int]) -> list[str]:
        """Returns the symbols of a tree, without typecode: the inverse of :meth:`parse`.

        Raises:
            ValueError: if ``tree`` is not one complete tree.
        """
        done: list[list[str]] = []
        for entry in reversed(tree):
            if entry < 0:
                done.append([self.variables[-1 - entry]])
                continue
            rule = self.rules[entry]
            arity = self.arities[entry]
            if len(done) < arity:
                raise ValueError(f"not a tree: {rule.label} has {len(done)} arguments; expected {arity}")
            arguments = [done.pop() for _ in range(arity)]
            symbols: list[str] = []
            for symbol, slot in zip(rule.body, rule.slots, strict=True):
                if slot < 0:
                    symbols.append(symbol)
                else:
                    symbols += arguments[slot]
            done.append(symbols)
        if len(done) != 1:
            raise ValueError(f"not a tree: found {len(done)} trees in a row; expected one")
        return done[0]
