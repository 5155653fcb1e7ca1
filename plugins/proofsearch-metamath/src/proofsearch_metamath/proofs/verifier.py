"""An independent check of proofs: the rules of the Metamath book (4.3 and appendix B), sharing nothing with the search.

It reads a :class:`~proofsearch_metamath.database.model.Database` and the tokens of a proof, normal or compressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import length_hint

from proofsearch_metamath.database.model import Assertion, Database, Pair
from proofsearch_metamath.database.places import Places
from proofsearch_metamath.errors import ProofError, ReadError
from proofsearch_metamath.proofs.compressed import TAG, code_span, decode, is_compressed, split_compressed
from proofsearch_metamath.proofs.faults import UnplacedError
from proofsearch_metamath.proofs.machine import ForbiddenBits, Machine, VariableBits
from proofsearch_metamath.proofs.rules import POSITION, Alphabet, Rules


@dataclass(frozen=True, slots=True)
class ProofAudit:
    """What a verified proof is made of.

    Attributes:
        label: the theorem.
        steps: how many steps it has: what is pushed or applied; tags (``Z``) don't count.
        cited: labels of the assertions that it applies.
    """

    label: str
    steps: int
    cited: frozenset[str]


def verify_assertion(
    database: Database,
    assertion: Assertion,
    *,
    proof: Sequence[str] | None = None,
    extra_disjoint: Iterable[Pair] = frozenset(),
) -> ProofAudit:
    """Verifies one proof; for many, a :class:`Verifier` is faster.

    Args:
        database: what the proof may cite from.
        assertion: the statement to prove, with its frame. Only assertions with a smaller ``position`` may be cited, and
            only ``$f`` that are active at its position.
        proof: the tokens of a proof, normal or compressed, instead of the stored one.
        extra_disjoint: further ``$d`` pairs that the proof may assume, in any order. At least one variable of each must
            be a dummy, one that is not mandatory: a condition on mandatory variables would change the theorem.

    Raises:
        ProofError: the proof does not prove the statement, or an extra pair is not allowed.
    """
    return Verifier(database).verify(assertion, proof=proof, extra_disjoint=extra_disjoint)


class Verifier:
    """Verifies proofs of one database, and keeps what it works out about assertions from proof to proof.

    The database must not change while it is used. Not for use by several threads at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alphabet = Alphabet(database.variables)
        self._rules = Rules(database, self._alphabet)
        self._places = Places(database)

    def verify(
        self,
        assertion: Assertion,
        *,
        proof: Sequence[str] | None = None,
        extra_disjoint: Iterable[Pair] = frozenset(),
    ) -> ProofAudit:
        """Verifies a proof; see :func:`verify_assertion`."""
        tokens = assertion.proof if proof is None else tuple(proof)
        try:
            pairs = self._pairs(assertion, extra_disjoint)
            codes, labels = self._run(assertion, tokens, pairs)
        except UnplacedError as fault:
            raise self._error(assertion, fault, stored=proof is None) from None
        return ProofAudit(assertion.label, len(codes) - codes.count(TAG), self._cited(assertion, codes, labels))

    def positions_cited(self, assertion: Assertion) -> tuple[int, ...]:
        """Verifies the stored proof of a theorem; where the assertions that it applies stand, ascending.

        Raises:
            UnplacedError: the proof does not prove the statement.
        """
        codes, labels = self._run(assertion, assertion.proof, assertion.scope_disjoint)
        known = self._database.assertions
        return tuple(sorted(known[label].position for label in self._cited(assertion, codes, labels)))

    def _cited(self, assertion: Assertion, codes: list[int], labels: list[str]) -> frozenset[str]:
        """The assertions that a proof applies, among the labels that its numbers stand for."""
        used, known = set(codes), self._database.assertions
        numbered = enumerate(labels, len(assertion.order))
        return frozenset([label for code, label in numbered if code in used and label in known])

    def check(self, assertion: Assertion) -> None:
        """Verifies the stored proof of a theorem, without an audit.

        Raises:
            ProofError: the proof does not prove the statement.
        """
        try:
            self._run(assertion, assertion.proof, assertion.scope_disjoint)
        except UnplacedError as fault:
            raise self._error(assertion, fault, stored=True) from None

    def _pairs(self, assertion: Assertion, extra: Iterable[Pair]) -> frozenset[Pair]:
        """The pairs in force: those of the scope and the extra ones."""
        mandatory = {floating.variable for floating in assertion.floats}
        pairs = {(min(pair), max(pair)) for pair in extra} - assertion.scope_disjoint
        for first, second in sorted(pairs):
            if first == second or not {first, second} <= self._database.variables:
                raise UnplacedError(
                    "extra-disjoint", f"found the extra $d {first} {second}; expected two different variables"
                )
            if first in mandatory and second in mandatory:
                message = (
                    f"found the extra $d {first} {second}, which would weaken the theorem, for both occur in it or "
                    "in its hypotheses; a proof may add only those with a dummy variable"
                )
                raise UnplacedError("extra-disjoint", message)
        return assertion.scope_disjoint | pairs if pairs else assertion.scope_disjoint

    def _run(self, assertion: Assertion, tokens: Sequence[str], pairs: frozenset[Pair]) -> tuple[list[int], list[str]]:
        """Runs a proof; gives its numbers, and the labels that the numbers after the mandatory hypotheses stand for."""
        if not tokens:
            raise UnplacedError("no-proof", "there is no proof to verify; give one")
        machine = Machine(self._alphabet)
        for label in assertion.order:
            self._add_hypothesis(machine, label)
        compressed = is_compressed(tokens)
        codes, labels = (self._load_compressed if compressed else self._load_normal)(machine, assertion, tokens)
        conditions: list[tuple[ForbiddenBits, VariableBits]] = []

        def apart() -> tuple[ForbiddenBits, VariableBits]:
            if not conditions:
                conditions.append((ForbiddenBits(pairs, self._alphabet), VariableBits(self._alphabet.bits)))
            return conditions[0]

        remaining = iter(codes)
        try:
            machine.run(remaining, apart)
        except UnplacedError as fault:
            index = len(codes) - length_hint(remaining) - 1
            fault.step = index + 1 - codes[:index].count(TAG)
            fault.token, fault.character = _token_of(tokens, index) if compressed else (index, 0)
            raise
        self._check_result(machine, assertion)
        return codes, labels

    def _add_hypothesis(self, machine: Machine, label: str) -> None:
        floating = self._database.floats.get(label)
        if floating is not None:
            machine.add(None, self._alphabet[floating.variable], floating.typecode)
        else:
            expression = self._database.essentials[label].expression
            machine.add(None, self._alphabet.body(expression), expression[0])

    def _load_compressed(
        self, machine: Machine, assertion: Assertion, tokens: Sequence[str]
    ) -> tuple[list[int], list[str]]:
        labels, letters = split_compressed(tokens)
        rule_of, position = self._rules.get, assertion.position
        add_rule, add_body, add_typecode = machine.rules.append, machine.bodies.append, machine.typecodes.append
        for index, label in enumerate(labels, 1):
            rule = rule_of(label)
            if rule is not None and rule[POSITION] < position and rule[0]:
                add_rule(rule)
                add_body("")
                add_typecode("")
                continue
            if label in assertion.order:
                message = f"found the mandatory hypothesis {label!r} in the parentheses; it has a number already"
                raise UnplacedError("mandatory", message, index)
            self._add_label(machine, assertion, label, index)
        try:
            return decode(letters), labels
        except UnplacedError as fault:
            fault.token, fault.character = _character_of(tokens, fault.character)
            raise

    def _load_normal(
        self, machine: Machine, assertion: Assertion, tokens: Sequence[str]
    ) -> tuple[list[int], list[str]]:
        numbers = {label: number for number, label in enumerate(assertion.order)}
        codes: list[int] = []
        for index, label in enumerate(tokens):
            number = numbers.get(label)
            if number is None:
                self._add_label(machine, assertion, label, index)
                number = numbers[label] = len(numbers)
            codes.append(number)
        return codes, list(numbers)[len(assertion.order) :]

    def _add_label(self, machine: Machine, assertion: Assertion, label: str, token: int) -> None:
        """Gives a label that is no mandatory hypothesis the next number."""
        database = self._database
        cited = database.assertions.get(label)
        if cited is not None:
            if cited.position >= assertion.position:
                message = f"found {label!r}, which stands later in the database; only earlier assertions may be cited"
                if label == assertion.label:
                    message = f"found {label!r}, the theorem itself; a proof can't cite what it proves"
                raise UnplacedError("citation", message, token)
            rule = self._rules.get(label) or self._rules.make(cited)
            if cited.order:
                machine.add(rule, "", "")
            else:  # without hypotheses it says the same each time
                machine.add(None, rule[4], rule[3])
            return
        floating = database.floats.get(label)
        if floating is not None:
            first, end = database.float_spans[label]
            if not first <= assertion.position < end:
                message = f"found the $f {label!r}, which is not active here; cite one that is"
                raise UnplacedError("inactive-hypothesis", message, token)
            self._add_hypothesis(machine, label)
            return
        if label in database.essentials:
            message = f"found the $e {label!r}, which is not one of this theorem; cite its own hypotheses"
            raise UnplacedError("inactive-hypothesis", message, token)
        if label == "?":
            raise UnplacedError("incomplete", "found '?', an unfinished proof; finish it", token)
        raise UnplacedError("unknown-label", f"found {label!r}, which is no label of the database; correct it", token)

    def _check_result(self, machine: Machine, assertion: Assertion) -> None:
        if len(machine.stack) != 1:
            message = f"the proof leaves {len(machine.stack)} expressions on the stack; expected only the statement"
            raise UnplacedError("leftover", message)
        body, typecode = machine.stack[0], machine.stack_typecodes[0]
        if typecode != assertion.expression[0] or body != self._alphabet.body(assertion.expression):
            found = self._alphabet.text(typecode, body)
            wanted = self._alphabet.text(assertion.expression[0], self._alphabet.body(assertion.expression))
            raise UnplacedError("statement", f"the proof proves another statement; expected: {wanted}; found: {found}")

    def _error(self, assertion: Assertion, fault: UnplacedError, *, stored: bool) -> ProofError:
        """The error for a fault, at its token where the proof stands in the database, else at the theorem."""
        step = f", step {fault.step}" if fault.step else ""
        message = f"in the proof of {assertion.label!r}{step}: {fault.message}"
        file, line, column = self._database.files[assertion.file], 0, 0
        try:
            place = self._places.place_of(assertion)
            if stored and fault.token >= 0:
                place = self._places.of_proof_token(assertion, fault.token, fault.character)
            file, line, column = place
        except ReadError:
            pass  # The file has gone or changed since: the fault is known all the same, only its line is not.
        return ProofError(message, file, line, column, fault.kind, assertion.label, fault.step)


def _token_of(tokens: Sequence[str], code: int) -> tuple[int, int]:
    """The token, and the offset in it, where the ``code``-th number or tag of a compressed proof begins."""
    letters = split_compressed(tokens)[1]
    return _character_of(tokens, code_span(letters, code)[0])


def _character_of(tokens: Sequence[str], character: int) -> tuple[int, int]:
    """The token, and the offset in it, of the ``character``-th letter of a compressed proof."""
    first = list(tokens).index(")") + 1
    for index in range(first, len(tokens)):
        if character < len(tokens[index]):
            return index, character
        character -= len(tokens[index])
    return len(tokens) - 1, 0
