"""How sure a served model is at a state: from the tokens that an answer could begin with."""

from __future__ import annotations

import math
from collections.abc import Sequence

from proofsearch.models.confidence import BEST
from proofsearch.protocols import PolicyStatistics

_REST = 1e-6
"""So little probability may be left for tokens that the server doesn't list."""


def of_first_tokens(logprobs: Sequence[float]) -> PolicyStatistics | None:
    """What the likeliest first tokens say; ``None`` where there are none.

    All others count as one more in the entropy, which is therefore a lower bound.

    Args:
        logprobs: of the likeliest tokens, falling.
    """
    if not logprobs:
        return None
    probabilities = [math.exp(logprob) for logprob in logprobs]
    rest = max(1 - math.fsum(probabilities), 0.0)
    entropy = -math.fsum(probability * logprob for probability, logprob in zip(probabilities, logprobs, strict=True))
    whole = len(logprobs) >= BEST or rest < _REST
    return PolicyStatistics(
        best=logprobs[0],
        second=logprobs[1] if len(logprobs) > 1 else math.nan,
        entropy=max(entropy - (rest * math.log(rest) if rest else 0.0), 0.0),
        mass=min(math.fsum(probabilities[:BEST]), 1.0) if whole else math.nan,
    )
