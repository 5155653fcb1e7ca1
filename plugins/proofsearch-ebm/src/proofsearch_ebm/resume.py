"""What a training needs to go on as if it had never stopped, saved as one generation that is whole or absent.

A generation is a folder ``state-<step>`` of safetensors and JSON. ``latest.json``, written last, says which one holds
and the hash of every file in it, so that weights of one step are never paired with an optimiser of another.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proofsearch import storage
from proofsearch.errors import InputError
from proofsearch_ebm.tensors import Arrays, pack, read_tensors, writing

FORMAT = 1
"""The version of a generation that this module writes, and the newest that it reads."""
LATEST = "latest.json"
"""The pointer's name in the checkpoint folder."""
_VALUES = "training.json"
_GENERATION = re.compile(r"state-\d+")


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
    """Writes a generation, points to it, and only then deletes the one before.

    Raises:
        StorageError: it can't be written; the generation before is whole and still the one that counts.
    """
    generation = folder / f"state-{state.step:08d}"
    pointed = _pointed(folder)
    if pointed == generation.name and generation.is_dir():
        return  # training is deterministic: it is this very state
    contents = {f"{group}.safetensors": pack(tensors) for group, tensors in state.tensors.items()}
    contents[_VALUES] = json.dumps({"step": state.step} | dict(state.values)).encode("ascii")
    kept = "nothing was saved before" if pointed is None else f"what was saved before, {pointed}, is whole"
    with writing(generation, kept):
        try:
            shutil.rmtree(generation, ignore_errors=True)
            generation.mkdir()
            for name, content in contents.items():
                storage.write_whole(generation / name, content)
            storage.sync_folder(folder)
            pointer = {
                "format": FORMAT,
                "folder": generation.name,
                "files": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
            }
            storage.write_whole(folder / LATEST, json.dumps(pointer, indent=2).encode("ascii") + b"\n")
        except BaseException:
            if _pointed(folder) != generation.name:
                shutil.rmtree(generation, ignore_errors=True)
            raise
    for other in folder.iterdir():
        if _GENERATION.fullmatch(other.name) and other.name != generation.name:
            shutil.rmtree(other, ignore_errors=True)


def load_state(folder: Path) -> TrainingState | None:
    """The generation that counts; ``None`` where nothing was saved.

    Raises:
        InputError: of a newer format, or damaged.
    """
    file = folder / LATEST
    try:
        pointer = json.loads(file.read_bytes())
        version, name, files = pointer["format"], pointer["folder"], dict(pointer["files"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{file}: can't be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: damaged: {error!r}; train again into another folder") from None
    if not isinstance(version, int) or version > FORMAT:
        raise InputError(
            f"{file}: a training saved in format {version}, this proofsearch-ebm reads up to {FORMAT}; "
            f"upgrade with: pip install -U proofsearch-ebm"
        )
    if not isinstance(name, str) or not _GENERATION.fullmatch(name) or _VALUES not in files:
        raise InputError(f"{file}: damaged: it points to {name!r}; train again into another folder")
    tensors: dict[str, Arrays] = {}
    values: dict[str, Any] = {}
    for entry, expected in files.items():
        path = folder / name / Path(entry).name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: can't be read: {error.strerror or error}; train again") from None
        if hashlib.sha256(content).hexdigest() != expected:
            raise InputError(f"{path}: its content is not what {LATEST} says; train again into another folder")
        if entry == _VALUES:
            values = json.loads(content)
        else:
            tensors[path.stem] = read_tensors(path)
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


def holds_training(folder: Path) -> bool:
    """Whether a training was saved there."""
    return (folder / LATEST).is_file()


def _pointed(folder: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((folder / LATEST).read_bytes())["folder"])
    return None
