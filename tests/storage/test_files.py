"""Files that appear whole, also where several writers are at it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from proofsearch.storage import PART_SUFFIX, write_whole

GUARD = 600.0
"""Seconds that only a hang reaches."""


def test_two_writers_of_one_file_write_after_each_other(tmp_path: Path) -> None:
    # Caches are filled by whoever needs them first, which may be several processes at once.
    file = tmp_path / "cached"
    second = threading.Thread(target=write_whole, args=(file, b"second"))

    def first(stream: BinaryIO) -> None:
        stream.write(b"first " * 1000)
        stream.flush()
        second.start()
        second.join(1.0)  # as far as it gets
        stream.write(b"last")

    write_whole(file, first)
    second.join(GUARD)
    assert not second.is_alive()
    assert file.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [file]


def test_a_leftover_of_a_kill_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.with_name(file.name + PART_SUFFIX).write_bytes(b"a long leftover")
    write_whole(file, b"short")
    assert file.read_bytes() == b"short"
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, b"before")

    def fail(stream: BinaryIO) -> None:
        stream.write(b"after")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_whole(file, fail)
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]
