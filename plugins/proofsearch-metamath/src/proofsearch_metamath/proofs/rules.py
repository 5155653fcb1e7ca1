"""Assertions in the form in which the verifier's machine applies them.

Every symbol is one character, so that an expression is a ``str`` and two of them compare as memory does. An assertion
becomes ``%`` templates: the characters of its conclusion and premises with ``%s`` in place of variables, and a function
that picks the values for them from the stack. No symbol's character is ``%``, and values are never templates.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Final

from proofsearch_metamath.database.model import Assertion, Database, Symbols

Pick = Callable[[list[str]], object]
"""Picks from the arguments the values for a template's ``%s``, in order: a ``str`` for one, a tuple for several."""

Premise = tuple[int, str, Pick | None]
"""Its index among the arguments, its template, and the pick; ``None`` for a template without variables."""

Rule = tuple[int, list[str], tuple[Premise, ...], str, str, Pick | None, tuple[tuple[int, int], ...], str, int]
"""The negated number of arguments (0 for none), their typecodes, the ``$e`` premises, the conclusion's typecode, its
template and pick, the argument indices that a ``$d`` keeps apart, the label, and the position in the database."""

POSITION: Final = 8
_FIRST, _PERCENT, _SURROGATES, _END = 0x21, 0x25, range(0xD800, 0xE000), 0x110000


class Alphabet(dict[str, str]):
    """Each symbol to its character, chosen when the symbol is first met, and variables to bits.

    Attributes:
        symbols: the symbol of each character.
        bits: for each variable's character, an ``int`` with one bit set.
    """

    def __init__(self, variables: set[str]) -> None:
        super().__init__()
        self.symbols: dict[str, str] = {}
        self.bits: dict[str, int] = {}
        self._variables = variables
        self._next = _FIRST

    def __missing__(self, symbol: str) -> str:
        point = self._next
        while point == _PERCENT or point in _SURROGATES:
            point += 1
        if point >= _END:
            raise OverflowError("a database can't have more than 1,112,000 symbols here")
        self._next = point + 1
        character = chr(point)
        self[symbol] = character
        self.symbols[character] = symbol
        if symbol in self._variables:
            self.bits[character] = 1 << len(self.bits)
        return character

    def body(self, expression: Symbols) -> str:
        """An expression without its typecode, as characters."""
        return "".join([self[symbol] for symbol in expression[1:]])

    def text(self, typecode: str, body: str) -> str:
        """An expression as the database writes it, shortened to 200 characters for a message."""
        text = " ".join([typecode, *[self.symbols[character] for character in body[:200]]])
        return text if len(body) <= 200 and len(text) <= 200 else text[:200] + " ..."


class Rules:
    """The rules of a database's assertions, each made when it is first asked for."""

    def __init__(self, database: Database, alphabet: Alphabet) -> None:
        self._database = database
        self._alphabet = alphabet
        self._rules: dict[str, Rule] = {}
        self.get = self._rules.get

    def make(self, assertion: Assertion) -> Rule:
        """Makes the rule of an assertion; ``get(label)`` finds it from here on."""
        database = self._database
        arity = len(assertion.order)
        slots: dict[str, int] = {}
        typecodes: list[str] = []
        premises: list[tuple[int, Symbols]] = []
        for index, label in enumerate(assertion.order):
            floating = database.floats.get(label)
            if floating is not None:
                slots[floating.variable] = index
                typecodes.append(floating.typecode)
            else:
                expression = database.essentials[label].expression
                premises.append((index, expression))
                typecodes.append(expression[0])
        template, pick = self._template(assertion.expression, slots, arity)
        rule: Rule = (
            -arity,
            typecodes,
            tuple([(index, *self._template(expression, slots, arity)) for index, expression in premises]),
            assertion.expression[0],
            template,
            pick,
            tuple([(slots[first], slots[second]) for first, second in sorted(assertion.disjoint)]),
            assertion.label,
            assertion.position,
        )
        self._rules[assertion.label] = rule
        return rule

    def _template(self, expression: Symbols, slots: dict[str, int], arity: int) -> tuple[str, Pick | None]:
        alphabet = self._alphabet
        indices = [slots[symbol] for symbol in expression[1:] if symbol in slots]
        template = "".join(["%s" if symbol in slots else alphabet[symbol] for symbol in expression[1:]])
        if not indices:
            return template, None
        if indices == list(range(arity)):
            return template, tuple
        return template, itemgetter(*indices)
