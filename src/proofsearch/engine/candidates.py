"""What a generator suggested, checked and taken apart into columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

from proofsearch.errors import PluginError
from proofsearch.guards.answers import TOLERANCE, candidate, is_sequence, shown
from proofsearch.types import Candidate


def candidate_columns(
    candidates: Sequence[Candidate], limit: int, generator: str
) -> tuple[list[str], list[float], list[int]]:
    """The tactics, log-probabilities and token counts of one state's candidates; of equal tactics only the first.

    Args:
        candidates: what the generator returned for the state.
        limit: how many it was asked for.
        generator: what to call it in errors.

    Raises:
        PluginError: something is no candidate, a log-probability is not finite or is above :data:`TOLERANCE`, a token
            count is below 1, or there are too many.
    """
    tactics: list[str] = []
    logprobs: list[float] = []
    num_tokens: list[int] = []
    try:
        tactics = [candidate.tactic for candidate in candidates]
        logprobs = [candidate.logprob for candidate in candidates]
        num_tokens = [candidate.num_tokens for candidate in candidates]
        if not tactics:
            return tactics, logprobs, num_tokens
        highest = max(logprobs)
        # A sum is finite only if every term is. Fast, and exact enough: finite terms whose sum overflows are no
        # logarithms.
        fine = math.isfinite(sum(logprobs)) and highest <= TOLERANCE and min(num_tokens) >= 1
        "".join(tactics)  # raises for what is no text
    except (AttributeError, TypeError):
        fine = False
    if not fine:
        _refuse(candidates, generator)
    if len(tactics) > limit:
        raise PluginError(
            f"{generator} returned {len(tactics)} candidates for a state when asked for at most {limit}; "
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


def _refuse(candidates: Sequence[Candidate], generator: str) -> NoReturn:
    """Raises the error for the first candidate that breaks the contract."""
    if not is_sequence(candidates):
        raise PluginError(f"{generator} returned {shown(candidates)} as a state's candidates; expected a list of them")
    for suggestion in candidates:
        complaint = candidate(suggestion)
        if complaint is not None:
            raise PluginError(f"{generator}: {complaint}")
    raise PluginError(f"{generator}: the log-probabilities of one state's candidates overflow when summed")
