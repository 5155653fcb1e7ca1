"""What a training goes on from: whole or absent, whatever fails in between."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from proofsearch import storage
from proofsearch.errors import InputError, StorageError
from proofsearch.trainers.generation import holds_generation, load_generation, save_generation

FILES = {"weights.bin": b"\x00\xff", "values.json": b"{}"}


def test_a_generation_comes_back_exactly(tmp_path: Path) -> None:
    assert load_generation(tmp_path) is None
    assert not holds_generation(tmp_path)
    save_generation(tmp_path, 3, FILES)
    found = load_generation(tmp_path)
    assert found is not None
    assert (found.step, found.contents, found.path) == (3, FILES, tmp_path / "state-00000003")
    assert holds_generation(tmp_path)


def test_only_the_newest_is_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_generation(tmp_path, step, FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.json", "state-00000003"]


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_full_disk_leaves_the_one_before_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    save_generation(tmp_path, 1, FILES)
    whole, count = storage.write_whole, [0]

    def full(path: Path, content: bytes) -> None:
        count[0] += 1
        if count[0] == fails_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(storage, "write_whole", full)
    with pytest.raises(StorageError, match=r"No space left.*state-00000001, is whole.*--resume"):
        save_generation(tmp_path, 2, FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.json", "state-00000001"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "latest.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "latest.json").write_text('{"format": 9, "folder": "", "files": {}}'), "upgrade"),
        (lambda folder: (folder / "latest.json").write_text('{"format": 1, "folder": "../x", "files": {}}'), "'../x'"),
        (lambda folder: (folder / "state-00000003/weights.bin").unlink(), "can't be read"),
        (lambda folder: (folder / "state-00000003/weights.bin").write_bytes(b""), "not what latest.json says"),
    ],
)
def test_damage_is_refused_in_words(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    save_generation(tmp_path, 3, FILES)
    damage(tmp_path)
    with pytest.raises(InputError, match=message):
        load_generation(tmp_path)
