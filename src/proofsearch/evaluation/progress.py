"""How far the comparison of two runs has got, theorem by theorem, and whether it is decided."""

from __future__ import annotations

from proofsearch.measures.sequential import Sequential, sequential
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder


def so_far(first: RunFolder, second: RunFolder, expansions: float, split: str | None = None) -> Sequential:
    """Tests two runs that may both be under way.

    The theorems are taken in the first run's order, up to the first one without a result in either run: which of the
    others are done first depends on how long searches take, and that must not decide what is counted.

    Args:
        first: the baseline.
        second: the other run.
        expansions: within how many a theorem has to be proved.
        split: only the theorems of this split; ``None`` for all.
    """
    statements = {theorem.name: theorem.statement for theorem in second.theorems}
    planned = [
        theorem.name
        for theorem in first.theorems
        if statements.get(theorem.name) == theorem.statement and split in (None, theorem.split)
    ]
    before, after = first.results(), second.results()
    signs = []
    for name in planned:
        if name not in before or name not in after:
            break
        signs.append(sign(before[name], after[name], expansions))
    return sequential(signs, len(planned))


def sign(first: TheoremResult, second: TheoremResult, expansions: float) -> int:
    """−1 where only the first is a proof within so many expansions, 1 where only the second is, 0 otherwise."""
    return _solved(second, expansions) - _solved(first, expansions)


def _solved(result: TheoremResult, expansions: float) -> bool:
    return result.proved and result.expansions <= expansions
