"""The trainer ``ridge``: how many steps remain from the states that recorded proofs led through.

The logarithm of the steps is learnt: to be two steps off matters near a proof and not far from one. How strong the
penalty should be is found by cross-validation, with all states of a theorem in one part.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

from proofsearch import storage
from proofsearch.checkpoint import MANIFEST, Manifest, write_manifest
from proofsearch.errors import InputError
from proofsearch.protocols import TrainingReport, TrainingRequest
from proofsearch.trainers.searches import LearnableSearches
from proofsearch_ridge.config import RidgeTrainerConfig
from proofsearch_ridge.features import NAMES, features
from proofsearch_ridge.model import Array, Ridge

MODEL = "model.json"
"""The file with what was learnt."""

PROGRESS = "progress.json"
"""The file with the errors of the penalties that were tried, during a training."""

_FIRST_PENALTY = 0.01


class RidgeTrainer:
    """See the module; a :class:`proofsearch.protocols.Trainer`. One step tries one penalty."""

    def __init__(self, config: RidgeTrainerConfig) -> None:
        self._config = config

    def train(self, request: TrainingRequest) -> Path:
        """Trains, or resumes the training, and writes the checkpoint.

        Raises:
            InputError: there is nothing to learn from, or too little to measure.
        """
        out = request.out
        if request.resume and (out / MANIFEST).exists():
            return out
        rows, targets, theorems = _examples(request)
        parts = _parts(theorems, self._config.folds, request.seed)
        penalties = [_FIRST_PENALTY * 10**step for step in range(self._config.penalties)]
        errors = _saved(out) if request.resume else []
        for penalty in penalties[len(errors) :]:
            errors.append(_error(rows, targets, parts, penalty))
            # Saved before it is told: Ctrl-C may come at any report, and a training resumes from what was saved.
            storage.write_whole(out / PROGRESS, json.dumps(errors).encode())
            request.report(TrainingReport(len(errors), len(penalties), {"loss": errors[-1]}))
        best = int(np.argmin(errors))
        Ridge.fit(rows, targets, penalties[best]).save(out / MODEL)
        manifest = Manifest(
            "scorer",
            "ridge",
            config=self._config.model_dump(mode="json"),
            versions={name: version(name) for name in ("proofsearch-ridge", "numpy")},
            fingerprints={"features": ", ".join(NAMES)},
            metrics={
                "penalty": penalties[best],
                "squared error": errors[best],
                "squared error of the mean": float(np.var(targets)),
                "states": len(targets),
                "theorems": len(set(theorems)),
            },
        )
        write_manifest(out, manifest, [MODEL])
        (out / PROGRESS).unlink(missing_ok=True)
        return out


def _examples(request: TrainingRequest) -> tuple[Array, Array, list[str]]:
    """Features, logarithms of the steps that remain, and the theorem, of each state that a proof led through."""
    rows, targets, theorems = [np.empty((0, len(NAMES)))], [np.empty(0)], list[str]()
    # Without those of the split test: what a model is measured on it must not have seen.
    for search in LearnableSearches(request.trajectories):
        remaining = np.array(search.labels.remaining)
        known = np.flatnonzero(remaining > 0)
        rows.append(features([search.state(int(node)) for node in known]))
        targets.append(np.log(remaining[known]))
        theorems += [search.theorem.name] * len(known)
    if len(set(theorems)) < 2:
        where = ", ".join(map(str, request.trajectories)) or "no trajectories"
        raise InputError(
            f"{where}: found proofs of {len(set(theorems))} theorems that may be learnt from, expected at least 2: one "
            f"to learn from and one to measure with; record more"
        )
    return np.concatenate(rows), np.concatenate(targets), theorems


def _parts(theorems: list[str], folds: int, seed: int) -> Array:
    """The part of each state: a number, the same for all states of a theorem."""
    names = sorted(set(theorems))
    places = np.random.default_rng(seed).permutation(len(names)) % min(folds, len(names))
    part_of = dict(zip(names, places, strict=True))
    return np.array([part_of[name] for name in theorems])


def _error(rows: Array, targets: Array, parts: Array, penalty: float) -> float:
    """The mean squared error on each part of what was learnt from the others."""
    squares = np.empty(len(targets))
    for part in np.unique(parts):
        inside = parts == part
        model = Ridge.fit(rows[~inside], targets[~inside], penalty)
        squares[inside] = np.square(model.expected(rows[inside]) - targets[inside])
    return float(squares.mean())


def _saved(out: Path) -> list[float]:
    """The errors of the penalties tried before; none where nothing was saved."""
    file = out / PROGRESS
    if not file.exists():
        return []
    try:
        return [float(error) for error in json.loads(file.read_bytes())]
    except (ValueError, TypeError) as error:
        raise InputError(f"{file}: damaged: {error}; train into another folder") from None
