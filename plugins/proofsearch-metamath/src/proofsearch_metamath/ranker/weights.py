"""The ranker's weights on disk: tensors as safetensors, the assertions that they know, and the core's manifest.

Nothing here needs torch.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from proofsearch.checkpoint import MANIFEST, Manifest, check_format, read_manifest
from proofsearch.errors import InputError
from proofsearch.trainers.tensors import Arrays, Unread, read_tensors, tensors_file, write_tensors
from proofsearch_metamath.config import NAME
from proofsearch_metamath.ranker.architecture import Architecture
from proofsearch_metamath.ranker.bags import Floats
from proofsearch_metamath.ranker.features import FEATURES_VERSION

FORMAT = 1
"""The version of the manifest's ``config`` that this module writes, and the newest that it reads."""
DIVISIONS = {"folds": 2, "cuts": 3}
"""What the manifest's ``config`` of a folder of several policies has by one of these names, with its version; all are
above that of one policy's weights, so that those who read only these refuse a folder of several as too new."""
LABELS = "labels.json"
"""The file of the assertions that have a vector of their own."""
THEOREMS = "theorems.json"
"""The file of the theorems whose proofs were learnt from; weights of earlier versions have none."""
_HALVED = ("table", "context", "ids")
"""Tensors stored as float16: the large ones, of which each entry matters little."""
_NOT_DONE = ("unfinished", "interrupted")
"""What earlier versions noted of a training that was killed or stopped; now such a training leaves no weights."""
_AGAIN = "copy the weights again or train them again"

KnownLabel = tuple[str, str]
"""An assertion's label and the hash of what it says (``statement_hashes`` of the module ``statements``)."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights as they were read.

    Attributes:
        folder: where from.
        architecture: the shapes.
        tensors: float32, by name.
        labels: of the assertions with a vector of their own, in the tensors' order.
        manifest: what they say of themselves.
        learnt: the names of the theorems whose proofs were learnt from; ``None`` where nobody noted them.
    """

    folder: Path
    architecture: Architecture
    tensors: Mapping[str, Floats]
    labels: Sequence[KnownLabel]
    manifest: Manifest
    learnt: frozenset[str] | None = None


def save_weights(
    folder: Path,
    architecture: Architecture,
    tensors: Arrays,
    labels: Sequence[KnownLabel],
    *,
    learnt: Collection[str] | None,
    step: int,
    training: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    metrics: Mapping[str, Any],
) -> Manifest:
    """Writes weights; what the folder held before stays whole until these are.

    Args:
        folder: exists.
        architecture: the shapes.
        tensors: by name.
        labels: of the assertions with a vector of their own.
        learnt: the names of the theorems whose proofs were learnt from; ``None`` where nobody knows them all.
        step: after which they were taken.
        training: the options of the training, as JSON.
        fingerprints: of the database.
        metrics: JSON values.

    Raises:
        StorageError: they can't be written; what was there is as it was.
    """
    stored = {key: np.asarray(tensor, np.float16 if key in _HALVED else np.float32) for key, tensor in tensors.items()}
    manifest = Manifest(
        "generator",
        NAME,
        config={
            "format": FORMAT,
            "features": FEATURES_VERSION,
            "step": step,
            "architecture": asdict(architecture),
            "training": dict(training),
        },
        versions={package: metadata.version(package) for package in ("proofsearch", "proofsearch-metamath", "torch")},
        fingerprints=fingerprints,
        metrics=metrics,
    )
    others = {LABELS: list(labels)} | ({} if learnt is None else {THEOREMS: sorted(learnt)})
    files = {name: json.dumps(content, separators=(",", ":")).encode() for name, content in others.items()}
    return write_tensors(folder, manifest, stored, name="ranker", step=step, others=files)


def load_weights(folder: Path) -> Weights:
    """Reads weights and checks everything about them. Nothing in them is run.

    Raises:
        InputError: no weights of this generator, of a newer format or of other features, damaged, or with tensors that
            are missing, left over, of another shape or type, or not finite. The message says which.
    """
    manifest = read_manifest(folder, kind="generator", name=NAME)
    source = folder / MANIFEST
    if manifest.metrics.get("stopped") in _NOT_DONE:
        raise InputError(
            f"{folder}: weights of a training that did not come to its end: {manifest.metrics['stopped']} after step "
            f"{manifest.metrics.get('steps')}; such weights were kept by an earlier version, which can't resume "
            f"them; train again into another folder"
        )
    config = manifest.config
    if DIVISIONS.keys() & config.keys():
        raise InputError(
            f"{folder}: holds several policies, of which one is wanted here: a folder in it that has weights"
        )
    check_format(config.get("format"), FORMAT, source, "config.format", "proofsearch-metamath")
    features = config.get("features")
    if features != FEATURES_VERSION:
        raise InputError(
            f"{source}: the weights were trained on features of version {features!r}, this proofsearch-metamath makes "
            f"version {FEATURES_VERSION}; train them again with it: proofsearch train --plugin {NAME}"
        )
    architecture = _architecture(source, config.get("architecture"))
    file = tensors_file(folder, manifest, "ranker")
    if LABELS not in manifest.files:
        raise InputError(f"{source}: damaged: it names no file {LABELS}")
    labels = _labels(folder / LABELS, architecture.labels)
    unread = Unread(read_tensors(file), file, (np.float32, np.float16))
    found = {name: unread.take(name, *shape).astype(np.float32) for name, shape in architecture.shapes().items()}
    unread.refuse_rest()
    learnt = _theorems(folder / THEOREMS) if THEOREMS in manifest.files else None
    return Weights(folder, architecture, found, labels, manifest, learnt)


def _architecture(source: Path, value: object) -> Architecture:
    fields = {"rows": int, "width": int, "labels": int, "surroundings": bool}
    if not isinstance(value, dict) or value.keys() != fields.keys():
        raise InputError(f"{source}: damaged: config.architecture is {value!r}, expected {', '.join(fields)}")
    for name, kind in fields.items():
        if type(value[name]) is not kind or (kind is int and value[name] < 0):
            raise InputError(f"{source}: damaged: config.architecture.{name} is {value[name]!r}")
    if value["rows"] < 2 or value["rows"] & (value["rows"] - 1):
        raise InputError(f"{source}: damaged: config.architecture.rows is {value['rows']}, expected a power of two")
    return Architecture(**value)


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: can't be read: {error}; {_AGAIN}") from None


def _theorems(path: Path) -> frozenset[str]:
    found = _json(path)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise InputError(f"{path}: damaged: expected a list of names of theorems; {_AGAIN}")
    return frozenset(found)


def _labels(path: Path, count: int) -> list[KnownLabel]:
    found = _json(path)
    if not isinstance(found, list) or not all(
        isinstance(entry, list) and len(entry) == 2 and all(isinstance(text, str) for text in entry) for entry in found
    ):
        raise InputError(f"{path}: damaged: expected a list of pairs of label and hash; {_AGAIN}")
    if len(found) != count:
        raise InputError(f"{path}: has {len(found)} labels, {MANIFEST} says {count}; {_AGAIN}")
    return [(label, digest) for label, digest in found]
