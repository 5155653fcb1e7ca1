"""Would catch: a file that appears in part, replaces what came in the meantime, or leaves something behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.storage.outputs import check_file, check_folder, write_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_that_came_in_the_meantime_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def write(stream: BinaryIO) -> None:
        stream.write(b"mine")
        out.write_text("theirs")

    with pytest.raises(UsageError, match="made by another process in the meantime"):
        write_file(out, write)
    assert out.read_text() == "theirs"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("taken", [False, True])
def test_file_systems_without_hard_links(taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"

    def no_link(source: Path, target: Path) -> None:
        if taken:
            out.write_text("theirs")
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    if taken:
        with pytest.raises(UsageError, match="in the meantime"):
            write_file(out, b"mine")
    else:
        write_file(out, b"mine")
    assert out.read_text() == ("theirs" if taken else "mine")
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_write_that_fails_leaves_all_as_it_was(overwrite: bool, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if overwrite:
        out.write_text("before")

    def write(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match=r"out: can't be written: No space left on device; nothing was written"):
        write_file(out, write, overwrite=overwrite)
    assert names(tmp_path) == (["out"] if overwrite else [])
    assert not overwrite or out.read_text() == "before"


def test_places_that_can_be_none_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(StorageError, match="Not a directory"):
        check_file(tmp_path / "file" / "out")
    with pytest.raises(StorageError, match="File name too long"):
        check_file(tmp_path / ("x" * 300))


def test_a_folder_may_hold_what_is_its_own(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    (tmp_path / "begun").write_text("")
    check_folder(tmp_path, own=lambda found: found - {"begun"})
    with pytest.raises(InputError, match=r"the folder is not empty \(it holds 'begun'\)"):
        check_folder(tmp_path, error=InputError)


def test_a_file_has_the_rights_that_new_files_have(tmp_path: Path) -> None:
    write_file(tmp_path / "out", b"")
    (tmp_path / "other").write_bytes(b"")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "other").stat().st_mode
