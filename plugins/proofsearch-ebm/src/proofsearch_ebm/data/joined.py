"""Several encoders as one, and encoders that read more than a state's text and goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch.protocols import CountsLost, Encoder, EncodesRequests, GenerationRequest, ReadsPolicy
from proofsearch.types import ProofState, State


@dataclass(frozen=True, slots=True)
class WholeState(State):
    """A whole state as texts have it, with what else is known of it.

    Attributes:
        request: the state as the search or the recording has it, its theorem, and what may be tried.
    """

    request: GenerationRequest | None = None


class JoinedEncoder:
    """The columns of several encoders beside each other; an :class:`~proofsearch.protocols.Encoder` of whole states.

    An encoder that reads requests is asked about those of :class:`WholeState`, every other one about the states.

    Args:
        encoders: at least one; closed by their owner.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        self._encoders = encoders
        # Looked at once: an instance check of a protocol takes as long as encoding a state.
        self._asked = [
            encoder.encode_requests if isinstance(encoder, EncodesRequests) else None for encoder in encoders
        ]

    @property
    def width(self) -> int:
        """The number of columns of all."""
        return sum(encoder.width for encoder in self._encoders)

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``."""
        rows = [
            encoder.encode(states) if asked is None else asked(_requests(states))
            for encoder, asked in zip(self._encoders, self._asked, strict=True)
        ]
        return np.concatenate([np.asarray(block, np.float32) for block in rows], axis=1)

    def fingerprint(self) -> str:
        """That of an encoder, or of all in their order."""
        return "+".join(encoder.fingerprint() for encoder in self._encoders)

    def close(self) -> None:
        """Nothing: the encoders are their owner's."""


def joined(encoders: Sequence[Encoder]) -> Encoder:
    """Several encoders as one; one that reads states alone is itself."""
    if len(encoders) == 1 and not reads_requests(encoders):
        return encoders[0]
    return JoinedEncoder(encoders)


def reads_requests(encoders: Sequence[Encoder]) -> bool:
    """Whether an encoder has to be asked about whole states with their theorem."""
    return any(isinstance(encoder, EncodesRequests) for encoder in encoders)


def policy_fingerprint(encoders: Sequence[Encoder]) -> str:
    """The fingerprint of the policy that encoders ask; ``""`` where none asks one."""
    return "+".join(encoder.policy_fingerprint() for encoder in encoders if isinstance(encoder, ReadsPolicy))


def lost_states(encoders: Sequence[Encoder]) -> str:
    """A warning if encoders did not find recorded states again, whose rows then say that all is missing; or ``""``."""
    lost = max((encoder.num_lost for encoder in encoders if isinstance(encoder, CountsLost)), default=0)
    if not lost:
        return ""
    return (
        f"warning: {lost} recorded states were not found again by taking the recorded steps; their rows are as if the "
        f"policy had said nothing; record the searches again with this environment and version, or show the policy the "
        f"recorded texts (--no-policy-replay) if it reads nothing else"
    )


def _requests(states: Sequence[ProofState]) -> list[GenerationRequest]:
    requests = []
    for state in states:
        assert isinstance(state, WholeState) and state.request is not None
        requests.append(state.request)
    return requests
