"""Proportions: their confidence intervals, and how they are written."""

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


def percentage(part: float, digits: int = 1) -> str:
    """A part in percent, ``"99.97%"``; what is neither all nor nothing is never rounded to 100 or 0.

    Args:
        part: in [0, 1], or ``nan``.
        digits: after the point; more are taken where it would else be rounded to all or nothing.
    """
    text = f"{100 * part:.{digits}f}"
    while 0 < part < 1 and float(text) in (0, 100) and digits < 15:
        digits += 1
        text = f"{100 * part:.{digits}f}"
    return f"{text}%"
