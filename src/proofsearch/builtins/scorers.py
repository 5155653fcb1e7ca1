"""The value functions that need no training: log-probability, length and chance.

They are what a learnt value is compared with. All follow the convention of
:class:`proofsearch.protocols.ValueScorer`: higher is better.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.config.bounds import LARGEST_SEARCH_SEED
from proofsearch.protocols import Builder, ScoreRequest, ValueScorer


class LogprobConfig(ComponentConfig):
    """Configuration of the scorer ``logprob``."""

    length_exponent: float = Field(
        default=0.0, ge=0, description="Divide the log-probability by the path's token count to this power; 0: don't."
    )


class LengthConfig(ComponentConfig):
    """Configuration of the scorer ``length``."""

    unit: Literal["characters", "tokens"] = Field(
        default="characters", description="What is counted: characters, or tokens between white space."
    )


class RandomConfig(ComponentConfig):
    """Configuration of the scorer ``random``."""

    seed: int | None = Field(
        default=None,
        ge=-LARGEST_SEARCH_SEED - 1,
        le=LARGEST_SEARCH_SEED,
        description="Seed of the values; default: the run's seed.",
    )


class LogprobScorer(ValueScorer):
    """Values a state by the cumulative log-probability L of its best path: L / max(tokens, 1) ** length_exponent.

    Args:
        length_exponent: 0 gives best-first search by cumulative log-probability (GPT-f, arXiv:2009.03393), 1 the
            mean log-probability of a token.
    """

    follows_paths = True

    def __init__(self, length_exponent: float = 0.0) -> None:
        self._length_exponent = length_exponent

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """One value a request, at most 0."""
        return [request.logprob / max(request.num_tokens, 1) ** self._length_exponent for request in requests]


class LengthScorer(ValueScorer):
    """Values a state by minus the length of its text: short states first.

    Args:
        unit: ``"characters"`` or ``"tokens"`` (what stands between white space).
    """

    def __init__(self, unit: Literal["characters", "tokens"] = "characters") -> None:
        self._unit = unit

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """One value a request, at most 0."""
        if self._unit == "tokens":
            return [-float(len(request.state.text.split())) for request in requests]
        return [-float(len(request.state.text)) for request in requests]


class RandomScorer(ValueScorer):
    """Values a state by chance: the control of every comparison.

    A value depends on the seed and the state's text only, so it is the same in every process, order and batch, and
    a state met twice is valued once.

    Args:
        seed: of the values.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """One value a request, uniform in [0, 1)."""
        return [self._value(request.state.text) for request in requests]

    def _value(self, text: str) -> float:
        digest = hashlib.blake2b(f"{self._seed}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        # 53 bits fit a double exactly, so that the largest value stays below 1.
        return (int.from_bytes(digest, "big") >> 11) / 2**53


def make_logprob(config: LogprobConfig, builder: Builder) -> LogprobScorer:
    """Builds the scorer ``logprob``."""
    return LogprobScorer(config.length_exponent)


def make_length(config: LengthConfig, builder: Builder) -> LengthScorer:
    """Builds the scorer ``length``."""
    return LengthScorer(config.unit)


def make_random(config: RandomConfig, builder: Builder) -> RandomScorer:
    """Builds the scorer ``random``; without a seed of its own it takes the run's."""
    return RandomScorer(builder.seed if config.seed is None else config.seed)
