"""The scorer ``confidence``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from proofsearch.builtins.confidence.config import NAME, ConfidenceConfig
from proofsearch.builtins.confidence.features import COLUMNS
from proofsearch.builtins.confidence.model import LinearValue, QuickValue
from proofsearch.builtins.confidence.policy import AskedPolicy
from proofsearch.checkpoint import POLICY, Manifest, read_manifest
from proofsearch.protocols import Builder, Calibration, GenerationRequest, ScoreRequest
from proofsearch.trainers.mixing import Mixing

MODEL = "value.json"
"""The file of a checkpoint with the weights."""

MIXING = "mixing"
"""What the manifest calls what was measured."""

_UNTRAINED = {"best": 0.5, "entropy": -0.5}
"""Weights of the untrained value, in nats: of the columns as they are. Chosen among six on validation theorems of the
shipped prefix."""


class ConfidenceScorer:
    """Values a state by how sure the policy is there; a :class:`proofsearch.protocols.ValueScorer`.

    Args:
        policy: is asked.
        value: of its statistics.
        calibration: how the value is mixed with log-probability.

    Attributes:
        reads_moves: whether the policy wants to know what may be tried (:class:`proofsearch.protocols.ReadsMoves`).
    """

    def __init__(self, policy: AskedPolicy, value: LinearValue, calibration: Calibration) -> None:
        self._policy = policy
        self.reads_moves = policy.reads_moves
        self._value = QuickValue(value)
        self._calibration = calibration

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """One value a request, in nats of log-probability; ``None`` where the policy says nothing."""
        found = self._policy.summaries([GenerationRequest(one.theorem, one.state, one.moves) for one in requests])
        value = self._value
        return [None if row is None else value(row) for row in found]

    def calibration(self) -> Calibration:
        """How the value is mixed with log-probability."""
        return self._calibration

    def close(self) -> None:
        """Ends the session in which recorded states were found. Idempotent."""
        self._policy.close()


def untrained() -> tuple[LinearValue, Calibration]:
    """The value that needs no training, and its mixing: added to the log-probability as it is."""
    weights = np.array([_UNTRAINED.get(column, 0.0) for column in COLUMNS])
    zeros, ones = np.zeros(len(COLUMNS)), np.ones(len(COLUMNS))
    value = LinearValue(zeros, ones, weights, zeros)
    return value, Calibration(-0.5, 0.5, -5.0, 5.0, 0.5 / 5.5, 1 / 5.5)


def read_value(folder: Path, *, force: bool) -> tuple[LinearValue, Calibration, Manifest]:
    """A checkpoint's value, its mixing, and what it says of itself.

    Raises:
        InputError: no checkpoint of the trainer, or a damaged one.
    """
    manifest = read_manifest(folder, kind="scorer", name=NAME)
    value = LinearValue.read(folder / MODEL)
    mixing = Mixing.from_json(manifest.metrics[MIXING])
    return value, mixing.calibration(force=force), manifest


def make_confidence(config: ConfidenceConfig, builder: Builder) -> ConfidenceScorer:
    """Builds the scorer ``confidence`` beside the run's own policy."""
    policy = AskedPolicy(builder.generator(), builder.environment(), builder.search.candidates)
    if config.path is None:
        return ConfidenceScorer(policy, *untrained())
    value, calibration, manifest = read_value(config.path, force=config.force)
    if manifest.policies and (found := policy.fingerprint()) not in manifest.policies:  # earlier ones name none
        builder.status(
            f"{NAME}: {config.path} was fitted to the policy {manifest.fingerprints[POLICY]}, and this search has "
            f"{found}; if the one stands in for the other, as folds do, the training notes it with --confidence-beside "
            f"{found}"
        )
    return ConfidenceScorer(policy, value, calibration)
