"""The scorer ``ridge``: reads what the trainer has written."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch.checkpoint import read_manifest
from proofsearch.errors import InputError
from proofsearch.protocols import ScoreRequest, ValueScorer
from proofsearch_ridge.config import RidgeConfig
from proofsearch_ridge.features import NAMES, features
from proofsearch_ridge.model import Ridge
from proofsearch_ridge.trainer import MODEL


class RidgeScorer(ValueScorer):
    """Values a state by minus the logarithm of the steps that are expected to remain: higher is better.

    Raises:
        InputError: no checkpoint of the trainer ``ridge``, of other features, or a damaged one.
    """

    def __init__(self, config: RidgeConfig) -> None:
        # Checks every file against its hash, and that the checkpoint is for this scorer.
        manifest = read_manifest(config.path, kind="scorer", name="ridge")
        found, known = manifest.fingerprints.get("features", ""), ", ".join(NAMES)
        if found != known:
            raise InputError(f"{config.path}: was trained on the features {found!r}, here are {known!r}; train again")
        self._model = Ridge.read(config.path / MODEL, len(NAMES))
        self._caution = config.caution

    def score(self, requests: Sequence[ScoreRequest]) -> list[float | None]:
        """One value a request, in order."""
        rows = features([request.state for request in requests])
        values = -(self._model.expected(rows) + self._caution * self._model.deviations(rows))
        return [float(value) for value in values]
