"""Beginning a training with the head of an earlier one (a warm start).

The head is taken whole, with the standardisation of its inputs and its scale: only so is it the function that was
learnt. Fitted anew on other states, the columns would mean something else to the first layer. The optimiser, the
learning rate and the random numbers are those of any new training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from proofsearch.errors import InputError, UsageError
from proofsearch.trainers.settings import option_of
from proofsearch.trainers.tensors import Arrays, pack, read_tensors
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.model.architecture import HeadConfig
from proofsearch_ebm.model.checkpoint import Checkpoint, load_checkpoint
from proofsearch_ebm.model.head import EnergyHead

OPTION = "--ebm-start"
_NOT_OF_THE_WEIGHTS = frozenset({"dropout"})
"""What of an architecture a training may choose anew."""
_OPTIONS = {"width": "the encoders' columns", "remaining_bounds": "--ebm-buckets"}
"""What says an attribute of the architecture, where that is no option of its name."""
_NAMED = 3
"""Theorems that a message names."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a training begins with.

    Attributes:
        checkpoint: of the head.
        tensors: of the head, as ``state_dict()`` gives them.
        fingerprint: changes with the tensors.
    """

    checkpoint: Checkpoint
    tensors: Arrays
    fingerprint: str


def read_start(folder: Path) -> Start:
    """Reads the checkpoint to begin with.

    Raises:
        InputError: there is none, or it is damaged; the message begins with the option.
    """
    try:
        checkpoint = load_checkpoint(folder)
        tensors = read_tensors(checkpoint.file)
    except InputError as error:
        raise InputError(f"{OPTION}: {error}") from None
    return Start(checkpoint, tensors, hashlib.sha256(pack(tensors)).hexdigest())


def refuse_other(
    start: Start, config: EbmTrainerConfig, encoders: Mapping[str, Mapping[str, Any]], fingerprint: str
) -> None:
    """Refuses a head that was trained on other columns than a training has.

    Args:
        start: the head.
        config: the options of the training.
        encoders: the options of each encoder, as JSON, in the order of their columns.
        fingerprint: of all of them.

    Raises:
        UsageError: it was; the message says what differs.
    """
    checkpoint, folder = start.checkpoint, start.checkpoint.folder
    was, now = checkpoint.encoders, encoders
    if list(was) != list(now):
        _refuse("--ebm-encoder, --ebm-append", folder, " and ".join(was), " and ".join(now))
    for option, before, after in (
        ("--ebm-parts", checkpoint.parts, config.parts),
        ("--ebm-context", "theorem" if checkpoint.with_theorem else "none", config.context),
    ):
        if before != after:
            _refuse(option, folder, before, after)
    if checkpoint.encoder_fingerprint != fingerprint:
        for name in was:
            for _, option, before, after in changed_options(name, was[name], now[name]):
                _refuse(option, folder, before, after)
        _refuse(
            "--ebm-encoder",
            folder,
            f"an encoder of fingerprint {checkpoint.encoder_fingerprint}",
            f"one of {fingerprint}",
        )


def changed_options(
    component: str, was: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[tuple[str, str, Any, Any]]:
    """The options of a component that are others: field, name on the command line, and what they were and are."""
    for field in dict.fromkeys((*was, *now)):
        if was.get(field) != now.get(field):
            yield field, option_of(component, field), was.get(field), now.get(field)


def refuse_other_start(start: Start | None, before: str | None, out: Path) -> None:
    """Refuses to resume a training that began with another head than the option names now.

    Raises:
        InputError: it did.
    """
    if start is not None and start.fingerprint != before:
        raise InputError(
            f"{OPTION} {start.checkpoint.folder}: holds another head than the one that the training in {out} began "
            f"with; train into another folder"
        )


def refuse_other_head(start: Start, config: HeadConfig) -> None:
    """Refuses a head of another architecture than a training wants.

    Raises:
        UsageError: it is; the message says what differs.
    """
    was = start.checkpoint.head_config
    for name in HeadConfig.model_fields:
        before, after = getattr(was, name), getattr(config, name)
        if before != after and name not in _NOT_OF_THE_WEIGHTS:
            _refuse(_OPTIONS.get(name, f"--ebm-{name.replace('_', '-')}"), start.checkpoint.folder, before, after)


def started_head(start: Start, config: HeadConfig) -> EnergyHead:
    """A head of this architecture with the tensors of the checkpoint, which has it too."""
    head = EnergyHead(config)
    head.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in start.tensors.items()})
    return head


def refuse_learnt(start: Start, validating: Collection[str]) -> None:
    """Refuses to judge a head on theorems that it has learnt.

    Raises:
        UsageError: some theorem that was recorded to validate is among them.
    """
    known = sorted((start.checkpoint.learnt or frozenset()).intersection(validating))
    if known:
        some = ", ".join(known[:_NAMED]) + (", …" if len(known) > _NAMED else "")
        raise UsageError(
            f"{OPTION}: {start.checkpoint.folder} has learnt {len(known)} of the theorems that were recorded to "
            f"validate ({some}), and would be judged on what it knows; begin with a checkpoint that was trained with "
            f"the same split, or without this option"
        )


def _refuse(option: str, folder: Path, before: object, after: object) -> None:
    raise UsageError(
        f"{option}: the head to begin with, {folder}, was trained with {_said(before)}, found {_said(after)}; give the "
        f"same, or leave {OPTION} out"
    )


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
