"""The stack machine that runs a proof (Metamath book, 4.3), over numbered steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proofsearch_metamath.database.model import Pair
from proofsearch_metamath.proofs.compressed import TAG
from proofsearch_metamath.proofs.faults import UnplacedError
from proofsearch_metamath.proofs.rules import Alphabet, Rule

LONGEST_EXPRESSION = 5_000_000
"""Symbols. A proof of a few hundred letters can describe expressions that fit in no memory."""


class VariableBits(dict[str, int]):
    """The bits of the variables of each expression body, worked out when they are first asked for."""

    def __init__(self, bits: dict[str, int]) -> None:
        super().__init__()
        self._bits = bits

    def __missing__(self, body: str) -> int:
        result = 0
        for character in self._bits.keys() & set(body):
            result |= self._bits[character]
        self[body] = result
        return result


class ForbiddenBits(dict[str, int]):
    """For each expression body the bits of the variables that are not kept apart from every variable in it.

    A variable is not kept apart from itself. So the ``$d`` condition between the values ``x`` and ``y`` holds if and
    only if ``forbidden[x] & variables[y] == 0``; as ``$d`` pairs are symmetric, it need not be asked the other way.
    """

    def __init__(self, pairs: Iterable[Pair], alphabet: Alphabet) -> None:
        super().__init__()
        self._bits = alphabet.bits
        self._apart: dict[str, int] = {}
        apart = self._apart
        for first, second in pairs:
            one, other = alphabet[first], alphabet[second]
            apart[one] = apart.get(one, 0) | self._bits[other]
            apart[other] = apart.get(other, 0) | self._bits[one]

    def __missing__(self, body: str) -> int:
        result = 0
        for character in self._bits.keys() & set(body):
            result |= ~self._apart.get(character, 0)
        self[body] = result
        return result


class Machine:
    """Runs one proof.

    What a step's number stands for is in three parallel lists: a rule to apply, or, where that is ``None``, the body
    and typecode of an expression to push. A tag adds an entry to them.

    Attributes:
        rules, bodies, typecodes: the three lists.
        stack, stack_typecodes: the expressions on the stack, the top last.
    """

    def __init__(self, alphabet: Alphabet) -> None:
        self.rules: list[Rule | None] = []
        self.bodies: list[str] = []
        self.typecodes: list[str] = []
        self.stack: list[str] = []
        self.stack_typecodes: list[str] = []
        self._alphabet = alphabet

    def add(self, rule: Rule | None, body: str, typecode: str) -> None:
        """Gives the next number a meaning."""
        self.rules.append(rule)
        self.bodies.append(body)
        self.typecodes.append(typecode)

    def run(self, codes: Iterable[int], apart: Callable[[], tuple[ForbiddenBits, VariableBits]]) -> None:
        """Runs the steps.

        Args:
            codes: the steps' numbers, with ``TAG``; the first is no tag.
            apart: gives the ``$d`` conditions in force; called if a step needs them.

        Raises:
            UnplacedError: (without a place) at the step that was taken last from ``codes``.
        """
        rules, bodies, typecodes = self.rules, self.bodies, self.typecodes
        stack, stack_typecodes = self.stack, self.stack_typecodes
        tag, longest = TAG, LONGEST_EXPRESSION
        for code in codes:
            if code == tag:
                self.add(None, stack[-1], stack_typecodes[-1])
                continue
            try:
                rule = rules[code]
            except IndexError:
                message = f"found the step number {code + 1}, but only {len(rules)} are in use here; correct it"
                raise UnplacedError("number", message) from None
            if rule is None:
                stack.append(bodies[code])
                stack_typecodes.append(typecodes[code])
                continue
            low, wanted, premises, typecode, template, pick, pairs, _, _ = rule
            if stack_typecodes[low:] != wanted:
                raise self._typecode_fault(rule)
            arguments = stack[low:]
            for index, premise, pick_premise in premises:
                if arguments[index] != (premise if pick_premise is None else premise % pick_premise(arguments)):
                    raise self._premise_fault(rule, index, premise, pick_premise)
            if pairs:
                forbidden, variables = apart()
                for first, second in pairs:
                    if forbidden[arguments[first]] & variables[arguments[second]]:
                        raise self._apart_fault(rule, first, second, forbidden, variables)
            body = template if pick is None else template % pick(arguments)
            if len(body) > longest:
                raise UnplacedError(
                    "too-long", f"a step gives an expression of more than {longest} symbols; split the proof"
                )
            del stack[low:], stack_typecodes[low:]
            stack.append(body)
            stack_typecodes.append(typecode)

    def _typecode_fault(self, rule: Rule) -> UnplacedError:
        low, wanted, label = rule[0], rule[1], rule[7]
        found = self.stack_typecodes[low:]
        if len(found) < -low:
            message = f"{label!r} takes {-low} hypotheses from the stack, found {len(found)}; prove them first"
            return UnplacedError("underflow", message)
        index = next(index for index, typecode in enumerate(found) if typecode != wanted[index])
        text = self._alphabet.text(found[index], self.stack[low + index])
        message = f"hypothesis {index + 1} of {label!r} has the typecode {wanted[index]!r}, found: {text}"
        return UnplacedError("typecode", message)

    def _premise_fault(
        self, rule: Rule, index: int, premise: str, pick: Callable[[list[str]], object] | None
    ) -> UnplacedError:
        arguments = self.stack[rule[0] :]
        typecode = rule[1][index]
        wanted = self._alphabet.text(typecode, premise if pick is None else premise % pick(arguments))
        found = self._alphabet.text(typecode, arguments[index])
        message = f"hypothesis {index + 1} of {rule[7]!r} does not match; expected: {wanted}; found: {found}"
        return UnplacedError("hypothesis", message)

    def _apart_fault(
        self, rule: Rule, first: int, second: int, forbidden: ForbiddenBits, variables: VariableBits
    ) -> UnplacedError:
        symbols, bits = self._alphabet.symbols, self._alphabet.bits
        one, other = (self.stack[rule[0] :][index] for index in (first, second))
        clash = forbidden[one] & variables[other]
        right = next(character for character in sorted(set(other) & bits.keys()) if bits[character] & clash)
        left = next(c for c in sorted(set(one) & bits.keys()) if forbidden[c] & bits[right])
        shown = [self._alphabet.text(rule[1][index], body) for index, body in ((first, one), (second, other))]
        if left == right:
            trouble = f"both contain {symbols[left]!r}; change the substitution"
        else:
            trouble = f"no $d in force keeps {symbols[left]!r} and {symbols[right]!r} apart; add it"
        return UnplacedError(
            "disjoint", f"a $d of {rule[7]!r} keeps apart {shown[0]!r} and {shown[1]!r}, but {trouble}"
        )
