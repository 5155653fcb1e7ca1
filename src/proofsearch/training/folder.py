"""The checkpoint folder as a training sees it: its settings, and one process that trains there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofsearch import storage
from proofsearch.checkpoint import MANIFEST, SETTINGS
from proofsearch.config import TrainConfig
from proofsearch.config.toml import from_whole_toml, to_toml
from proofsearch.errors import InputError, StorageError
from proofsearch.storage.lock import locked
from proofsearch.storage.outputs import check_folder
from proofsearch.storage.texts import read_text
from proofsearch.trainers.state import LATEST

LOCK = "train.lock"
"""Held by the process that trains, in the checkpoint folder."""

OWN_FILES = frozenset({SETTINGS, SETTINGS + storage.PART_SUFFIX, LOCK})
"""What stands in a checkpoint folder before anything is saved there."""


def is_main_process() -> bool:
    """Whether this is the process that writes and speaks, where a launcher started several of one training."""
    return os.environ.get("RANK", "0") == "0"


def training_settings(out: Path) -> TrainConfig | None:
    """The configuration that a training was begun with; ``None`` where its folder doesn't say.

    Raises:
        InputError: the folder's ``train.toml`` is damaged.
    """
    file = out / SETTINGS
    if not file.exists():
        return None
    return from_whole_toml(read_text(file, "the TOML file of a training"), str(file), TrainConfig)


class SettingsFile:
    """The settings of a training, written into its folder when something is trained with them and not before.

    A resumed training that is refused, or is done already, leaves the folder saying what it was trained with.
    """

    def __init__(self, config: TrainConfig, out: Path) -> None:
        self.written = False
        self._config = config
        self._file = out / SETTINGS

    def write(self) -> None:
        """Writes them; a second time does nothing.

        Raises:
            StorageError: they can't be written.
        """
        if self.written:
            return
        self.written = True
        if not is_main_process():
            return
        try:
            storage.write_whole(self._file, to_toml(self._config).encode())
        except OSError as error:
            why = error.strerror or error
            raise StorageError(f"{self._file.parent}: the checkpoint folder can't be written: {why}") from error


def manifest_content(folder: Path) -> bytes | None:
    """The manifest's bytes; ``None`` where there is none."""
    try:
        return (folder / MANIFEST).read_bytes()
    except OSError:
        return None


def refuse_taken(out: Path) -> None:
    """Refuses a folder that holds something, unless it is of a training that has saved nothing.

    Raises:
        InputError: it does, or a file is there instead.
    """
    # A training that was refused its data, or stopped before the first save, has nothing to lose.
    names = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if names - OWN_FILES and (SETTINGS in names or MANIFEST in names):
        raise InputError(
            f"{out}: already holds a checkpoint; resume it with --resume, or choose another folder with --out"
        )
    check_folder(out, own=lambda names: names - OWN_FILES, kind="a checkpoint", error=InputError)


@contextmanager
def alone(out: Path, *, resume: bool) -> Iterator[None]:
    """One training at a time in a checkpoint folder, which is made; of several processes of one training the first.

    Raises:
        RunFolderError: another process trains there.
        StorageError: the folder can't be written.
    """
    if not is_main_process():
        yield
        return
    with locked(out / LOCK, "checkpoint"):
        if not resume:
            refuse_taken(out)  # another process may have been faster
        yield


def refuse_not_begun(out: Path) -> None:
    """Refuses to resume where no training was begun.

    Raises:
        InputError: there is no folder, or nothing of a training in it.
    """
    if not out.is_dir():
        raise InputError(f"{out}: no such folder; --resume continues a training that was begun with --out {out}")
    # Trainings of earlier versions, and those made without the command, have no settings.
    if not any((out / name).exists() for name in (SETTINGS, MANIFEST, LATEST)):
        raise InputError(
            f"{out}: no training was begun here (it has no {SETTINGS}), so there is nothing to resume; leave --resume "
            f"out, or name the folder of a training with --out"
        )
