"""Arrays by name in safetensors files: data and nothing else, written and read without running anything.

A checkpoint's tensors stand in ``<name>-<step>.safetensors``, and its manifest says which file it is. Better ones are
written under another name and the manifest is replaced last, so at every moment the folder holds one whole checkpoint
or none.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from proofsearch import storage
from proofsearch.checkpoint import MANIFEST, Manifest, write_manifest, writing
from proofsearch.errors import InputError

Arrays = Mapping[str, NDArray[Any]]
"""Arrays by name."""

_PICKLES = (b"PK\x03\x04", b"\x80")
"""How files begin that torch.save and pickle write."""
_AGAIN = "copy the checkpoint again or train it again"


def pack(arrays: Arrays) -> bytes:
    """Arrays as a safetensors file, bit for bit."""
    # ascontiguousarray would turn a scalar into a vector.
    return safetensors_numpy.save({name: np.asarray(array, order="C") for name, array in arrays.items()})


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file. A pickle is refused, never opened.

    Raises:
        InputError: unreadable, or something else than a safetensors file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    return unpack(content, path)


def unpack(content: bytes, path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file that was read from ``path``; as :func:`read_tensors`."""
    # The length of a safetensors header can begin like a pickle, but after its eight bytes stands the header's brace.
    if content.startswith(_PICKLES) and content[8:9] != b"{":
        raise InputError(
            f"{path}: a pickle (such as torch.save writes) under the name of a safetensors file; a pickle can run "
            f"code, so it was not opened; get the checkpoint from a source that you trust, or train it again"
        )
    try:
        return safetensors_numpy.load(content)
    except KeyError as error:
        raise InputError(f"{path}: holds numbers of type {error}, expected float32; train it again") from None
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path}: not a safetensors file, or damaged: {error}; {_AGAIN}") from None


class Unread:
    """Arrays that are taken one by one, each checked, until none is left.

    Args:
        arrays: by name.
        source: where they come from, for errors.
        dtypes: what they may hold.
    """

    def __init__(self, arrays: Arrays, source: object, dtypes: Sequence[type[np.generic]] = (np.float32,)) -> None:
        self._rest = dict(arrays)
        self._source = source
        self._dtypes = dtypes

    def take(self, name: str, *shape: int) -> NDArray[Any]:
        """An array of this shape, with finite numbers.

        Raises:
            InputError: it is missing, of another shape or type, or holds what is no finite number.
        """
        array, where = self._rest.pop(name, None), f"{self._source}: the tensor {name!r}"
        if array is None:
            raise InputError(f"{where} is missing; {_AGAIN}")
        if array.shape != shape:
            raise InputError(
                f"{where} has shape {array.shape}, what the configuration describes needs {shape}; {_AGAIN}"
            )
        if array.dtype not in self._dtypes:
            expected = " or ".join(dtype.__name__ for dtype in self._dtypes)
            raise InputError(
                f"{where} is of type {array.dtype}, expected {expected}, as a training writes it; {_AGAIN}"
            )
        if not np.isfinite(array).all():
            raise InputError(f"{where} holds numbers that are not finite; train it again")
        return array

    def refuse_rest(self) -> None:
        """Checks that every array was taken.

        Raises:
            InputError: one was not.
        """
        if self._rest:
            raise InputError(
                f"{self._source}: the tensor {min(self._rest)!r} belongs to no part of what the configuration "
                f"describes; {_AGAIN}"
            )


def write_tensors(
    folder: Path, manifest: Manifest, arrays: Arrays, *, name: str, step: int, others: Mapping[str, bytes] | None = None
) -> Manifest:
    """Writes a checkpoint; the folder's earlier one stays whole until this one is, and its tensors are deleted then.

    Args:
        folder: exists.
        manifest: what to say; ``files`` is filled in.
        arrays: the tensors.
        name: of their file, before the step.
        step: after which they were taken.
        others: further files of the checkpoint by name.

    Returns:
        The manifest as written.

    Raises:
        StorageError: it can't be written; what was there is as it was.
    """
    file = f"{name}-{step:08d}.safetensors"
    kept = "the checkpoint that was there before is untouched"
    with writing(folder / file, kept if (folder / MANIFEST).exists() else "there is no checkpoint yet"):
        for other, content in ({file: pack(arrays)} | dict(others or {})).items():
            storage.write_whole(folder / other, content)
    written = write_manifest(folder, manifest, [file, *(others or {})])
    for older in folder.iterdir():
        if _is_tensors(older.name, name) and older.name != file:
            with contextlib.suppress(OSError):
                older.unlink()  # of the checkpoint before; nothing reads it any more
    return written


def tensors_file(folder: Path, manifest: Manifest, name: str) -> Path:
    """The file that :func:`write_tensors` wrote for this manifest.

    Raises:
        InputError: the manifest names none, or several.
    """
    files = [file for file in manifest.files if _is_tensors(file, name)]
    if len(files) != 1:
        raise InputError(
            f"{folder / MANIFEST}: damaged: it names {len(files)} files {name}-<step>.safetensors, expected one"
        )
    return folder / files[0]


def to_arrays(tensors: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """A copy of torch's tensors as arrays, bit for bit."""
    return {name: np.array(tensor.detach().cpu().numpy()) for name, tensor in tensors.items()}


def optimiser_state(optimiser: Any) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """The state of an optimiser of torch: arrays by ``"<parameter>.<name>"``, and its groups as JSON values."""
    state = optimiser.state_dict()
    tensors = {
        f"{parameter}.{name}": value for parameter, slots in state["state"].items() for name, value in slots.items()
    }
    return to_arrays(tensors), state["param_groups"]


def restore_optimiser(
    optimiser: Any, arrays: Arrays, groups: list[dict[str, Any]], to_tensor: Callable[[NDArray[Any]], Any]
) -> None:
    """Puts back what :func:`optimiser_state` took out.

    Args:
        optimiser: of equal parameters.
        arrays: its arrays.
        groups: its groups.
        to_tensor: makes a tensor of an array, which is a copy: ``torch.from_numpy``.
    """
    state: dict[int, dict[str, Any]] = {}
    for key, array in arrays.items():
        parameter, _, name = key.partition(".")
        state.setdefault(int(parameter), {})[name] = to_tensor(np.array(array))
    groups = [{key: tuple(value) if key == "betas" else value for key, value in group.items()} for group in groups]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def _is_tensors(file: str, name: str) -> bool:
    return re.fullmatch(rf"{re.escape(name)}-\d+\.safetensors", file) is not None
