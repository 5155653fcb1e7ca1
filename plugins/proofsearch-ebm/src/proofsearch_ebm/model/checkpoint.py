"""The checkpoint that a search reads: the head's tensors as safetensors, and the core's manifest.

Nothing here needs torch, so that a search's workers start fast.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proofsearch.checkpoint import MANIFEST, POLICY, Manifest, check_format, read_manifest
from proofsearch.errors import InputError
from proofsearch.trainers.tensors import Arrays, read_tensors, tensors_file, write_tensors
from proofsearch_ebm.config import PartsKind
from proofsearch_ebm.model.architecture import HeadConfig
from proofsearch_ebm.model.folded import FoldedHead, fold_tensors

FORMAT = 2
"""The newest version of the manifest's ``config`` that this module reads.

It writes version 1 where the second output is one number, which earlier versions of this package can read.
"""
THEOREMS = "theorems.json"
"""The file of the theorems that were learnt from; checkpoints of earlier versions have none."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as it was read.

    Attributes:
        folder: where from.
        head: folded for inference.
        encoders: those that it was trained with, in the order of their columns, with the options that they were built
            with.
        encoder_fingerprint: of all of them.
        policy_fingerprint: of the policy that one of them asked; ``""`` where none did.
        policies: the fingerprints of the policies that it is for: that one, and the one that it stood in for.
        parts: what the encoder encoded.
        with_theorem: whether it read every part together with its theorem.
        metrics: what was measured on it, the mixing included.
        head_config: the architecture of the head.
        file: the head's tensors as a training takes them.
        learnt: the names of the theorems that were learnt from; ``None`` where nobody noted them.
    """

    folder: Path
    head: FoldedHead
    encoders: Mapping[str, Mapping[str, Any]]
    encoder_fingerprint: str
    policy_fingerprint: str
    policies: frozenset[str]
    parts: PartsKind
    with_theorem: bool
    metrics: Mapping[str, Any]
    head_config: HeadConfig
    file: Path
    learnt: frozenset[str] | None


def save_checkpoint(
    folder: Path,
    head_config: HeadConfig,
    tensors: Arrays,
    *,
    step: int,
    encoders: Mapping[str, Mapping[str, Any]],
    parts: PartsKind,
    with_theorem: bool,
    training: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    metrics: Mapping[str, Any],
    learnt: Collection[str] | None = None,
) -> Manifest:
    """Writes a checkpoint; the folder's earlier one stays whole until this one is.

    Args:
        folder: exists.
        head_config: of the head.
        tensors: its state, as ``state_dict()`` gives it.
        step: after which it was taken.
        encoders: the options that each encoder was built with, as JSON, in the order of their columns.
        parts: what it encodes.
        with_theorem: whether it reads every part together with its theorem.
        training: the options of the training, as JSON.
        fingerprints: ``"encoder"``, those of policies (:class:`~proofsearch.checkpoint.Manifest`), and whatever else it
            fits together with.
        metrics: JSON values.
        learnt: the names of the theorems that were learnt from; ``None`` where nobody knows them all.

    Raises:
        StorageError: it can't be written; what was there is as it was.
    """
    (encoder, encoder_options), *appended = encoders.items()
    manifest = Manifest(
        "scorer",
        "ebm",
        config={
            "format": FORMAT if head_config.remaining_bounds else 1,
            "step": step,
            "encoder": encoder,
            "encoder_options": dict(encoder_options),
            "appended": {name: dict(options) for name, options in appended},
            "parts": parts,
            "with_theorem": with_theorem,
            "head": head_config.model_dump(
                mode="json", exclude=None if head_config.remaining_bounds else {"remaining_bounds"}
            ),
            "training": dict(training),
        },
        versions={package: metadata.version(package) for package in ("proofsearch", "torch")},
        fingerprints=fingerprints,
        metrics=metrics,
    )
    others = {} if learnt is None else {THEOREMS: json.dumps(sorted(learnt), separators=(",", ":")).encode()}
    return write_tensors(folder, manifest, tensors, name="head", step=step, others=others)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Reads a checkpoint and checks everything about it. Nothing in it is run.

    Raises:
        InputError: not a checkpoint of this scorer, of a newer format, damaged, or with tensors that are missing, left
            over, of another shape or type, or not finite. The message says which.
    """
    manifest = read_manifest(folder, kind="scorer", name="ebm")
    config = manifest.config
    source = folder / MANIFEST
    check_format(config.get("format"), FORMAT, source, "config.format", "proofsearch-ebm", " of the energy-based model")
    parts, encoder = config.get("parts"), config.get("encoder")
    encoder_options = config.get("encoder_options")
    fingerprint = manifest.fingerprints.get("encoder")
    if parts not in ("state", "goals"):
        raise InputError(f"{source}: damaged: config.parts is {parts!r}, expected 'state' or 'goals'")
    with_theorem = config.get("with_theorem")
    if not isinstance(with_theorem, bool):
        raise InputError(f"{source}: damaged: config.with_theorem is {with_theorem!r}, expected true or false")
    if not isinstance(encoder, str) or not isinstance(encoder_options, dict) or fingerprint is None:
        raise InputError(f"{source}: damaged: it does not say which encoder the checkpoint was trained with")
    appended = config.get("appended", {})  # earlier versions know one encoder only
    if not isinstance(appended, dict) or not all(isinstance(options, dict) for options in appended.values()):
        raise InputError(f"{source}: damaged: config.appended is {appended!r}, expected encoders and their options")
    try:
        head_config = HeadConfig.model_validate(config.get("head"))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("config", "head", *problem["loc"])))
        raise InputError(f"{source}: damaged: {place}: {problem['msg']}, found {problem['input']!r}") from None
    file = tensors_file(folder, manifest, "head")
    head = fold_tensors(head_config, read_tensors(file), file)
    return Checkpoint(
        folder,
        head,
        {encoder: encoder_options, **appended},
        fingerprint,
        manifest.fingerprints.get(POLICY, ""),
        manifest.policies or frozenset({""}),
        parts,
        with_theorem,
        manifest.metrics,
        head_config,
        file,
        _theorems(folder / THEOREMS) if THEOREMS in manifest.files else None,
    )


def _theorems(file: Path) -> frozenset[str]:
    try:
        names = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: can't be read: {error}; copy the checkpoint again or train it again") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{file}: damaged: expected a list of theorems' names")
    return frozenset(names)
