"""Pushing a checkpoint or a run to the hub, or into a folder, to be looked at before."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from proofsearch.checkpoint import MANIFEST, SETTINGS, read_manifest
from proofsearch.config import TrainConfig
from proofsearch.config.toml import from_whole_toml
from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.hub import Address
from proofsearch.hub.upload import CARD, card_text, upload
from proofsearch.publishing.cards import Card, checkpoint_card, run_card
from proofsearch.publishing.dataset import CONFIGURATIONS, write_dataset
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import is_run_folder
from proofsearch.storage.outputs import check_folder
from proofsearch.storage.texts import read_text


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed.

    Attributes:
        kind: ``"model"`` or ``"dataset"``.
        address: where it is, at the commit; as it was given where it was only written into a folder.
        files: names, in the repository's folder.
        option: for a checkpoint, the option that takes it; ``None`` where none is known.
        places: absolute paths that a checkpoint's manifest tells.
    """

    kind: str
    address: Address
    files: tuple[str, ...]
    option: str | None = None
    places: tuple[str, ...] = ()


def push(
    source: Path,
    address: Address,
    *,
    option: Mapping[tuple[str, str], str] | None = None,
    licence: str | None = None,
    private: bool = False,
    message: str = "",
    out: Path | None = None,
) -> Pushed:
    """Pushes a checkpoint, as a model, or a run's searches, as a data set.

    Of a checkpoint go the manifest, which is checked, and the files that it names; of a run what
    :mod:`proofsearch.publishing.dataset` writes, and neither its command nor anything of its machine. A manifest goes
    as it is; where it names places of a disk, :attr:`Pushed.places` says so.

    Args:
        source: a checkpoint or a run folder.
        address: where to. A run goes to a data set even if the address doesn't say so.
        option: by kind and name of a component, the option that takes its checkpoint.
        licence: the identifier that the card states.
        private: whether a repository that is made is private.
        message: of the commit.
        out: a new or empty folder to write it into, instead of pushing it.

    Raises:
        InputError: neither a checkpoint nor a run, or it can't be pushed.
        UsageError: an address of the wrong kind.
        PluginError: ``huggingface_hub`` isn't installed.
        StorageError: it can't be written.
    """
    if address.is_pinned:
        raise UsageError(f"{address}: a commit is never changed; push to a branch, or leave @{address.revision} out")
    if out is not None:
        check_folder(out)
    replaced: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory(prefix="proofsearch-push-") as made:
        if is_run_folder(source):
            address, files, card = _run(source, address, Path(made))
            takes, replaced = None, CONFIGURATIONS
        else:
            takes, files, card = _checkpoint(source, address, option or {})
            places = tuple(_places(read_manifest(source).config))
        metadata = dict(card.metadata) | ({} if licence is None else {"license": licence})
        if out is not None:
            _write(files, card_text(card.text, metadata), out)
        else:
            address = upload(files, address, card.text, metadata, private=private, message=message, replaced=replaced)
    return Pushed(address.kind, address, (*files, CARD), takes, places)


def _checkpoint(
    source: Path, address: Address, options: Mapping[tuple[str, str], str]
) -> tuple[str | None, dict[str, Path], Card]:
    if address.kind != "model":
        raise UsageError(f"{address}: a checkpoint goes to a model; expected hf://USER/NAME")
    manifest = read_manifest(source)
    settings = None
    if (source / SETTINGS).is_file():
        file = source / SETTINGS
        settings = from_whole_toml(read_text(file, "the TOML file of a training"), str(file), TrainConfig)
    option = options.get((manifest.kind, manifest.name))
    files = {name: source / name for name in sorted(checkpoint_files(source))}
    return option, files, checkpoint_card(manifest, settings, address, option)


def checkpoint_files(folder: Path) -> set[str]:
    """The names of a checkpoint's files, those of the checkpoints inside it too.

    Raises:
        InputError: it is none, or not whole.
    """
    names = {MANIFEST, *read_manifest(folder).files}
    for name in [name for name in names if PurePosixPath(name).name == MANIFEST and name != MANIFEST]:
        inner = PurePosixPath(name).parent
        names |= {str(inner / file) for file in checkpoint_files(folder / inner)}
    return names


def _places(values: Any) -> Iterator[str]:
    """The absolute paths among JSON values."""
    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, list):
        for value in values:
            yield from _places(value)
    elif isinstance(values, str) and Path(values).is_absolute():
        yield values


def _run(source: Path, address: Address, made: Path) -> tuple[Address, dict[str, Path], Card]:
    if address.folder:
        raise UsageError(f"{address}: a run's data set is a repository of its own; leave /{address.folder} out")
    address = Address(address.repository, "dataset", address.revision)
    folder = RunFolder.open(source)
    written = write_dataset(folder, made)
    results = folder.results()
    counts = {
        "theorems": len(folder.theorems),
        "searched": len(results),
        "proved": sum(result.proved for result in results.values()),
    }
    files = {file.relative_to(made).as_posix(): file for file in sorted(made.rglob("*.parquet"))}
    if not files:
        raise InputError(f"{source}: there is nothing to push")
    return address, files, run_card(folder.config, counts, written, address)


def _write(files: Mapping[str, Path], card: str, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, file in files.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, out / name)
        (out / CARD).write_text(card, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{out}: can't be written: {error.strerror or error}") from error
