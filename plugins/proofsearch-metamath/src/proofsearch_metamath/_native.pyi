"""The compiled counterparts of the plain classes; they have the same interfaces but for what is said here."""

from collections.abc import Callable
from typing import Any

from proofsearch_metamath.library.terms import Terms as Terms
from proofsearch_metamath.library.unification import PatternTree
from proofsearch_metamath.library.unification import Unifier as Unifier

class Pattern:
    """An assertion as the compiled unifier needs it; see :class:`proofsearch_metamath.library.unification.Pattern`."""

    def __init__(
        self,
        typecodes: tuple[int, ...],
        conclusion: PatternTree,
        hypotheses: tuple[PatternTree, ...],
        disjoint: tuple[tuple[int, int], ...],
    ) -> None: ...

class Combiner:
    """See :class:`proofsearch_metamath.search.combination.Combiner`; it takes and returns keys, and keeps no traces."""

    def __init__(
        self, terms: Terms, unifier: Unifier, closed_by: Callable[[int], str | None], max_goals: int = 64
    ) -> None: ...
    def combine(self, key: bytes, num_metas: int, focus: int, application: Any) -> bytes | str | None: ...

def common(within: bytes, sets: list[bytes]) -> bytes:
    """The places of the ones that bit sets have in common, ascending, as the bytes of 64-bit numbers."""
