"""The learning rate: a linear warm-up, then a cosine to 0 (Loshchilov & Hutter 2017, arXiv:1608.03983)."""

from __future__ import annotations

import math
from collections.abc import Callable


def warmup_cosine(
    warmup: float, end: float, *, step: float = 1.0, rise: float | None = None
) -> Callable[[float], float]:
    """The factor on the learning rate, as a function of how far a training is.

    It depends on that alone: there is nothing to save, and a resumed training has the rates of one that never stopped.

    Args:
        warmup: how long the factor rises to 1, in steps or in any other unit; from 0 to ``end``.
        end: when it is 0, at least one step.
        step: the length of a step in that unit.
        rise: the denominator of the warm-up; default: ``warmup``, so that its last step has the factor 1.

    Returns:
        A function of how far the training is, 0 at its first step, with values in [0, 1]. The first step has
        ``step / rise``, not 0.

    Raises:
        ValueError: the arguments don't fit together.
    """
    if end < step or not 0 <= warmup <= end:
        raise ValueError(f"a warm-up of {warmup} steps does not fit into {end} steps; it takes 0 to all of them")

    def factor(at: float) -> float:
        if at < warmup:
            return (at + step) / (warmup if rise is None else rise)
        if at >= end:
            return 0.0
        return 0.5 * (1.0 + math.cos(math.pi * (at - warmup) / (end - warmup)))

    return factor
