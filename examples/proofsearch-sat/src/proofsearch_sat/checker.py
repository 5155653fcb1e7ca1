"""Checks refutations. It shares no code with the search, and nothing with PySAT.

A proof is a DRUP file, as solvers write them for contests and checkers such as drat-trim read them: a clause a line,
each of which follows from the formula and the lines before it by *reverse unit propagation*, the last of them empty
(Goldberg and Novikov 2003). A clause follows so where assuming that all its literals are false leads to a
contradiction by clauses alone all of whose literals but one are false. The first line, a comment to other checkers,
says of which formula it is a proof.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

CHECKER = "proofsearch-sat 0.1.0 DRUP checker"
"""What a verdict says has checked."""


def heading(statement: str) -> str:
    """The first line of a proof of this statement."""
    return f"c formula {hashlib.sha256(statement.encode()).hexdigest()}"


def problem_of(statement: str, proof: str) -> str:
    """What is wrong with a proof; nothing where it is one.

    Args:
        statement: the formula: literals apart by spaces, clauses by commas.
        proof: the text of a DRUP file without deletions.
    """
    lines = proof.split("\n")
    if lines[0] != heading(statement):
        return f"line 1: found {lines[0][:80]!r}, expected {heading(statement)!r}: a proof of another formula"
    if lines[-1] != "":
        return "the proof does not end with a line break: it was cut off"
    known = _Known([int(literal) for literal in clause.split()] for clause in statement.split(", "))
    last: list[int] | None = None
    for number, line in enumerate(lines[1:-1], start=2):
        words = line.split(" ")
        if words[-1] != "0" or not all(_is_literal(word) for word in words[:-1]):
            return f"line {number}: {line[:80]!r} is no clause, expected literals and a 0 at the end"
        last = [int(word) for word in words[:-1]]
        if not known.follows(last):
            return f"line {number}: the clause {line[:80]!r} does not follow by unit propagation"
        known.add(last)
    return "" if last == [] else "the last line is not the empty clause: the formula is not refuted"


def _is_literal(word: str) -> bool:
    digits = word.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 10 and not digits.startswith("0")


class _Known:
    """Clauses that are given or follow."""

    def __init__(self, clauses: Iterable[list[int]]) -> None:
        self._with: defaultdict[int, list[list[int]]] = defaultdict(list)
        self._units: list[int] = []
        self._contradiction = False
        for clause in clauses:
            self.add(clause)

    def add(self, clause: list[int]) -> None:
        self._contradiction |= not clause
        if len(set(clause)) == 1:
            self._units.append(clause[0])
        for literal in set(clause):
            self._with[literal].append(clause)

    def follows(self, clause: list[int]) -> bool:
        true: set[int] = set()
        waiting = [*self._units, *(-literal for literal in clause)]
        while waiting and not self._contradiction:
            literal = waiting.pop()
            if -literal in true:
                return True
            if literal in true:
                continue
            true.add(literal)
            for met in self._with[-literal]:
                if not any(other in true for other in met):
                    # Not the literal just refuted, nor others whose negation holds.
                    open_ones = {other for other in met if -other not in true}
                    if not open_ones:
                        return True
                    if len(open_ones) == 1:
                        waiting += open_ones
        return self._contradiction
