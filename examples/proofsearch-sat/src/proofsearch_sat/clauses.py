"""Formulas in conjunctive normal form, and how they are written.

A literal is a whole number as in DIMACS: 3 is a variable, -3 its negation. A formula is written with its literals
apart by spaces and its clauses by commas: ``1 2, -1 3``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

Clause = tuple[int, ...]
"""A clause: at least one of its literals holds. The empty one is a contradiction."""

NOTHING_LEFT = "satisfied"
"""How a formula without clauses is written: every assignment satisfies it."""


def tidy(clauses: Iterable[Collection[int]]) -> tuple[Clause, ...]:
    """The clauses in a fixed order, each once and with sorted literals; without those that hold always."""
    plain = {tuple(sorted(set(clause), key=_place)) for clause in clauses}
    consistent = (clause for clause in plain if not any(-literal in clause for literal in clause))
    return tuple(sorted(consistent, key=lambda clause: [_place(literal) for literal in clause]))


def written(clauses: Iterable[Clause]) -> str:
    """The formula as a text, one of its own for each formula."""
    return ", ".join(" ".join(map(str, clause)) for clause in clauses) or NOTHING_LEFT


def reduced(clauses: Iterable[Clause], true: Collection[int]) -> tuple[Clause, ...]:
    """What is left where these literals hold: without clauses that hold, and without literals that don't."""
    left = (clause for clause in clauses if not any(literal in true for literal in clause))
    return tidy([literal for literal in clause if -literal not in true] for clause in left)


def variables(clauses: Iterable[Clause]) -> list[int]:
    """The variables that occur, in order."""
    return sorted({abs(literal) for clause in clauses for literal in clause})


def _place(literal: int) -> tuple[int, bool]:
    return abs(literal), literal < 0
