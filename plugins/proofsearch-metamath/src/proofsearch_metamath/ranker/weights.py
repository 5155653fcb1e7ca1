"""The ranker's weights on disk: tensors as safetensors, the assertions that they know, and the core's manifest.

The tensors stand in ``ranker-<step>.safetensors`` and the manifest, written last, says which file it is: at every
moment the folder holds one whole checkpoint or none. Nothing here needs torch.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from proofsearch import storage
from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest, write_manifest
from proofsearch.errors import InputError, StorageError
from proofsearch_metamath.config import NAME
from proofsearch_metamath.ranker.architecture import Architecture
from proofsearch_metamath.ranker.bags import Floats
from proofsearch_metamath.ranker.features import FEATURES_VERSION

FORMAT = 1
"""The version of the manifest's ``config`` that this module writes, and the newest that it reads."""
LABELS = "labels.json"
"""The file of the assertions that have a vector of their own."""
_TENSORS = re.compile(r"ranker-\d+\.safetensors")
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
    """

    folder: Path
    architecture: Architecture
    tensors: Mapping[str, Floats]
    labels: Sequence[KnownLabel]
    manifest: Manifest


def save_weights(
    folder: Path,
    architecture: Architecture,
    tensors: Mapping[str, NDArray[Any]],
    labels: Sequence[KnownLabel],
    *,
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
        step: after which they were taken.
        training: the options of the training, as JSON.
        fingerprints: of the database.
        metrics: JSON values.

    Raises:
        StorageError: they can't be written; what was there is as it was.
    """
    name = f"ranker-{step:08d}.safetensors"
    stored = {
        key: np.asarray(tensor, np.float16 if key in _HALVED else np.float32, order="C")
        for key, tensor in tensors.items()
    }
    try:
        storage.write_whole(folder / name, safetensors_numpy.save(stored))
        storage.write_whole(folder / LABELS, json.dumps(list(labels), separators=(",", ":")).encode())
    except OSError as error:
        raise StorageError(
            f"{folder}: the weights can't be written: {error.strerror or error}; make room, then train again"
        ) from error
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
    written = write_manifest(folder, manifest, [name, LABELS])
    for file in folder.iterdir():
        if _TENSORS.fullmatch(file.name) and file.name != name:
            with contextlib.suppress(OSError):
                file.unlink()  # of the weights before; nothing reads it any more
    return written


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
    version = config.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f"{source}: damaged: config.format is {version!r}, expected a whole number from 1")
    if version > FORMAT:
        raise InputError(
            f"{source}: the weights have format {version}, this proofsearch-metamath reads up to {FORMAT}; upgrade "
            f"with: pip install -U proofsearch-metamath"
        )
    features = config.get("features")
    if features != FEATURES_VERSION:
        raise InputError(
            f"{source}: the weights were trained on features of version {features!r}, this proofsearch-metamath makes "
            f"version {FEATURES_VERSION}; train them again with it: proofsearch train --plugin {NAME}"
        )
    architecture = _architecture(source, config.get("architecture"))
    names = [name for name in manifest.files if _TENSORS.fullmatch(name)]
    if len(names) != 1 or LABELS not in manifest.files:
        raise InputError(
            f"{source}: damaged: it names {len(names)} files ranker-<step>.safetensors, expected one, and {LABELS}"
        )
    labels = _labels(folder / LABELS, architecture.labels)
    return Weights(folder, architecture, _tensors(folder / names[0], architecture), labels, manifest)


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


def _labels(path: Path, count: int) -> list[KnownLabel]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: can't be read: {error}; {_AGAIN}") from None
    if not isinstance(found, list) or not all(
        isinstance(entry, list) and len(entry) == 2 and all(isinstance(text, str) for text in entry) for entry in found
    ):
        raise InputError(f"{path}: damaged: expected a list of pairs of label and hash; {_AGAIN}")
    if len(found) != count:
        raise InputError(f"{path}: has {len(found)} labels, {MANIFEST} says {count}; {_AGAIN}")
    return [(label, digest) for label, digest in found]


def _tensors(path: Path, architecture: Architecture) -> dict[str, Floats]:
    try:
        found = safetensors_numpy.load(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except KeyError as error:
        raise InputError(f"{path}: holds numbers of type {error}, expected float32 or float16; {_AGAIN}") from None
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path}: not a safetensors file, or damaged: {error}; {_AGAIN}") from None
    shapes = architecture.shapes()
    for name, shape in shapes.items():
        tensor = found.get(name)
        if tensor is None:
            raise InputError(f"{path}: the tensor {name!r} is missing; {_AGAIN}")
        if tensor.shape != shape:
            raise InputError(f"{path}: the tensor {name!r} has shape {tensor.shape}, expected {shape}; {_AGAIN}")
        if tensor.dtype not in (np.float32, np.float16):
            raise InputError(f"{path}: the tensor {name!r} holds {tensor.dtype}, expected float32 or float16; {_AGAIN}")
        if not np.isfinite(tensor).all():
            raise InputError(f"{path}: the tensor {name!r} holds numbers that are not finite; train them again")
    unknown = sorted(found.keys() - shapes.keys())
    if unknown:
        raise InputError(f"{path}: the tensor {unknown[0]!r} belongs to no part of the ranker; {_AGAIN}")
    return {name: found[name].astype(np.float32) for name in shapes}
