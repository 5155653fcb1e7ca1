"""The compiled counterparts of the plain classes; they have the same interfaces."""

from proofsearch_metamath.combination import Combiner as Combiner
from proofsearch_metamath.terms import Terms as Terms
from proofsearch_metamath.unification import PatternTree
from proofsearch_metamath.unification import Unifier as Unifier

class Pattern:
    """An assertion as the compiled unifier needs it; see :class:`proofsearch_metamath.unification.Pattern`."""

    def __init__(
        self,
        typecodes: tuple[int, ...],
        conclusion: PatternTree,
        hypotheses: tuple[PatternTree, ...],
        disjoint: tuple[tuple[int, int], ...],
    ) -> None: ...
