"""From the logits of a state to the likeliest tactics that apply, and to how sure the policy is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch import Candidate
from proofsearch.models.confidence import statistics_of_logprobs
from proofsearch.models.moves import first_admitted
from proofsearch.protocols import Moves, PolicyStatistics
from proofsearch_metamath.ranker.bags import Floats, Ints
from proofsearch_metamath.search.session import MetamathSession

_ROUNDING = 1 + 1e-9
"""More than two ways to add up the same probabilities can differ by."""


@dataclass(frozen=True, slots=True)
class Logits:
    """What the towers say of a state.

    Attributes:
        assertions: those that may apply, by number, shape ``(n,)``.
        logits: of the theorem's hypotheses that may close the goal, then of these, divided by the temperature.
        vector: of the first goal, shape ``(width,)``.
    """

    assertions: Ints
    logits: NDArray[np.float64]
    vector: Floats


@dataclass(frozen=True, slots=True)
class Answer:
    """What the policy says of a state; numbers as of :class:`proofsearch.protocols.PolicyStatistics`.

    Attributes:
        tactics: the likeliest that apply, best first.
        logprobs: theirs, over the tactics that were not found inadmissible.
    """

    tactics: Sequence[str] = ()
    logprobs: Sequence[float] = ()
    log_sum_exp: float = math.nan
    moves: int = 0
    admitted: float = math.nan
    closes: bool = False

    def candidates(self) -> list[Candidate]:
        """The tactics with their log-probabilities."""
        return list(map(Candidate, self.tactics, self.logprobs))

    def statistics(self) -> PolicyStatistics:
        """How sure it is."""
        return statistics_of_logprobs(
            self.logprobs,
            log_sum_exp=self.log_sum_exp,
            moves=float(self.moves),
            admitted=self.admitted,
            closes=float(self.closes),
        )


class AppliesAlone:
    """What applies to a goal that stands alone, whatever comes of it; its :class:`~proofsearch.protocols.Moves`.

    Args:
        session: of the goal.
        goal: a skeleton.
    """

    def __init__(self, session: MetamathSession, goal: int) -> None:
        self._session = session
        self._goal = goal

    def listed(self) -> list[str]:
        """Every hypothesis and assertion whose conclusion may unify with the goal."""
        return self._session.choices.moves_of(self._goal)

    def admits(self, tactic: str) -> bool:
        """Whether the tactic applies."""
        return self._session.applies(self._goal, tactic)


def answer(found: Logits, moves: Moves, names: Callable[[Ints, int, Ints], list[str]], n: int) -> Answer:
    """The likeliest tactics that apply, and what they and the logits say of how sure the policy is.

    Args:
        found: of the state.
        moves: of the state.
        names: the tactics at some places of the logits, given the assertions and how many hypotheses come before them.
        n: how many tactics are wanted.
    """
    logits = found.logits
    own = len(logits) - len(found.assertions)
    largest = float(logits.max(initial=-math.inf))
    weights = np.exp(logits - largest)
    total = float(weights.sum())
    if not total:
        return Answer()
    log_sum_exp = largest + math.log(total)
    tactics, kept, taken, asked = list[str](), list[float](), 0.0, 0
    for numbers in _falling(logits, 2 * n):
        asked_about = names(found.assertions, own, numbers)
        places = first_admitted(moves, asked_about, n - len(tactics))
        tactics += [asked_about[place] for place in places]
        chosen = numbers[places]
        kept += logits[chosen].tolist()
        read = len(asked_about) if len(tactics) < n else places[-1] + 1
        asked += read
        admitted = float(weights[chosen].sum())
        taken += admitted
        total -= float(weights[numbers[:read]].sum()) - admitted
        if len(tactics) == n:
            break
    logprobs = list[float]()
    if kept:
        # Over those that were not found inadmissible; rounding may leave less than what was taken.
        if total < taken * _ROUNDING:
            total = max(total, math.fsum(math.exp(logit - largest) for logit in kept))
        bound = largest + math.log(total)
        logprobs = [min(logit - bound, 0.0) for logit in kept]
    return Answer(tactics, logprobs, log_sum_exp, len(logits), len(kept) / asked, own > 0)


def _falling(logits: NDArray[np.float64], first: int) -> Iterator[Ints]:
    """The places of logits, largest first, ties by place: about ``first`` of them, and the rest if it is asked for."""
    if len(logits) <= 2 * first:
        yield np.argsort(-logits, kind="stable")
        return
    bound = np.partition(logits, len(logits) - first)[len(logits) - first]
    for places in ((logits >= bound).nonzero()[0], (logits < bound).nonzero()[0]):
        yield places[np.argsort(-logits[places], kind="stable")]
