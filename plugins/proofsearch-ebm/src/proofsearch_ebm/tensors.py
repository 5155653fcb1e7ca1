"""Arrays by name in safetensors files: data and nothing else, read without running anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from proofsearch.errors import InputError, StorageError

Arrays = Mapping[str, NDArray[Any]]
"""Arrays by name."""

_PICKLES = (b"PK\x03\x04", b"\x80")
"""How files begin that torch.save and pickle write."""


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
        raise InputError(
            f"{path}: not a safetensors file, or damaged: {error}; copy the checkpoint again or train it again"
        ) from None


@contextlib.contextmanager
def writing(path: Path, consequence: str) -> Iterator[None]:
    """Turns a failed write into an error for people.

    Raises:
        StorageError: names the file, what failed, and what that means.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path}: can't be written: {error.strerror or error}; {consequence}; make room, then resume with --resume"
        ) from error
