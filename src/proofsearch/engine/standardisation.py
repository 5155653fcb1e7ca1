"""Value and log-probability on one scale: standardised, and mixed. The one place where that formula stands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from proofsearch.protocols import Calibration

Scores = TypeVar("Scores", float, "NDArray[np.float64]")
"""One score, or an array of them."""

EQUAL_WEIGHT = 0.5
"""The weight of a value that brings no calibration."""

DEFAULT_GOAL_WEIGHT = 1.0
"""What an open goal costs where nothing else is known."""

Z_DIGITS = 9
"""Standardised scores are rounded to so many decimals, so that nodes that tie on paper tie in floating point too.

Two scored nodes alone have scores of exactly -1 and 1, so ties are common; without this, the units of the value would
decide them by their rounding errors.
"""

_SHIFT = 10.0**Z_DIGITS
_LARGE = 1.5 * 2**52
"""A sum with it has no digits after the point."""


def tidied(scores: Sequence[float]) -> list[float]:
    """Scores rounded to :data:`Z_DIGITS`, as NumPy does it: ``round()`` would take most of the time of an order."""
    return [(score * _SHIFT + _LARGE - _LARGE) / _SHIFT for score in scores]


class Standardisation:
    """Affine maps that give value and log-probability mean 0 and standard deviation 1.

    Attributes:
        value_mean, value_scale, logprob_mean, logprob_scale: a score ``x`` becomes ``(x - mean) * scale``. The scale is
            0 where there is no spread, so that the score orders nothing.
    """

    __slots__ = ("logprob_mean", "logprob_scale", "value_mean", "value_scale")

    def __init__(self, value_mean: float, value_std: float, logprob_mean: float, logprob_std: float) -> None:
        self.value_mean, self.value_scale = value_mean, 1 / value_std if value_std > 0 else 0.0
        self.logprob_mean, self.logprob_scale = logprob_mean, 1 / logprob_std if logprob_std > 0 else 0.0

    @classmethod
    def from_calibration(cls, calibration: Calibration) -> Standardisation:
        """That of a scorer's calibration."""
        return cls(calibration.value_mean, calibration.value_std, calibration.logprob_mean, calibration.logprob_std)

    def logprob(self, logprob: Scores) -> Scores:
        """Log-probabilities, standardised."""
        return (logprob - self.logprob_mean) * self.logprob_scale

    def value(self, value: Scores) -> Scores:
        """Values, standardised."""
        return (value - self.value_mean) * self.value_scale

    def mixed(self, value: float, logprob: float, weight: float) -> float:
        """(1 − weight)·z(log-probability) + weight·z(value); the former alone where the value is ``nan``."""
        z = self.logprob(logprob)
        return (1 - weight) * z + weight * self.value(value) if value == value else z


def mean_and_std(sample: Sequence[float]) -> tuple[float, float]:
    """Mean and population standard deviation; exactly 0 for a constant sample, whatever its rounding."""
    mean = math.fsum(sample) / len(sample)
    if min(sample) == max(sample):
        return mean, 0.0
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in sample) / len(sample))
