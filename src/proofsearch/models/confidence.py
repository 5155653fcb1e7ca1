"""How sure a policy is at a state, from what it suggests there; what it suggested, kept; and which policy it is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from math import exp, fsum, log, log1p, nan
from typing import Generic, TypeVar

from proofsearch.protocols import (
    SUMMARY,
    Fingerprinted,
    GenerationRequest,
    PolicyStatistics,
    StandsIn,
    TacticGenerator,
)
from proofsearch.types import Candidate

BEST = 8
"""How many of the likeliest tactics :attr:`~proofsearch.protocols.PolicyStatistics.mass` adds up."""

_Answer = TypeVar("_Answer")


def statistics_of(candidates: Sequence[Candidate]) -> PolicyStatistics:
    """What a policy's candidates alone say of how sure it is.

    The entropy is that of the candidates' probabilities, scaled to a sum of 1, since nothing is known of the rest.

    Args:
        candidates: of one state; in any order, without duplicates.
    """
    logprobs = sorted((candidate.logprob for candidate in candidates), reverse=True)
    return statistics_of_logprobs(logprobs, moves=float(len(candidates)))


def statistics_of_logprobs(
    logprobs: Sequence[float],
    *,
    log_sum_exp: float = nan,
    moves: float = nan,
    admitted: float = nan,
    closes: float = nan,
) -> PolicyStatistics:
    """What log-probabilities of candidates, the largest first, say; and what else is known."""
    if not logprobs:
        return PolicyStatistics(nan, nan, nan, log_sum_exp, moves, admitted, nan, closes)
    largest = logprobs[0]
    weights = [exp(logprob - largest) for logprob in logprobs]
    total = fsum(weights)
    # H = log Z − Σ p·l, with l counted from the largest.
    mean = fsum([weight * (logprob - largest) for weight, logprob in zip(weights, logprobs, strict=True)]) / total
    return PolicyStatistics(
        min(largest, 0.0),
        min(logprobs[1], 0.0) if len(logprobs) > 1 else nan,
        max(log(total) - mean, 0.0),
        log_sum_exp,
        moves,
        admitted,
        min(fsum(map(exp, logprobs[:BEST])), 1.0),
        closes,
    )


def with_goals(state: PolicyStatistics, goals: tuple[PolicyStatistics, ...]) -> PolicyStatistics:
    """A state's statistics together with those of its goals. A search does this often, and ``replace()`` is slow."""
    one = state
    return PolicyStatistics(
        one.best, one.second, one.entropy, one.log_sum_exp, one.moves, one.admitted, one.mass, one.closes, goals
    )


def summary_of(one: PolicyStatistics) -> list[float]:
    """The numbers of :data:`~proofsearch.protocols.SUMMARY`, ``nan`` where the policy doesn't say.

    A search asks for few states at a time, and small arrays would cost more than the sums.
    """
    row = [
        one.best,
        one.second,
        one.entropy,
        one.log_sum_exp,
        log1p(one.moves),
        one.admitted,
        one.mass,
        one.closes,
        float(one.best != one.best),
    ]
    goals = one.goals
    if not goals:
        return row + [nan] * (len(SUMMARY) - len(row))
    for column in zip(*[(goal.best, goal.entropy, goal.mass, goal.log_sum_exp) for goal in goals], strict=True):
        known: Sequence[float] = column
        total = sum(known)
        if total != total:
            known = [number for number in column if number == number]
            if not known:
                row += (nan, nan, nan)
                continue
            total = sum(known)
        row += (total, min(known), max(known))
    row.append(float(sum([goal.best != goal.best for goal in goals])))
    return row


def fingerprint_of(policy: TacticGenerator) -> str:
    """Tells a policy from another: its own fingerprint, or, where it has none, the class that it is of."""
    if isinstance(policy, Fingerprinted):
        return policy.fingerprint()
    # What threads share has a stand-in; isinstance() and __class__ see through guards, type() does not.
    kind = (policy.original if isinstance(policy, StandsIn) else policy).__class__
    return f"{kind.__module__}.{kind.__qualname__}"


class KeptAnswers(Generic[_Answer]):
    """What a policy worked out for states that may be expanded later; the least recently used is forgotten first.

    Args:
        most: how many are kept, at least 1.
    """

    def __init__(self, most: int = 1024) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()

    def put(self, request: GenerationRequest, n: int, answer: _Answer) -> None:
        """Keeps the answer to a request for ``n`` candidates."""
        self._answers[_key(request, n)] = answer
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)

    def get(self, request: GenerationRequest, n: int) -> _Answer | None:
        """The answer for the same theorem, state and number of candidates; ``None`` where there is none."""
        key = _key(request, n)
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def clear(self) -> None:
        """Forgets all."""
        self._answers.clear()


def _key(request: GenerationRequest, n: int) -> Hashable:
    # Not the key: in another session of the theorem it may be that of another state.
    return request.theorem.name, request.state.text, n
