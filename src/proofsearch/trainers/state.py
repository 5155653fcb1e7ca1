"""What a training is resumed from as if it had never stopped: a state of tensors and JSON values, whole or absent.

A state is a folder ``state-<step>`` in the checkpoint folder. ``latest.json``, written last, says which one holds and
the hash of every file in it, so that weights of one step are never paired with an optimiser of another. A search never
reads it: it reads what the manifest names (:mod:`proofsearch.checkpoint`), which a trainer writes when it is done.
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

from proofsearch import storage
from proofsearch.checkpoint import check_format
from proofsearch.errors import InputError, StorageError
from proofsearch.trainers.tensors import Arrays, pack, unpack

FORMAT = 1
"""The version of ``latest.json`` that this module writes, and the newest that it reads."""
LATEST = "latest.json"
"""The pointer's name in the checkpoint folder."""
VALUES = "training.json"
"""The file of the JSON values in a state's folder."""
_NAME = re.compile(r"state-(\d+)")
_AGAIN = "train again into another folder"


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
    """Writes a state, points to it, and only then deletes the one before.

    One of the same step is left as it is: training is deterministic, so it is this very one.

    Args:
        folder: the checkpoint folder.
        state: of the training.

    Raises:
        StorageError: it can't be written; the state before is whole and still the one that counts.
    """
    path = folder / f"state-{state.step:08d}"
    pointed = _pointed(folder)
    if pointed == path.name and path.is_dir():
        return
    contents = {f"{group}.safetensors": pack(tensors) for group, tensors in state.tensors.items()}
    contents[VALUES] = json.dumps(dict(state.values)).encode("ascii")
    try:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        for name, content in contents.items():
            storage.write_whole(path / name, content)
        storage.sync_folder(folder)
        files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        pointer = {"format": FORMAT, "folder": path.name, "files": files}
        storage.write_whole(folder / LATEST, json.dumps(pointer, indent=2).encode("ascii") + b"\n")
    except BaseException as error:
        if _pointed(folder) != path.name:
            shutil.rmtree(path, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        kept = "nothing was saved before" if pointed is None else f"what was saved before, {pointed}, is whole"
        raise StorageError(
            f"{path}: can't be written: {error.strerror or error}; {kept}; make room, then resume with --resume"
        ) from error
    for other in folder.iterdir():
        if _NAME.fullmatch(other.name) and other.name != path.name:
            shutil.rmtree(other, ignore_errors=True)


def load_state(folder: Path) -> TrainingState | None:
    """The state that counts; ``None`` where nothing was saved.

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
        raise InputError(f"{file}: damaged: {error!r}; {_AGAIN}") from None
    check_format(version, FORMAT, file)
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise InputError(f"{file}: damaged: it points to {name!r}; {_AGAIN}")
    tensors, values = {}, None
    for entry, expected in files.items():
        path = folder / name / Path(entry).name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: can't be read: {error.strerror or error}; {_AGAIN}") from None
        if hashlib.sha256(content).hexdigest() != expected:
            raise InputError(f"{path}: its content is not what {LATEST} says; {_AGAIN}")
        if path.name == VALUES:
            values = json.loads(content)
        else:
            tensors[path.name.removesuffix(".safetensors")] = unpack(content, path)
    if not isinstance(values, dict):
        raise InputError(f"{folder / name}: damaged: no {VALUES} with what a training is resumed from; {_AGAIN}")
    return TrainingState(int(found[1]), tensors, values)


def _pointed(folder: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((folder / LATEST).read_bytes())["folder"])
    return None
