"""The second tower's answer for a whole library, made once and kept in the cache.

It depends on the weights and on what the library's assertions say, and on nothing of a search. Weights know assertions
by label and by what they say: one that was renamed or that says something else now is read as one that training never
met.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from proofsearch import storage
from proofsearch.errors import InputError, StorageError
from proofsearch_metamath.config import NAME
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.ranker.bags import Ints
from proofsearch_metamath.ranker.features import FEATURES_VERSION
from proofsearch_metamath.ranker.reading import SymbolTable
from proofsearch_metamath.ranker.statements import read_statements, statement_hashes
from proofsearch_metamath.ranker.towers import AssertionVectors, Towers
from proofsearch_metamath.ranker.weights import Weights

_KNOWN_AT_LEAST = 0.25
"""Of the assertions that were learnt, or of the database's if these are fewer, so many must be the same: a part of the
database that weights were trained on, or another version of it, is fine, another logic is not."""
_VERSION = 1


def match_labels(weights: Weights, environment: MetamathEnvironment) -> tuple[Ints, int]:
    """Which of a database's assertions the weights know.

    Returns:
        For each provable assertion its place among those with a vector of their own, −1 where it has none; and how many
        of these the database doesn't have, or not with that statement.

    Raises:
        InputError: the weights were trained on another database altogether.
    """
    library = environment.library
    places = {entry: place for place, entry in enumerate(weights.labels)}
    entries = zip(library.provable_labels, statement_hashes(library), strict=True)
    found = np.array([places.get(entry, -1) for entry in entries], np.int64)
    known = int((found >= 0).sum())
    missing = len(places) - known
    if known < _KNOWN_AT_LEAST * min(len(weights.labels), len(library.provable)):
        raise InputError(
            f"{weights.folder}: {missing} of the {len(weights.labels)} assertions that these weights learnt are not in "
            f"{environment.path.name}, or say something else there: they are of another database "
            f"({weights.manifest.fingerprints.get('database', 'unknown')}). Train some for this one: proofsearch train "
            f"--plugin {NAME} --metamath-database {environment.path} --out DIR, then --{NAME}-path DIR"
        )
    return found, missing


def assertion_vectors(
    weights: Weights, towers: Towers, environment: MetamathEnvironment, cache: Path
) -> tuple[AssertionVectors, int]:
    """The vectors of a database's assertions, and how many of those that were learnt it doesn't have.

    Raises:
        InputError: the weights were trained on another database altogether.
        StorageError: the cache can't be written.
    """
    library = environment.library
    digest = hashlib.blake2b(digest_size=12)
    for text in (_VERSION, FEATURES_VERSION, library.tables.sha256, sorted(weights.manifest.files.items())):
        digest.update(f"{text}\n".encode())
    file = cache / NAME / f"{digest.hexdigest()}.npz"
    kept = _read(file, len(library.provable), weights.architecture.width)
    if kept is not None:
        return kept
    label_of, missing = match_labels(weights, environment)
    statements = read_statements(library, SymbolTable(library), weights.architecture.rows)
    found = towers.assertions(statements, label_of)
    _write(file, found, missing)
    return found, missing


def _read(file: Path, count: int, width: int) -> tuple[AssertionVectors, int] | None:
    """What was kept; ``None`` where there is none, or it is damaged: then it is made again."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            vectors, biases, missing = arrays["vectors"], arrays["biases"], int(arrays["missing"])
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
        return None
    if vectors.shape != (count, width) or biases.shape != (count,) or vectors.dtype != np.float32:
        return None
    return AssertionVectors(vectors, biases), missing


def _write(file: Path, found: AssertionVectors, missing: int) -> None:
    content = io.BytesIO()
    np.savez(content, vectors=found.vectors, biases=found.biases, missing=np.array(missing))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        storage.write_whole(file, content.getvalue())
    except OSError as error:
        raise StorageError(
            f"{file}: can't be written: {error.strerror or error}; make room, or choose another folder for the cache "
            f"with PROOFSEARCH_CACHE_DIR"
        ) from error
