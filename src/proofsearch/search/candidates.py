"""What a generator suggested, checked and taken apart into columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

from proofsearch.errors import PluginError
from proofsearch.types import Candidate

TOLERANCE = 1e-6
"""How far above 0 a log-probability may lie by rounding; it is taken as 0 then."""


def candidate_columns(
    candidates: Sequence[Candidate], limit: int, generator: str
) -> tuple[list[str], list[float], list[int]]:
    """The tactics, log-probabilities and token counts of one state's candidates; of equal tactics only the first.

    Args:
        candidates: what the generator returned for the state.
        limit: how many it was asked for.
        generator: its name, for errors.

    Raises:
        PluginError: a log-probability is not finite or is above 0, a token count is below 1, or there are too many.
    """
    tactics, logprobs, num_tokens = [], [], []
    for candidate in candidates:
        tactics.append(candidate.tactic)
        logprobs.append(candidate.logprob)
        num_tokens.append(candidate.num_tokens)
    if not tactics:
        return tactics, logprobs, num_tokens
    # A sum is finite only if every term is. Fast, and exact enough: finite terms whose sum overflows are no logarithms.
    highest = max(logprobs)
    if not math.isfinite(sum(logprobs)) or highest > TOLERANCE or min(num_tokens) < 1:
        _refuse(candidates, generator)
    if len(tactics) > limit:
        raise PluginError(
            f"generator {generator} returned {len(tactics)} candidates for a state when asked for at most {limit}; "
            "its generate() must cut its list to n"
        )
    if highest > 0:
        logprobs = [min(logprob, 0.0) for logprob in logprobs]
    if len(set(tactics)) < len(tactics):
        first = {tactic: index for index, tactic in reversed(list(enumerate(tactics)))}
        kept = sorted(first.values())
        tactics = [tactics[index] for index in kept]
        logprobs = [logprobs[index] for index in kept]
        num_tokens = [num_tokens[index] for index in kept]
    return tactics, logprobs, num_tokens


def _refuse(candidates: Sequence[Candidate], generator: str) -> None:
    """Raises the error for the first candidate that breaks the contract."""
    for candidate in candidates:
        if not (math.isfinite(candidate.logprob) and candidate.logprob <= TOLERANCE):
            raise PluginError(
                f"generator {generator}: candidate {candidate.tactic!r} has log-probability {candidate.logprob!r}; "
                "expected a finite natural logarithm of a probability, at most 0. Leave out what has probability 0, "
                "and normalise scores (log-softmax) before returning them"
            )
        if candidate.num_tokens < 1:
            raise PluginError(
                f"generator {generator}: candidate {candidate.tactic!r} has num_tokens = {candidate.num_tokens}; "
                "expected at least 1 (1 for a policy over whole tactics)"
            )
    raise PluginError(f"generator {generator}: the log-probabilities of one state's candidates overflow when summed")
