"""The syntax of a Metamath database as a context-free grammar, read from its axioms.

Every ``$a`` whose typecode is not ``|-`` is a rule: its typecode derives its symbols, and each variable in it
stands for anything of that variable's typecode (Megill and Wheeler, *Metamath*, 2019, section 4.2.5). This
module reads the rules and refuses grammars in which an expression could have infinitely many trees;
:mod:`proofsearch_metamath.syntax.lalr` makes a parse table of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.errors import MetamathError

PROVABLE = "|-"
"""The typecode of what can be proved; its axioms are no syntax."""

Tree = tuple[int, ...]
"""A syntax tree, flat and in preorder.

Each entry is a rule's number (0 and up), followed by the trees of its arguments in the order of the rule's
mandatory ``$f`` hypotheses, or a variable: ``-1 - i`` for the ``i``-th variable of the grammar.
"""


class GrammarError(MetamathError):
    """The axioms of a database don't make a grammar that expressions can be parsed with."""


class ParseError(MetamathError):
    """An expression that does not parse.

    Attributes:
        label: the statement's label, ``""`` where the caller gave none.
        place: index of the symbol at which no rule goes on, the typecode not counted; the number of symbols if the
            expression ends too early.
        rivals: for an ambiguous expression two different trees of one part of it.
    """

    def __init__(self, message: str, label: str = "", place: int = 0, rivals: tuple[Tree, Tree] | None = None) -> None:
        super().__init__(f"{label}: {message}" if label else message, kind="syntax")
        # The arguments of BaseException are what a pickled copy is rebuilt from, when a worker process raises.
        self.args = (message, label, place, rivals)
        self.label = label
        self.place = place
        self.rivals = rivals


class AmbiguityError(ParseError):
    """An expression that has two different trees, its ``rivals``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A syntax axiom.

    Attributes:
        number: its place among the rules, in database order, from 0.
        label: the axiom's label.
        position: the axiom's :attr:`~proofsearch_metamath.database.model.Assertion.position`.
        typecode: what it makes, for example ``"wff"``.
        body: its symbols without the typecode.
        slots: for each symbol of the body the argument that stands there, or -1 for a constant.
        arguments: the arguments' typecodes, in the order in which a proof pushes them.
        variables: the arguments' names in the axiom, in the same order.
    """

    number: int
    label: str
    position: int
    typecode: str
    body: tuple[str, ...]
    slots: tuple[int, ...]
    arguments: tuple[str, ...]
    variables: tuple[str, ...]

    @property
    def is_coercion(self) -> bool:
        """Whether it only turns one typecode into another, like set.mm's ``cv $a class x``."""
        return self.slots == (0,)

    @property
    def expected(self) -> tuple[str, ...]:
        """The body with each variable replaced by its typecode."""
        return tuple(s if slot < 0 else self.arguments[slot] for s, slot in zip(self.body, self.slots, strict=True))


def variable_typecodes(database: Database) -> dict[str, str]:
    """Returns each typed variable's typecode, in order of first appearance.

    Raises:
        GrammarError: if a variable has two typecodes, in different scopes.
    """
    typecodes: dict[str, str] = {}
    for floating in database.floats.values():
        known = typecodes.setdefault(floating.variable, floating.typecode)
        if known != floating.typecode:
            raise GrammarError(
                f"{floating.label}: variable {floating.variable!r} has typecode {floating.typecode!r} here and "
                f"{known!r} before; expected one typecode for the whole database; rename one of the two variables"
            )
    return typecodes


def read_rules(database: Database) -> tuple[Rule, ...]:
    """Returns the syntax axioms as rules, in database order.

    Raises:
        GrammarError: if there are none, or one is not a context-free rule: it has ``$e`` hypotheses, or uses a
            variable twice.
    """
    rules: list[Rule] = []
    for axiom in database.assertions.values():
        if axiom.kind == "a" and axiom.typecode != PROVABLE:
            rules.append(_read_rule(axiom, len(rules)))
    if not rules:
        raise GrammarError(
            f"the database has no syntax: found no $a with a typecode other than {PROVABLE!r}; expected axioms that "
            "say what is well-formed, such as `wi $a wff ( ph -> ps ) $.`"
        )
    return tuple(rules)


