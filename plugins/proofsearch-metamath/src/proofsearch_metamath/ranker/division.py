"""Several policies in one folder: what a way to divide theorems among them has to say, and how it is kept. No torch.

There are two ways: by a hash of the theorem's name (:mod:`proofsearch_metamath.ranker.folds`), and by its position in
the database (:mod:`proofsearch_metamath.ranker.cuts`). Either way nothing that is searched, recorded or measured with
such a folder comes from a policy that must not know the theorem; each policy's own list of what it learnt from is asked
about that again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from proofsearch import Theorem
from proofsearch.checkpoint import MANIFEST, Manifest, check_format, read_manifest, write_manifest
from proofsearch.errors import InputError
from proofsearch_metamath.config import NAME
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.ranker.weights import DIVISIONS, Weights

Order = Callable[[str], "int | None"]
"""The position of a theorem in the database at hand, by its name; ``None`` where the database lacks it."""


class Division(Protocol):
    """How theorems are divided among several policies."""

    @property
    def kind(self) -> str:
        """The option that asks for it, and its key in the manifest's ``config``: one of ``DIVISIONS``."""

    @property
    def count(self) -> int:
        """How many folds, or cuts."""

    @property
    def policies(self) -> Sequence[str]:
        """The folder of each policy, inside that of all, in the order in which they are trained."""

    @property
    def chained(self) -> bool:
        """Whether each policy begins with the weights of the one before it, of which it may know everything."""

    def bound(self, policy: str) -> int | None:
        """The first position that a policy must know nothing of; ``None``: there is none."""

    def learns(self, policy: str, theorem: Theorem) -> bool:
        """Whether a policy may learn the proof of a theorem of the split ``train``."""

    def answers(self, theorem: Theorem) -> str | None:
        """The policy that answers for a theorem; ``None``: none may."""

    def to_json(self) -> dict[str, Any]:
        """What the manifest keeps of it."""


def order_of(library: Library) -> Order:
    """The order of a prepared database."""
    frames = library.frames
    return lambda name: frames.position(name) if name in frames else None


def read_entry(folder: Path, kind: str, keys: set[str]) -> dict[str, Any] | None:
    """What a folder's manifest says of a division of this kind; ``None`` where it holds something else.

    Args:
        folder: of one policy, or of several.
        kind: of the division.
        keys: what has to be said.

    Raises:
        InputError: it holds no weights, or is damaged.
    """
    manifest = read_manifest(folder, kind="generator", name=NAME)
    found = manifest.config.get(kind)
    if found is None:
        return None
    source = folder / MANIFEST
    check_format(manifest.config.get("format"), DIVISIONS[kind], source, "config.format", "proofsearch-metamath")
    if not isinstance(found, dict) or found.keys() != keys:
        raise InputError(f"{source}: damaged: config.{kind} is {found!r}, expected {', '.join(sorted(keys))}")
    return found


def check_policies(folder: Path, policies: Sequence[Any]) -> None:
    """Refuses a manifest that names policies whose files it doesn't.

    Raises:
        InputError: it does.
    """
    source, files = folder / MANIFEST, read_manifest(folder, kind="generator", name=NAME).files
    for name in policies:
        if f"{name}/{MANIFEST}" not in files:
            raise InputError(f"{source}: damaged: it names the policy {name!r}, but no file {name}/{MANIFEST}")


def write_division(
    folder: Path,
    division: Division,
    *,
    training: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    metrics: Mapping[str, Any],
) -> Manifest:
    """Completes a folder of several policies, whose weights are in place.

    Args:
        folder: has a folder of weights for each policy.
        division: which policies they are.
        training: the options of the training, as JSON.
        fingerprints: of the database.
        metrics: JSON values.

    Raises:
        InputError: weights are missing.
        StorageError: the manifest can't be written.
    """
    manifest = Manifest(
        "generator",
        NAME,
        config={
            "format": DIVISIONS[division.kind],
            division.kind: division.to_json(),
            "training": dict(training),
        },
        versions={package: metadata.version(package) for package in ("proofsearch", "proofsearch-metamath", "torch")},
        fingerprints=fingerprints,
        metrics=metrics,
    )
    # Each policy's manifest has the hashes of its weights.
    return write_manifest(folder, manifest, [f"{name}/{MANIFEST}" for name in division.policies])


def refuse_learnt(weights: Weights, theorem: Theorem) -> None:
    """Refuses a policy of several that has learnt a theorem's proof, or doesn't say what it has learnt.

    Raises:
        InputError: it has; the folder's policies were mixed up, or the theorems' splits are others than in training.
    """
    if weights.learnt is None:
        raise InputError(
            f"{weights.folder}: these weights don't say whose proofs they learnt, so nobody knows whether they may "
            f"answer for {theorem.name}; train them again"
        )
    if theorem.name in weights.learnt:
        raise InputError(
            f"{weights.folder}: this policy was to answer for {theorem.name}, whose proof it has learnt; the policies "
            f"beside it were mixed up, or the theorem was of another split when they were trained; copy the folder "
            f"again or train them again"
        )


def refuse_later(weights: Weights, theorem: Theorem, latest: tuple[int, str]) -> None:
    """Refuses a policy that has learnt a proof which doesn't come before a theorem that it answers for.

    Args:
        weights: of the policy.
        theorem: asked about.
        latest: the last theorem of the database that the policy learnt, with its position before it.

    Raises:
        InputError: it has; the folder's policies were mixed up, or the database is in another order.
    """
    position, name = latest
    if theorem.position is None or position >= theorem.position:
        raise InputError(
            f"{weights.folder}: this policy was to answer for {theorem.name}, and has learnt the proof of {name}, "
            f"which doesn't come before it; the policies beside it were mixed up, or the database has "
            f"been put in another order since they were trained; copy the folder again or train them again"
        )
