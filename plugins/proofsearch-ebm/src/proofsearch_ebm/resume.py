"""What a training of the energy-based model needs to go on as if it had never stopped: a generation of tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proofsearch.errors import InputError
from proofsearch.generation import load_generation, save_generation
from proofsearch_ebm.tensors import Arrays, pack, unpack

_VALUES = "training.json"


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Everything of a training at the end of one step.

    Attributes:
        step: how many were made.
        tensors: groups of arrays by name, for example ``{"head": to_arrays(head.state_dict())}``.
        values: the rest, as JSON values.
    """

    step: int
    tensors: Mapping[str, Arrays]
    values: Mapping[str, Any]


def save_state(folder: Path, state: TrainingState) -> None:
    """Writes a generation; see :func:`proofsearch.generation.save_generation`.

    Raises:
        StorageError: it can't be written; the generation before is whole and still the one that counts.
    """
    contents = {f"{group}.safetensors": pack(tensors) for group, tensors in state.tensors.items()}
    contents[_VALUES] = json.dumps({"step": state.step} | dict(state.values)).encode("ascii")
    save_generation(folder, state.step, contents)


def load_state(folder: Path) -> TrainingState | None:
    """The generation that counts; ``None`` where nothing was saved.

    Raises:
        InputError: of a newer format, or damaged.
    """
    found = load_generation(folder)
    if found is None:
        return None
    if _VALUES not in found.contents:
        raise InputError(f"{found.path}: damaged: it has no {_VALUES}; train again into another folder")
    values = json.loads(found.contents[_VALUES])
    tensors = {
        name.removesuffix(".safetensors"): unpack(content, found.path / name)
        for name, content in found.contents.items()
        if name != _VALUES
    }
    return TrainingState(int(values.pop("step")), tensors, values)


def to_arrays(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    """A copy of tensors as arrays, bit for bit."""
    return {name: np.array(tensor.detach().cpu().numpy()) for name, tensor in tensors.items()}


def to_tensors(arrays: Arrays) -> dict[str, Tensor]:
    """A copy of arrays as tensors, bit for bit."""
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def optimiser_state(optimiser: torch.optim.Optimizer) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """An optimiser's state: arrays by ``"<parameter>.<name>"``, and its groups as JSON values."""
    state = optimiser.state_dict()
    tensors = {f"{parameter}.{name}": value for parameter, of in state["state"].items() for name, value in of.items()}
    return to_arrays(tensors), state["param_groups"]


def restore_optimiser(optimiser: torch.optim.Optimizer, arrays: Arrays, groups: list[dict[str, Any]]) -> None:
    """Puts back what :func:`optimiser_state` took out."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in to_tensors(arrays).items():
        parameter, _, name = key.partition(".")
        state.setdefault(int(parameter), {})[name] = value
    groups = [{key: tuple(value) if key == "betas" else value for key, value in group.items()} for group in groups]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
