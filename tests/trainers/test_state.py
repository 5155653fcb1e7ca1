"""The state of a training: whole or absent, bit for bit."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proofsearch import storage
from proofsearch.errors import InputError, StorageError
from proofsearch.trainers.state import TrainingState, load_state, save_state

LATEST_WITHOUT_VALUES = '{"format": 1, "folder": "state-00000003", "files": {}}'


def make_state(step: int, fill: float = 0.0) -> TrainingState:
    return TrainingState(
        step,
        {"head": {"w": np.full((2, 3), fill, np.float32)}, "empty": {}},
        {"best": float("-inf"), "list": [0.1, None]},
    )


def test_a_generation_comes_back_exactly(tmp_path: Path) -> None:
    save_state(tmp_path, make_state(3, 0.1))
    found = load_state(tmp_path)
    assert found is not None
    assert found.step == 3
    assert found.tensors["head"]["w"].tobytes() == make_state(3, 0.1).tensors["head"]["w"].tobytes()
    assert found.values == make_state(3).values
    assert load_state(tmp_path / "nowhere") is None


def test_only_the_newest_generation_is_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_state(tmp_path, make_state(step))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.json", "state-00000003"]


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_full_disk_leaves_the_generation_before_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    save_state(tmp_path, make_state(1, 1.0))
    whole, count = storage.write_whole, [0]

    def full(path: Path, content: bytes) -> None:
        count[0] += 1
        if count[0] == fails_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(storage, "write_whole", full)
    with pytest.raises(StorageError, match=r"No space left.*state-00000001, is whole.*--resume"):
        save_state(tmp_path, make_state(2, 2.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.json", "state-00000001"]
    found = load_state(tmp_path)
    assert found is not None and found.tensors["head"]["w"][0, 0] == 1.0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "latest.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "latest.json").write_text("[]"), "damaged"),
        (lambda folder: (folder / "latest.json").write_text('{"format": 9, "folder": "", "files": {}}'), "upgrade"),
        (
            lambda folder: (folder / "latest.json").write_text('{"format": 1, "folder": "../x", "files": {}}'),
            "points to '../x'",
        ),
        (lambda folder: (folder / "state-00000003/head.safetensors").unlink(), "can't be read"),
        (lambda folder: (folder / "state-00000003/training.json").write_text("{}"), "not what latest.json says"),
        (lambda folder: (folder / "latest.json").write_text(LATEST_WITHOUT_VALUES), r"damaged: no training\.json"),
    ],
)
def test_a_damaged_generation_is_refused_in_words(
    tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    save_state(tmp_path, make_state(3))
    damage(tmp_path)
    with pytest.raises(InputError, match=message):
        load_state(tmp_path)