def _read_rule(axiom: Assertion, number: int) -> Rule:
    body = axiom.expression[1:]
    what = f"{axiom.label} $a {' '.join(axiom.expression)} $."
    if axiom.essentials:
        raise GrammarError(
            f"{what} has the $e hypothesis {axiom.essentials[0].label}; expected syntax axioms without $e "
            "hypotheses, since what is well-formed would depend on what is proved"
        )
    names = tuple(floating.variable for floating in axiom.floats)
    for floating in axiom.floats:
        if floating.typecode == PROVABLE:
            raise GrammarError(
                f"{what} takes a variable of typecode {PROVABLE!r}; expected variables of syntactic typecodes"
            )
        if body.count(floating.variable) > 1:
            raise GrammarError(
                f"{what} uses {floating.variable!r} {body.count(floating.variable)} times; expected each variable of a "
                "syntax axiom once, since equal sub-expressions can't be asked for by a context-free grammar"
            )
    return Rule(
        number=number,
        label=axiom.label,
        position=axiom.position,
        typecode=axiom.typecode,
        body=body,
        slots=tuple(names.index(symbol) if symbol in names else -1 for symbol in body),
        arguments=tuple(floating.typecode for floating in axiom.floats),
        variables=names,
    )


def nullable_typecodes(rules: Iterable[Rule]) -> frozenset[str]:
    """Returns the typecodes of which the empty expression is one."""
    rules = tuple(rules)
    nullable: set[str] = set()
    grown = True
    while grown:
        grown = False
        for rule in rules:
            if rule.typecode not in nullable and _vanishes(rule, range(len(rule.body)), nullable):
                nullable.add(rule.typecode)
                grown = True
    return frozenset(nullable)


def _vanishes(rule: Rule, places: Iterable[int], nullable: Iterable[str]) -> bool:
    return all(rule.slots[i] >= 0 and rule.arguments[rule.slots[i]] in nullable for i in places)


def check_finite(rules: Iterable[Rule]) -> None:
    """Checks that no expression has infinitely many trees and that none can be built from nothing at its left.

    A typecode that derives itself, directly or beside empty expressions, gives infinitely many trees. One that
    begins with itself after an empty expression (*hidden left recursion*) makes a shift-reduce parser guess how
    many empty expressions there are.

    Raises:
        GrammarError: if there is such a typecode; the message names a rule that takes part.
    """
    rules = tuple(rules)
    nullable = nullable_typecodes(rules)
    first: dict[str, set[str]] = {}
    whole: dict[str, set[str]] = {}
    suspects: list[tuple[Rule, str, bool]] = []
    for rule in rules:
        for i, slot in enumerate(rule.slots):
            if not _vanishes(rule, range(i), nullable):
                break
            if slot < 0:
                continue
            first.setdefault(rule.typecode, set()).add(rule.arguments[slot])
            if i > 0:
                suspects.append((rule, rule.arguments[slot], False))
            if _vanishes(rule, range(i + 1, len(rule.body)), nullable):
                whole.setdefault(rule.typecode, set()).add(rule.arguments[slot])
                suspects.append((rule, rule.arguments[slot], True))
    for rule, begins, is_whole in suspects:
        if rule.typecode in _reachable(begins, whole if is_whole else first):
            raise GrammarError(
                f"{rule.label} $a {rule.typecode} {' '.join(rule.body)} $. lets a {rule.typecode} consist of, or begin "
                f"with, a {rule.typecode} beside expressions that may be empty, so that an expression has infinitely "
                "many trees or none that can be found by reading on; expected a grammar in which every expression has "
                "one tree; give the empty expression a symbol of its own"
            )


def _reachable(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen = {start}
    todo = [start]
    while todo:
        for node in edges.get(todo.pop(), ()):
            if node not in seen:
                seen.add(node)
                todo.append(node)
    return seen


def find_coercions(rules: Iterable[Rule], typecodes: Iterable[str]) -> dict[tuple[str, str], Tree]:
    """Returns, for each ``(found, wanted)`` pair of typecodes, the rules that turn the one into the other.

    Args:
        rules: the rules; they must have passed :func:`check_finite`, which excludes cycles of coercions.
        typecodes: all typecodes.

    Returns:
        Rule numbers, the outermost first, as they stand before the tree that is coerced; ``()`` for equal
        typecodes. A pair that no coercions connect is absent.

    Raises:
        GrammarError: if two different chains of rules turn one typecode into another.
    """
    rules = tuple(rules)
    chains: dict[tuple[str, str], Tree] = {}
    todo: list[tuple[str, str, Tree]] = [(typecode, typecode, ()) for typecode in typecodes]
    while todo:
        found, wanted, chain = todo.pop()
        if (found, wanted) in chains:
            both = [" ".join(rules[n].label for n in c) for c in (chains[found, wanted], chain)]
            raise GrammarError(
                f"a {found} becomes a {wanted} both by {both[0]} and by {both[1]}; expected one way, since every "
                "expression with it would have two trees"
            )
        chains[found, wanted] = chain
        todo += [
            (found, rule.typecode, (rule.number, *chain))
            for rule in rules
            if rule.is_coercion and rule.arguments[0] == wanted
        ]
    return chains
