"""What a training of the ranker needs to go on as if it had never stopped: a generation of tensors."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy
from torch import Tensor

from proofsearch.errors import InputError
from proofsearch.generation import load_generation, save_generation
from proofsearch_metamath.ranker.examples import Examples

FORMAT = 1
"""The version of the state that this module writes, and the newest that it reads."""
_VALUES = "training.json"

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class RankerState:
    """Everything of a training at the end of one step.

    Attributes:
        step: how many were made.
        tensors: groups of arrays by name.
        values: the rest, as JSON values.
    """

    step: int
    tensors: Mapping[str, Arrays]
    values: Mapping[str, Any]


def save_state(folder: Path, state: RankerState, origin: Mapping[str, Any]) -> None:
    """Writes a generation; see :func:`proofsearch.generation.save_generation`.

    Args:
        folder: the checkpoint folder.
        state: of the training.
        origin: JSON; what it was begun with.

    Raises:
        StorageError: it can't be written; the generation before is whole and still the one that counts.
    """
    # Not ascontiguousarray, which would turn a scalar into a vector.
    contents = {
        f"{group}.safetensors": safetensors_numpy.save({name: np.asarray(of, order="C") for name, of in arrays.items()})
        for group, arrays in state.tensors.items()
    }
    values = {"format": FORMAT, "values": dict(state.values), "origin": dict(origin)}
    contents[_VALUES] = json.dumps(values).encode("ascii")
    save_generation(folder, state.step, contents)


def load_state(folder: Path) -> tuple[RankerState, Mapping[str, Any]] | None:
    """The generation that counts, and what the training was begun with; ``None`` where nothing was saved.

    Raises:
        InputError: of a newer format, or damaged.
    """
    found = load_generation(folder)
    if found is None:
        return None
    try:
        values = json.loads(found.contents[_VALUES])
        if values["format"] != FORMAT:
            raise InputError(
                f"{found.path}: a training saved in format {values['format']!r}, this proofsearch-metamath reads "
                f"{FORMAT}; train again into another folder"
            )
        tensors = {
            name.removesuffix(".safetensors"): safetensors_numpy.load(content)
            for name, content in found.contents.items()
            if name != _VALUES
        }
    except (KeyError, ValueError, TypeError, SafetensorError) as error:
        raise InputError(f"{found.path}: not the state of a ranker's training: {error!r}; train again") from None
    return RankerState(found.step, tensors, values["values"]), values["origin"]


def data_hash(*examples: Examples) -> str:
    """Changes with anything that a training reads of its examples."""
    digest = hashlib.blake2b(digest_size=16)

    def note(value: object) -> None:
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                note(getattr(value, field.name))
        else:
            array = np.asarray(value)
            digest.update(f"{array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())

    for some in examples:
        note(some)
    return digest.hexdigest()


def arrays_of(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    """A copy of tensors as arrays, bit for bit."""
    return {name: np.array(tensor.detach().numpy()) for name, tensor in tensors.items()}


def tensors_of(arrays: Arrays) -> dict[str, Tensor]:
    """A copy of arrays as tensors, bit for bit."""
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
