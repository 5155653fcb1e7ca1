"""Confidence intervals of proportions."""

from __future__ import annotations

import math


def wilson(successes: int, trials: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927, doi:10.2307/2276774).

    Args:
        successes: from 0 to ``trials``.
        trials: at least 0.
        z: standard normal quantile; the default gives 95 %.

    Returns:
        Lower and upper end, in [0, 1]; (0, 1) without trials.

    Raises:
        ValueError: successes out of range.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # At the ends rounding would leave the interval by an ulp.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == trials else centre + half)
