"""Policies of which none has learnt the proofs of its own fold, and which of them answers for a theorem. No torch here.

A training with ``folds`` K makes K + 1 policies in one folder. The theorems of the split ``train`` fall into K folds,
each by a hash of its own name; ``fold-<k>`` learnt from the proofs of all folds but the k-th, ``whole`` from all. A
theorem of the split ``train`` is answered by the policy of its fold, every other one by ``whole``. So nothing that is
searched, recorded or measured with such a folder comes from a policy that had learnt the theorem's proof, which each
policy's own list of what it learnt from is asked about again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar

from proofsearch import Theorem
from proofsearch.checkpoint import MANIFEST, Manifest, check_format, read_manifest, write_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch_metamath.config import NAME
from proofsearch_metamath.ranker.weights import Weights, load_weights

FORMAT = 2
"""The version of the manifest's ``config`` of several policies; that of one policy's weights has versions of its own,
all below this, so that those who read only these refuse a folder of several as too new."""
WHOLE = "whole"
"""The folder of the policy that answers for every theorem that is in no fold."""
HASH = "the first 8 bytes, big-endian, of the SHA-256 of 'fold ' and the theorem's name in UTF-8, modulo count"
"""What :func:`fold_of` does, in words: it stands in the manifest, and folds by another hash are refused."""
SPLIT = "train"
"""The split whose theorems are in folds."""

Opened = TypeVar("Opened")


def fold_of(name: str, count: int) -> int:
    """The fold of a theorem, from 0, by its name alone: see :data:`HASH`."""
    return int.from_bytes(hashlib.sha256(f"fold {name}".encode()).digest()[:8], "big") % count


def fold_name(fold: int | None) -> str:
    """The folder of the policy without a fold, inside that of all; ``None``: of the policy with all of them."""
    return WHOLE if fold is None else f"fold-{fold}"


@dataclass(frozen=True, slots=True)
class Folds:
    """Several policies as they were read.

    Attributes:
        folder: where from.
        count: how many folds there are.
        policies: the folder of each fold's policy, inside ``folder``.
        others: the folder of the policy for every theorem that is in no fold.
    """

    folder: Path
    count: int
    policies: Sequence[str]
    others: str

    def name_for(self, theorem: Theorem) -> str:
        """The folder, inside ``folder``, of the policy that answers for a theorem."""
        return self.policies[fold_of(theorem.name, self.count)] if theorem.split == SPLIT else self.others

    @property
    def names(self) -> Sequence[str]:
        """The folders of all policies, inside ``folder``."""
        return [*self.policies, self.others]


def read_folds(folder: Path) -> Folds | None:
    """The policies of a folder; ``None`` where it holds the weights of one policy.

    Raises:
        InputError: it holds neither, or is damaged, or its folds were made by another hash.
    """
    manifest = read_manifest(folder, kind="generator", name=NAME)
    found = manifest.config.get("folds")
    if found is None:
        return None
    source = folder / MANIFEST
    check_format(manifest.config.get("format"), FORMAT, source, "config.format", "proofsearch-metamath")
    if not isinstance(found, dict) or found.keys() != {"count", "hash", "split", "policies", "others"}:
        raise InputError(f"{source}: damaged: config.folds is {found!r}, expected count, hash, split, policies, others")
    if (found["hash"], found["split"]) != (HASH, SPLIT):
        raise InputError(
            f"{source}: its folds are those of the split {found['split']!r} by {found['hash']!r}; this "
            f"proofsearch-metamath knows those of {SPLIT!r} by {HASH!r} only; train again"
        )
    count, policies = found["count"], found["policies"]
    if not isinstance(policies, list) or type(count) is not int or count != len(policies) or count < 2:
        raise InputError(f"{source}: damaged: {count!r} folds and the policies {policies!r}")
    for name in (*policies, found["others"]):
        if f"{name}/{MANIFEST}" not in manifest.files:
            raise InputError(f"{source}: damaged: it names the policy {name!r}, but no file {name}/{MANIFEST}")
    return Folds(folder, count, policies, found["others"])


def write_folds(
    folder: Path,
    count: int,
    *,
    training: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    metrics: Mapping[str, Any],
) -> Manifest:
    """Completes a folder of several policies, whose weights are in place.

    Args:
        folder: has a folder of weights for each fold, and one for the whole.
        count: how many folds there are.
        training: the options of the training, as JSON.
        fingerprints: of the database.
        metrics: JSON values.

    Raises:
        InputError: weights are missing.
        StorageError: the manifest can't be written.
    """
    policies = [fold_name(fold) for fold in range(count)]
    folds = {"count": count, "hash": HASH, "split": SPLIT, "policies": policies, "others": WHOLE}
    manifest = Manifest(
        "generator",
        NAME,
        config={"format": FORMAT, "folds": folds, "training": dict(training)},
        versions={package: metadata.version(package) for package in ("proofsearch", "proofsearch-metamath", "torch")},
        fingerprints=fingerprints,
        metrics=metrics,
    )
    # Each policy's manifest has the hashes of its weights.
    return write_manifest(folder, manifest, [f"{name}/{MANIFEST}" for name in (*policies, WHOLE)])


def refuse_learnt(weights: Weights, theorem: Theorem) -> None:
    """Refuses a policy of several that has learnt a theorem's proof, or doesn't say what it has learnt.

    Raises:
        InputError: it has; the folder's policies were mixed up, or the theorems' splits are others than in training.
    """
    if weights.learnt is None:
        raise InputError(
            f"{weights.folder}: these weights don't say whose proofs they learnt, so nobody knows whether they may "
            f"answer for {theorem.name}; train the folds again"
        )
    if theorem.name in weights.learnt:
        raise InputError(
            f"{weights.folder}: this policy was to answer for {theorem.name}, whose proof it has learnt; the policies "
            f"beside it were mixed up, or the theorem was of another split when they were trained; copy the folder "
            f"again or train the folds again"
        )


class Policies(Generic[Opened]):
    """The policies of a folder, each opened when it is first asked for.

    A folder with the weights of one policy has that one for every theorem; it may have learnt the theorem's proof.

    Args:
        folder: of one policy's weights, or of several.
        open_: makes of weights what answers.
    """

    def __init__(self, folder: Path, open_: Callable[[Weights], Opened]) -> None:
        self._folder = folder
        self._open = open_
        self._folds = read_folds(folder)
        self._opened: dict[str, tuple[Weights, Opened]] = {}

    def prepare(self) -> None:
        """Opens every policy."""
        for name in ["."] if self._folds is None else self._folds.names:
            self._of(name)

    def of(self, theorem: Theorem) -> Opened:
        """What answers for a theorem.

        Raises:
            InputError: weights that are damaged, or that have learnt the theorem's proof where folds say otherwise.
        """
        if self._folds is None:
            return self._of(".")[1]
        weights, opened = self._of(self._folds.name_for(theorem))
        refuse_learnt(weights, theorem)
        return opened

    @property
    def single(self) -> Opened:
        """What answers for every theorem.

        Raises:
            UsageError: there are several policies.
        """
        if self._folds is not None:
            raise UsageError(
                f"{self._folder}: holds policies of {self._folds.count} folds, and the vectors of each mean something "
                f"else; use their statistics alone, or one policy: a folder inside it"
            )
        return self._of(".")[1]

    def _of(self, name: str) -> tuple[Weights, Opened]:
        found = self._opened.get(name)
        if found is None:
            weights = load_weights(self._folder / name)
            found = self._opened[name] = weights, self._open(weights)
        return found
