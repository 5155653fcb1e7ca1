"""The encoder ``policy``: what the search's own policy says of a state.

The statistics of the policy (:class:`~proofsearch.protocols.ReportsStatistics`; what its candidates say, where it has
none) and, if asked for, the vector by which it knows the state (:class:`~proofsearch.protocols.RepresentsStates`). The
policy is the one that the search has loaded already.

What the policy doesn't say is 0 in its column and 1 in another, so that missing is not zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from proofsearch.builtins.confidence.config import REPLAY
from proofsearch.builtins.confidence.features import COLUMNS, features
from proofsearch.config import ComponentConfig
from proofsearch.errors import UsageError
from proofsearch.models.confidence import fingerprint_of
from proofsearch.protocols import Builder, GenerationRequest, PolicyStatistics, RepresentsStates, TacticGenerator
from proofsearch.types import ProofState

if TYPE_CHECKING:
    from proofsearch.builtins.confidence.policy import AskedPolicy

NAME = "policy"
"""What it is registered as."""

_LAYOUT_VERSION = 1
"""Raise it when the same answers of a policy would be encoded otherwise."""

_SILENT = PolicyStatistics()
"""What a policy says that says nothing."""


class PolicyConfig(ComponentConfig):
    """Configuration of the encoder ``policy``."""

    generator: str | None = Field(
        default=None,
        description="The policy, with the options given here; default: the search's own, in a training the "
        "environment's.",
    )
    candidates: int = Field(default=32, ge=1, description="Candidates that the policy is asked for, as in the search.")
    vectors: bool = Field(
        default=False,
        description="Append the policy's own vector of the state. Vectors of another policy mean something else, so "
        "policies of several folds can't be used together.",
    )
    replay: bool = Field(default=True, description=REPLAY)


class PolicyEncoder:
    """Asks a policy; an :class:`~proofsearch.protocols.Encoder` that :class:`~proofsearch.protocols.EncodesRequests`.

    Columns: :data:`~proofsearch.builtins.confidence.features.COLUMNS`, 0 where missing; whether each is missing; the
    policy's vector, if asked for, and whether that is missing.

    Args:
        config: the options.
        policy: is asked. It is closed by whoever made it.
        asked: the same, who finds recorded states again.

    Raises:
        UsageError: vectors are asked for, and the policy has none.
    """

    def __init__(self, config: PolicyConfig, policy: TacticGenerator, asked: AskedPolicy) -> None:
        if config.vectors and not isinstance(policy, RepresentsStates):
            raise UsageError(
                f"--policy-vectors: the policy {fingerprint_of(policy)} has no vectors of states, only statistics; "
                f"leave the option out, or use a policy that has (metamath-ranker, transformers)"
            )
        self._config = config
        self._policy = policy
        self._asked = asked
        self._num_lost = 0

    @property
    def num_lost(self) -> int:
        """How many recorded states were not found again so far."""
        return self._num_lost

    @property
    def width(self) -> int:
        """The number of columns."""
        return 2 * len(COLUMNS) + (self._vector_width + 1 if self._config.vectors else 0)

    def encode_requests(self, requests: Sequence[GenerationRequest]) -> NDArray[np.float32]:
        """Shape ``(len(requests), width)``, finite; all is missing where a recorded state isn't found again."""
        rows = np.zeros((len(requests), self.width), np.float32)
        rows[:, len(COLUMNS) : 2 * len(COLUMNS)] = 1.0
        if self._config.vectors:
            rows[:, -1] = 1.0
        for row, found in zip(rows, self._asked.each(requests, self._rows), strict=True):
            if found is None:
                self._num_lost += 1
            else:
                row[:] = found
        return rows

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Refuses: a policy is asked about a theorem and a state.

        Raises:
            UsageError: always, but for no states.
        """
        if not len(states):
            return np.empty((0, self.width), np.float32)
        raise UsageError(
            f"the encoder {NAME!r} asks a policy, which has to know the theorem, and whoever uses it here gives it "
            f"states alone; use another encoder"
        )

    def fingerprint(self) -> str:
        """Covers the configuration, the columns and, where there are vectors, the policy."""
        policy = self.policy_fingerprint() if self._config.vectors else ""
        options = self._config.model_dump_json(include={"candidates", "vectors"})
        text = f"policy {_LAYOUT_VERSION} {options} {COLUMNS} {policy}"
        return "policy-" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def policy_fingerprint(self) -> str:
        """Tells the policy from another one, as well as that can be told."""
        return self._asked.fingerprint()

    def close(self) -> None:
        """Ends the session in which recorded states were found. Idempotent."""
        self._asked.close()

    @property
    def _vector_width(self) -> int:
        assert isinstance(self._policy, RepresentsStates)
        return self._policy.representation_width

    def _rows(self, requests: Sequence[GenerationRequest]) -> list[NDArray[np.float32]]:
        said = [one or _SILENT for one in self._asked.ask(requests)]
        columns = features(said)
        missing = ~np.isfinite(columns)
        blocks: list[NDArray[Any]] = [np.where(missing, 0.0, columns), missing]
        if self._config.vectors:
            assert isinstance(self._policy, RepresentsStates)
            vectors = self._policy.represent(requests)
            blocks += [vectors, np.logical_not(vectors.any(axis=1))[:, None]]
        return list(np.concatenate(blocks, axis=1).astype(np.float32))


def make_policy(config: PolicyConfig, builder: Builder) -> PolicyEncoder:
    """Builds the encoder ``policy`` beside the run's own policy, or another one.

    Raises:
        UsageError: vectors are asked for, and the policy has none.
    """
    from proofsearch.builtins.confidence.policy import AskedPolicy  # brings pyarrow, which no help has need of

    policy = builder.generator(config.generator)
    asked = AskedPolicy(policy, builder.environment(), config.candidates, replay=config.replay)
    return PolicyEncoder(config, policy, asked)
