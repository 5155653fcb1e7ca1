"""The theorem being proved, as a search needs it."""

from __future__ import annotations

from dataclasses import dataclass

from proofsearch import Theorem
from proofsearch_metamath.library.unification import PatternTree


@dataclass(frozen=True, slots=True)
class Target:
    """The theorem being proved, as terms need it.

    Attributes:
        theorem: what the core knows of it.
        conclusion, hypotheses: trees whose leaves are the theorem's variables, by index.
        variables: these variables' names, in the order of their ``$f``.
        typecodes: their typecodes, as indices.
        disjoint: pairs of variables' indices that the theorem keeps apart.
        earlier: how many provable assertions stand before it; the sound ones of them may be used.
    """

    theorem: Theorem
    conclusion: PatternTree
    hypotheses: tuple[PatternTree, ...]
    variables: tuple[str, ...]
    typecodes: tuple[int, ...]
    disjoint: frozenset[tuple[int, int]]
    earlier: int
