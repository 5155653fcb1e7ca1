"""The learning rate: a linear warm-up, then a cosine to 0 (Loshchilov & Hutter 2017, arXiv:1608.03983)."""

from __future__ import annotations

import math
from collections.abc import Callable


def warmup_cosine(warmup: int, steps: int) -> Callable[[int], float]:
    """The factor on the learning rate by step, for :class:`torch.optim.lr_scheduler.LambdaLR`.

    A function of the step alone: nothing to save, and a resumed training goes on exactly.

    Args:
        warmup: steps over which the factor rises to 1; from 0 to ``steps``.
        steps: after which it is 0, at least 1.

    Returns:
        A function of the step, counted from 0, with values in [0, 1]. The first step has 1/warmup, not 0.

    Raises:
        ValueError: the arguments don't fit together.
    """
    if steps < 1 or not 0 <= warmup <= steps:
        raise ValueError(f"a warm-up of {warmup} steps does not fit into {steps} steps; it takes 0 to all of them")

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        if step >= steps:
            return 0.0
        return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / (steps - warmup)))

    return factor
