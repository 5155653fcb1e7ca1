"""The contract of value functions and of encoders: what judges states, and what turns them into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from proofsearch.protocols.environment import Moves
from proofsearch.protocols.policy import GenerationRequest
from proofsearch.types import ProofState, Theorem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """One state that wants a value.

    Attributes:
        theorem: what the search is about.
        state: the state to be scored.
        depth: steps from the root on the best path.
        logprob: sum of the log-probabilities on that path.
        num_tokens: sum of their token counts.
        tactic: the last step of that path; ``None`` for a root, and where a state is scored as a beginning.
        tactic_logprob: the log-probability of that step; 0 where there is none.
        parent: the state before that step, with its goals; ``None`` where there is none. What a search and a recording
            of it ask is the same, so a value of steps can be learnt from trajectories.
        moves: the tactics that may apply to the state, where the environment can enumerate them and the scorer wants
            them (:class:`ReadsMoves`).
    """

    theorem: Theorem
    state: ProofState
    depth: int
    logprob: float
    num_tokens: int
    tactic: str | None = None
    tactic_logprob: float = 0.0
    parent: ProofState | None = None
    moves: Moves | None = None


class ValueScorer(Protocol):
    """A value function. **Higher is better**, on any scale."""

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        """One value a request, in order; ``None`` where it has none. Missing is not zero."""

    def close(self) -> None:
        """Frees what it holds; by default nothing. Idempotent."""
        return


@runtime_checkable
class FollowsPaths(Protocol):
    """A scorer whose values depend on how a state was reached: on depth, log-probability or token count.

    A state that is met again by a better path has another value then, so a search asks such a scorer anew. Every other
    scorer is asked once a state.
    """

    @property
    def follows_paths(self) -> bool:
        """Whether values depend on the path. Without this ability they don't."""


def follows_paths(scorer: ValueScorer) -> bool:
    """Whether a scorer's values depend on how a state was reached."""
    return isinstance(scorer, FollowsPaths) and scorer.follows_paths


@runtime_checkable
class ReadsMoves(Protocol):
    """A scorer that wants to know what may be tried at a state, because it asks a policy about it."""

    @property
    def reads_moves(self) -> bool:
        """Whether requests are to say it. Without this ability they don't."""


def reads_moves(scorer: ValueScorer) -> bool:
    """Whether a scorer wants to know what may be tried at a state."""
    return isinstance(scorer, ReadsMoves) and scorer.reads_moves


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a scorer's value is put on one scale with log-probability (fitted on validation decisions).

    Attributes:
        value_mean, value_std: of the scorer's values.
        logprob_mean, logprob_std: of the cumulative log-probabilities.
        value_weight: weight of the standardised value against 1 − weight for log-probability, in [0, 1].
        goal_weight: subtracted from their sum for each open goal, at least 0.
        scale: above 0; the mixed priority times this is the utility of the conditional logit that the weights were
            fitted as: its softmax over siblings is the probability that the way on leads through each.
    """

    value_mean: float
    value_std: float
    logprob_mean: float
    logprob_std: float
    value_weight: float
    goal_weight: float = 1.0
    scale: float = 1.0


@runtime_checkable
class Calibrated(Protocol):
    """A scorer that knows how to be mixed with log-probability."""

    def calibration(self) -> Calibration:
        """What a checkpoint holds of it."""


class Encoder(Protocol):
    """States to vectors, frozen."""

    @property
    def width(self) -> int:
        """The number of columns of what :meth:`encode` returns."""

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``, finite; a row is never all zeros for a failure: that raises."""

    def fingerprint(self) -> str:
        """Changes whenever the same state could be encoded differently; keys caches and checkpoints."""

    def close(self) -> None:
        """Frees what it holds; by default nothing. Idempotent."""
        return


@runtime_checkable
class EncodesRequests(Protocol):
    """An encoder that reads more than a state by itself: the theorem, what may be tried, what a policy says of it.

    Whoever knows the theorem asks it so, about whole states as a search or a recording has them. Recorded states know
    where they were recorded, so that they can be found again. Rows are those of a theorem and a state together; none is
    kept for another theorem. :meth:`Encoder.encode`, which no theorem comes with, may raise ``UsageError``.
    """

    def encode_requests(self, requests: Sequence[GenerationRequest]) -> NDArray[np.float32]:
        """Shape ``(len(requests), width)``, finite, no row all zeros; as :meth:`Encoder.encode`."""


@runtime_checkable
class ReadsPolicy(Protocol):
    """An encoder whose rows are what a policy says."""

    def policy_fingerprint(self) -> str:
        """Tells the policy from another. A checkpoint names it; a search beside another one says so.

        Where rows of another policy mean something else altogether, :meth:`Encoder.fingerprint` changes with it, too.
        """


@runtime_checkable
class CountsLost(Protocol):
    """An encoder that has to find recorded states again before it can read them, and may not find all."""

    @property
    def num_lost(self) -> int:
        """How many of the states that it was asked about so far were not found: all of their rows say the same."""
