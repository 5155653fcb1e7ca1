"""Tensors on disk: what goes in comes out, what does not fit is named, and a whole checkpoint is never lost."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proofsearch import storage
from proofsearch.checkpoint import Manifest, read_manifest
from proofsearch.errors import InputError, StorageError
from proofsearch.trainers.tensors import (
    Unread,
    optimiser_state,
    pack,
    read_tensors,
    restore_optimiser,
    tensors_file,
    write_tensors,
)

ARRAYS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3).T, "scalar": np.array(2.5, np.float32)}
MANIFEST = Manifest("scorer", "mine")


def write(folder: Path, step: int, **others: bytes) -> Manifest:
    return write_tensors(folder, MANIFEST, ARRAYS, name="model", step=step, others=others)


def test_a_checkpoint_is_read_as_it_was_written_and_replaces_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "model-new.safetensors").write_bytes(b"mine")
    write(tmp_path, 3)
    write(tmp_path, 12, labels=b"[]")
    assert {path.name for path in tmp_path.iterdir()} == {
        "labels",
        "manifest.json",
        "model-00000012.safetensors",
        "model-new.safetensors",
    }
    manifest = read_manifest(tmp_path)
    assert set(manifest.files) == {"labels", "model-00000012.safetensors"}
    found = read_tensors(tensors_file(tmp_path, manifest, "model"))
    assert {name: (array.shape, array.tobytes()) for name, array in found.items()} == {
        name: (array.shape, array.tobytes()) for name, array in ARRAYS.items()
    }
    with pytest.raises(InputError, match=r"names 0 files head-<step>\.safetensors"):
        tensors_file(tmp_path, manifest, "head")


@pytest.mark.parametrize("fails", ["model-00000012.safetensors", "labels", "manifest.json"])
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    write(tmp_path, 3)
    whole = storage.write_whole

    def full(path: Path, content: bytes) -> None:
        if path.name == fails:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(storage, "write_whole", full)
    with pytest.raises(StorageError, match=r"No space left on device; the (one|checkpoint) .* before is untouched"):
        write(tmp_path, 12, labels=b"[]")
    assert set(read_manifest(tmp_path).files) == {"model-00000003.safetensors"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("w"), "the tensor 'w' is missing"),
        (lambda arrays: arrays.update(w=np.zeros((3, 3), np.float32)), r"'w' has shape \(3, 3\), .* needs \(3, 2\)"),
        (lambda arrays: arrays.update(w=np.zeros((3, 2))), "'w' is of type float64, expected float32, as"),
        (lambda arrays: arrays.update(w=np.full((3, 2), np.inf, np.float32)), "'w' holds numbers that are not finite"),
        (lambda arrays: arrays.update(more=np.zeros(1)), "'more' belongs to no part"),
    ],
)
def test_tensors_that_do_not_fit_are_named(change: Callable[[dict[str, Any]], object], message: str) -> None:
    arrays = dict(ARRAYS)
    change(arrays)
    with pytest.raises(InputError, match=message):
        unread = Unread(arrays, "the file")
        unread.take("scalar")
        unread.take("w", 3, 2)
        unread.refuse_rest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1]), "a pickle"),
        (b"PK\x03\x04 and more", "a pickle"),
        (pack(ARRAYS)[:40], "not a safetensors file"),
    ],
)
def test_what_is_no_safetensors_file_is_refused_unopened(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_tensors(tmp_path / "x.safetensors")


def test_an_optimisers_state_comes_back() -> None:
    class Tensor:
        """What is used of a tensor."""

        def __init__(self, array: np.ndarray) -> None:
            self.array = array

        def detach(self) -> Tensor:
            return self

        cpu = detach

        def numpy(self) -> np.ndarray:
            return self.array

    class Optimiser:
        state: dict[str, Any]

        def state_dict(self) -> dict[str, Any]:
            return self.state

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            self.state = state_dict

    one, other = Optimiser(), Optimiser()
    array = np.arange(3.0)
    one.state = {
        "state": {0: {"step": Tensor(np.array(4.0)), "exp_avg": Tensor(array)}, 11: {"step": Tensor(np.array(5.0))}},
        "param_groups": [{"lr": 0.5, "betas": (0.9, 0.99), "params": [0, 11]}],
    }
    arrays, groups = optimiser_state(one)
    array += 1  # a copy was taken
    as_json = [{**group, "betas": list(group["betas"])} for group in groups]
    restore_optimiser(other, arrays, as_json, Tensor)
    assert other.state["param_groups"] == one.state["param_groups"]
    restored = {
        number: {key: of.array.tolist() for key, of in named.items()} for number, named in other.state["state"].items()
    }
    assert restored == {0: {"step": 4.0, "exp_avg": [0.0, 1.0, 2.0]}, 11: {"step": 5.0}}
