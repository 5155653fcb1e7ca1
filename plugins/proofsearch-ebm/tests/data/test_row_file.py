"""Rows in a file: what was written comes back, and nothing is left behind."""

from __future__ import annotations

import io
import tempfile

import numpy as np
import pytest
from proofsearch_ebm.data.row_file import RowFile

from proofsearch.errors import StorageError

WIDTH = 5


@pytest.fixture(params=["float32", "float16"])
def rows(request):
    return np.random.default_rng(0).normal(size=(40, WIDTH)).astype(request.param)


@pytest.fixture
def file(rows, tmp_path):
    made = RowFile(tmp_path / "out", WIDTH, rows.dtype)
    for chunk in np.split(rows, [1, 1, 17]):
        made.append(chunk)
    yield made
    made.close()


@pytest.mark.parametrize("numbers", [[], [0], [39], range(40), [3, 4, 5, 9, 10, 30], [7, 2, 2, 3, 39, 0]], ids=str)
def test_rows_come_back_in_the_order_asked_for(file, rows, numbers):
    found = file[np.array(numbers, np.int64)]
    assert (len(file), file.shape, file.dtype) == (40, (40, WIDTH), rows.dtype)
    assert (found.dtype, found.shape) == (rows.dtype, (len(numbers), WIDTH))
    assert np.array_equal(found, rows[list(numbers)])


def test_rows_that_are_kept_are_numbered_anew(file, rows):
    kept = np.array([2, 3, 4, 11, 38])
    file.keep(kept)
    assert file.shape == (5, WIDTH)
    assert np.array_equal(file[np.arange(5)], rows[kept])
    assert np.array_equal(file[np.array([3, 1])], rows[[11, 3]])


def test_the_folder_stays_empty_and_a_closed_file_gives_nothing(file, tmp_path):
    # A file with a name would stay where a training is killed.
    assert list((tmp_path / "out").iterdir()) == []
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file[np.array([0])]


class Raw(io.RawIOBase):
    """A disk that takes and gives a few bytes at a time, and no more than there is room."""

    def __init__(self, room):
        self.content, self.place, self.room = bytearray(), 0, room

    def seek(self, place, whence=0):
        self.place = place
        return place

    def write(self, content):
        if len(self.content) >= self.room:
            raise OSError(28, "No space left on device")
        taken = bytes(content[:7])
        self.content[self.place : self.place + len(taken)] = taken
        self.place += len(taken)
        return len(taken)

    def readinto(self, space):
        given = self.content[self.place : self.place + min(7, len(space))]
        space[: len(given)] = given
        self.place += len(given)
        return len(given)


def test_what_is_written_and_read_in_pieces_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: Raw(room=10_000))
    rows = np.arange(20, dtype=np.float32).reshape(4, WIDTH)
    file = RowFile(tmp_path, WIDTH, rows.dtype)
    file.append(rows)
    assert np.array_equal(file[np.array([0, 2, 3])], rows[[0, 2, 3]])
    with pytest.raises(StorageError, match="shorter than what was written"):
        file._file.content = file._file.content[:-3]
        file[np.array([3])]


def test_a_full_disk_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: Raw(room=30))
    file = RowFile(tmp_path, WIDTH, np.dtype(np.float32))
    with pytest.raises(StorageError, match=r"No space left.*--ebm-row-type float16.*--ebm-memory-megabytes.*--resume"):
        file.append(np.ones((4, WIDTH), np.float32))


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match=r"taken: encoded states that don't fit into memory can't be kept there"):
        RowFile(tmp_path / "taken", WIDTH, np.dtype(np.float32))
