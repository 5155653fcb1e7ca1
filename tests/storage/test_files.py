"""Files that appear whole, also where several writers are at it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from proofsearch.storage import PART_SUFFIX, write_together, write_whole

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


def test_files_together_are_whole_and_leave_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    files = {tmp_path / "one": b"1", tmp_path / "folder" / "two": b"2", tmp_path / "three": b""}
    write_together(files)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == files


@pytest.mark.parametrize("fails_at", ["write", "replace"])
def test_of_files_together_that_fail_each_is_old_or_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    files = {tmp_path / name: b"after" for name in ("one", "two", "three")}
    for file in files:
        file.write_bytes(b"before")
    replace, replaced = Path.replace, []

    def fails_on_the_second(self: Path, target: Path) -> Path:
        if fails_at == "replace" and len(replaced) == 1:
            raise OSError("no room")
        replaced.append(target)
        return replace(self, target)

    def fail(stream: BinaryIO) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Path, "replace", fails_on_the_second)
    with pytest.raises(OSError, match="no room"):
        write_together({**files, tmp_path / "four": fail} if fails_at == "write" else files)
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert [file.read_bytes() for file in files] == [b"after" if file in replaced else b"before" for file in files]
