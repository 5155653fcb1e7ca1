"""The space of texts in any alphabet. Gymnasium's own needs a list of all characters, and provers write Unicode."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Text

_SAMPLED = "".join(map(chr, range(32, 127)))


class UnicodeText(Text):
    """Texts of at most so many characters, whatever these are; samples are printable ASCII.

    Args:
        max_length: characters.
        seed: of the samples.
    """

    def __init__(self, max_length: int, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(max_length, min_length=0, charset=_SAMPLED, seed=seed)

    def contains(self, x: Any) -> bool:
        """Whether it is a text that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    def __repr__(self) -> str:
        return f"UnicodeText({self.max_length})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnicodeText) and self.max_length == other.max_length
