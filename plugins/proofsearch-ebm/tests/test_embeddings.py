"""Rows on disk: found again, by their own encoder only, and damage is computed again."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from proofsearch_ebm.embeddings import EmbeddingCache, part_key
from proofsearch_ebm.parts import PartEncoder

from proofsearch.errors import StorageError

KEYS = [part_key(text) for text in ("p", "q", "r")]
ROWS = np.arange(1, 13, dtype=np.float32).reshape(3, 4)


def test_rows_come_back_bit_for_bit_in_the_order_asked_for(tmp_path):
    EmbeddingCache(tmp_path, "f", 4).put(KEYS[:2], ROWS[:2])
    cache = EmbeddingCache(tmp_path, "f", 4)
    cache.put(KEYS[2:], ROWS[2:])
    rows, found = cache.get([KEYS[2], part_key("unknown"), KEYS[0], KEYS[2]])
    assert found.tolist() == [True, False, True, True]
    assert np.array_equal(rows[found], ROWS[[2, 0, 2]])


def test_another_fingerprint_finds_nothing(tmp_path):
    # Would catch rows of last week's weights, or of another template, being trained on.
    EmbeddingCache(tmp_path, "f", 4).put(KEYS, ROWS)
    assert not EmbeddingCache(tmp_path, "g", 4).get(KEYS)[1].any()


def test_shards_moved_into_another_encoders_folder_are_not_read(tmp_path):
    cache, other = EmbeddingCache(tmp_path, "f", 4), EmbeddingCache(tmp_path, "g", 4)
    cache.put(KEYS, ROWS)
    shutil.copytree(cache.folder, other.folder)
    assert not other.get(KEYS)[1].any()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_a_damaged_shard_is_forgotten(tmp_path, damage):
    cache = EmbeddingCache(tmp_path, "f", 4)
    cache.put(KEYS[:2], ROWS[:2])
    (path,) = cache.folder.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[content.index(ROWS[1].tobytes())] ^= 1
    path.write_bytes({"cut": content[:-30], "flip": content, "empty": b"", "text": b"no zip file"}[damage])
    EmbeddingCache(tmp_path, "f", 4).put(KEYS[2:], ROWS[2:])
    again = EmbeddingCache(tmp_path, "f", 4)
    found = again.get(KEYS)[1]
    assert found.tolist() == [False, False, True]
    assert not path.exists()
    again.put(KEYS[:2], ROWS[:2])
    assert np.array_equal(again.get(KEYS)[0], ROWS)


def test_a_row_that_is_no_vector_is_damage(tmp_path):
    cache = EmbeddingCache(tmp_path, "f", 4)
    cache.put(KEYS, ROWS * np.array([[1], [0], [1]], np.float32))
    assert not cache.get(KEYS)[1].any()


def test_a_full_disk_says_so(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("proofsearch.storage.write_whole", full)
    with pytest.raises(StorageError, match=r"No space left on device.*switch the cache off"):
        EmbeddingCache(tmp_path, "f", 4).put(KEYS, ROWS)


def test_a_dataset_built_again_asks_the_encoder_nothing(tmp_path, table, write, letters):
    from proofsearch_ebm.dataset import build_dataset

    path = write("a", table("t", [("p & q", ["q", "r", "p & r"]), ("q", ["qed"])]))
    made = []
    for name in ("one", "one", "two"):
        inner = letters(name)
        encoder = PartEncoder(inner, "goals")
        cache = EmbeddingCache(tmp_path / "cache", encoder.fingerprint(), encoder.width)
        dataset = build_dataset(
            [path], encoder, min_expansions=1, max_states_per_theorem=9, seed=0, say=lambda line: None, cache=cache
        )
        made.append((sorted(inner.encoded), dataset.parts.rows))
    assert made[0][0] == ["p", "q", "r"]
    assert made[1][0] == []
    assert np.array_equal(made[0][1], made[1][1])
    assert made[2][0] == ["p", "q", "r"]
    assert not np.array_equal(made[0][1], made[2][1])
