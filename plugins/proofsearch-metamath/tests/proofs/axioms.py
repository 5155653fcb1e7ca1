"""Which axioms proofs rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofsearch_metamath.database.model import Assertion, Database


@dataclass(frozen=True, slots=True)
class AxiomsUsed:
    """What some assertions ultimately rest on.

    Attributes:
        axioms: labels of the ``$a`` that assert something (axioms and definitions, not syntax).
        unproved: labels of theorems without a complete proof: with ``?``, or citing what is not before them.
    """

    axioms: frozenset[str]
    unproved: frozenset[str]


def axioms_used(database: Database, labels: Iterable[str]) -> AxiomsUsed:
    """What the assertions with these labels rest on; for many questions, an :class:`AxiomIndex` is faster.

    Raises:
        KeyError: there is no assertion with such a label.
    """
    return AxiomIndex(database).used(labels)


class AxiomIndex:
    """Answers what assertions of a database rest on, going once over its proofs.

    It believes the stored proofs; the verifier checks them. An axiom is syntax if its typecode is that of a ``$f``
    (``wff``, ``class``), so that ``|-`` is not wired in.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # For each assertion that asserts something, by position: a set of indices into `_grounds`, as bits.
        self._masks: list[int] = []
        self._grounds: list[Assertion] = []
        self._syntax = {floating.typecode for floating in database.floats.values()}

    def used(self, labels: Iterable[str]) -> AxiomsUsed:
        """What the assertions with these labels rest on, themselves included if they are axioms.

        Raises:
            KeyError: there is no assertion with such a label.
        """
        positions = [self._database.assertions[label].position for label in labels]
        if len(self._masks) < len(self._database.assertions):
            self._fill()
        mask = 0
        for position in positions:
            mask |= self._masks[position]
        grounds = [ground for index, ground in enumerate(self._grounds) if mask >> index & 1]
        return AxiomsUsed(
            frozenset([ground.label for ground in grounds if ground.kind == "a"]),
            frozenset([ground.label for ground in grounds if ground.kind == "p"]),
        )

    def _fill(self) -> None:
        database, masks = self._database, self._masks
        for assertion in list(database.assertions.values())[len(masks) :]:
            if assertion.kind == "a":
                masks.append(0 if assertion.typecode in self._syntax else self._ground(assertion))
                continue
            proof = assertion.proof
            labels = proof[1 : proof.index(")")] if proof[0] == "(" and ")" in proof else proof
            complete = not any("?" in token for token in proof)
            mask = 0
            for label in labels:
                cited = database.assertions.get(label)
                if cited is None:
                    complete = complete and (label in database.floats or label in database.essentials)
                elif cited.position < assertion.position:
                    mask |= masks[cited.position]
                else:
                    complete = False
            masks.append(mask if complete else mask | self._ground(assertion))

    def _ground(self, assertion: Assertion) -> int:
        self._grounds.append(assertion)
        return 1 << len(self._grounds) - 1
