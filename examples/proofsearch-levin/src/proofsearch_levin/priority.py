"""The order of Levin tree search: what has few steps over its probability is expanded first.

A state that is reached by d steps of joint probability π costs d / π. Whatever is expanded in this order, a proof of
that cost is found after at most so many expansions of a tree (Orseau, Lelis, Lattimore & Weber 2018, "Single-agent
policy tree search with guarantees", NeurIPS).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.protocols import PriorityTraits

if TYPE_CHECKING:
    from proofsearch.protocols import Builder, PriorityColumns


class LevinConfig(ComponentConfig):
    """Options of the priority ``levin``."""

    length: Literal["steps", "tokens"] = Field(default="steps", description="What is counted of a path.")


class Levin:
    """−log(d / π) for d the length of a path and π its probability; see :class:`proofsearch.protocols.Priority`.

    Args:
        length: what is counted: ``"steps"`` or ``"tokens"``.
    """

    # The guarantee is that of the formula as it stands: open goals are not to be subtracted from it.
    traits: ClassVar = PriorityTraits(uses_value=False, counts_goals=False)

    def __init__(self, length: str = "steps") -> None:
        self._length = length

    def __call__(self, columns: PriorityColumns) -> Sequence[float]:
        """One priority a node; that of the root would be 0."""
        lengths = columns.num_tokens if self._length == "tokens" else columns.depth
        return [logprob - math.log(max(length, 1)) for logprob, length in zip(columns.logprob, lengths, strict=True)]


def make_levin(config: LevinConfig, builder: Builder) -> Levin:
    """Builds the priority."""
    return Levin(config.length)
