"""What a training by steps is resumed from as if it had never stopped: a generation of tensors and JSON values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsearch.errors import InputError
from proofsearch.trainers.generation import load_generation, save_generation
from proofsearch.trainers.tensors import Arrays, pack, unpack

VALUES = "training.json"
"""The file of the JSON values in a generation."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Everything of a training at the end of one step.

    Attributes:
        step: how many were made.
        tensors: groups of arrays by name, for example ``{"model": to_arrays(model.state_dict())}``.
        values: the rest, as JSON values; what the training was begun with too.
    """

    step: int
    tensors: Mapping[str, Arrays]
    values: Mapping[str, Any]


def save_state(folder: Path, state: TrainingState) -> None:
    """Writes a generation; see :func:`proofsearch.trainers.generation.save_generation`.

    Raises:
        StorageError: it can't be written; the generation before is whole and still the one that counts.
    """
    contents = {f"{group}.safetensors": pack(tensors) for group, tensors in state.tensors.items()}
    contents[VALUES] = json.dumps(dict(state.values)).encode("ascii")
    save_generation(folder, state.step, contents)


def load_state(folder: Path) -> TrainingState | None:
    """The generation that counts; ``None`` where nothing was saved.

    Raises:
        InputError: of a newer format, or damaged.
    """
    found = load_generation(folder)
    if found is None:
        return None
    try:
        values = dict(json.loads(found.contents[VALUES]))
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{found.path}: damaged: no {VALUES} with what a training is resumed from ({error!r}); train again into "
            f"another folder"
        ) from None
    tensors = {
        name.removesuffix(".safetensors"): unpack(content, found.path / name)
        for name, content in found.contents.items()
        if name != VALUES
    }
    return TrainingState(found.step, tensors, values)
