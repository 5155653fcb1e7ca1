"""The manifest of a checkpoint: what it is, what it was made with, and the hash of every file in it.

A checkpoint is a folder of data files and ``manifest.json``. Nothing in it is code, and nothing that reads it runs any:
the manifest is JSON, the files are for readers that take data only (safetensors, JSON, Parquet). The manifest is
written last and atomically, so a folder with one is whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from proofsearch import storage
from proofsearch.errors import InputError, StorageError

FORMAT = 1
"""The version of the manifest that this module writes, and the newest that it reads."""

MANIFEST = "manifest.json"
"""The manifest's name in the checkpoint folder."""


SETTINGS = "train.toml"
"""The name of the training's resolved configuration beside it, which belongs to the command."""


_CACHED = re.compile(r"(models|datasets)--[A-Za-z0-9._-]+")
"""A repository's folder in the cache of the Hugging Face hub."""

POLICY, BESIDE = "policy", "beside"
"""What a manifest calls fingerprints of policies: see :class:`Manifest`."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a checkpoint says of itself. Every mapping holds JSON values only.

    Attributes:
        kind: the kind of component that it is for, one of :data:`proofsearch.protocols.KINDS`.
        name: the component that reads it, as registered: ``"ebm"``.
        config: the configuration that it was made with, and must be read with.
        versions: of the packages that made it.
        fingerprints: of what it only fits together with: ``{"encoder": …}``, ``{"environment": …}``. :data:`POLICY` is
            the policy that was asked in the training, :data:`BESIDE` that of the searches, where the former stood in.
        metrics: what was measured on it.
        files: SHA-256 in hexadecimal of every file, by its path relative to the folder, with ``/``.
    """

    kind: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def policies(self) -> frozenset[str]:
        """The fingerprints of the policies that it is for; none where it belongs to no policy."""
        named = (self.fingerprints.get(name) for name in (POLICY, BESIDE))
        return frozenset(name for name in named if name)


def write_manifest(folder: Path, manifest: Manifest, files: Iterable[str]) -> Manifest:
    """Completes a checkpoint: hashes its files and writes ``manifest.json``.

    Args:
        folder: the checkpoint, with its files in place.
        manifest: what to say; ``files`` is filled in here.
        files: the paths of the files that belong to it, relative to the folder, with ``/``.

    Returns:
        The manifest as written.

    Raises:
        InputError: a file is missing, or a path leaves the folder.
        StorageError: the manifest can't be written; an older one stays as it is.
        ValueError: a value is no JSON, or is not finite.
    """
    hashes = {name: _sha256(_inside(folder, name, folder), folder) for name in sorted(set(files))}
    manifest = dataclasses.replace(manifest, files=hashes)
    content = json.dumps({"format": FORMAT} | dataclasses.asdict(manifest), indent=2, allow_nan=False)
    older = (folder / MANIFEST).exists()
    kept = "the one that was there before is untouched" if older else "without it the checkpoint is not complete"
    with writing(folder / MANIFEST, kept):
        storage.write_whole(folder / MANIFEST, content.encode("ascii") + b"\n")
    return manifest


def read_manifest(folder: Path, *, kind: str | None = None, name: str | None = None) -> Manifest:
    """Reads a checkpoint's manifest and checks every file against it.

    Args:
        folder: the checkpoint.
        kind: what the reader needs, if it insists.
        name: what the reader needs, if it insists.

    Raises:
        InputError: no checkpoint, of a newer format, of another kind or name, damaged, with a file that is missing or
            changed, or with a path that leaves the folder. The message says which.
    """
    file = folder / MANIFEST
    values = _read_object(folder, file)
    check_format(values.pop("format", None), FORMAT, file)
    for entry in dataclasses.fields(Manifest):
        expected: type = str if entry.name in ("kind", "name") else dict
        if not isinstance(values.get(entry.name), expected):
            wanted = "a string" if expected is str else "an object"
            raise InputError(f"{file}: damaged: {entry.name} is {values.get(entry.name)!r}, expected {wanted}")
    for table in ("versions", "fingerprints", "files"):
        for key, value in values[table].items():
            if not isinstance(value, str):
                raise InputError(f"{file}: damaged: {table}[{key!r}] is {value!r}, expected a string")
    unknown = sorted(values.keys() - {entry.name for entry in dataclasses.fields(Manifest)})
    if unknown:
        raise InputError(f"{file}: damaged: unknown entry {unknown[0]!r}")
    manifest = Manifest(**values)
    if kind is not None and manifest.kind != kind:
        raise InputError(f"{folder}: a checkpoint of a {manifest.kind}, expected one of a {kind}")
    if name is not None and manifest.name != name:
        raise InputError(f"{folder}: a checkpoint for {manifest.name!r}, expected one for {name!r}")
    for path, expected_hash in manifest.files.items():
        found = _sha256(_inside(folder, path, file), file)
        if found != expected_hash:
            raise InputError(
                f"{folder / path}: its SHA-256 is {found}, {MANIFEST} says {expected_hash}: the file was changed or "
                f"copied incompletely; copy the checkpoint again or train it again"
            )
    return manifest


def check_format(
    version: object, newest: int, file: Path, place: str = "format", package: str = "proofsearch", of: str = ""
) -> None:
    """Checks the version of something that a manifest holds.

    Args:
        version: as it was read.
        newest: that can be read.
        file: where it stands.
        place: where in it.
        package: that reads it.
        of: whose format it is, as it should be said: ``" of the energy-based model"``.

    Raises:
        InputError: it is no version, or newer.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f"{file}: damaged: {place} is {version!r}, expected a whole number from 1")
    if version > newest:
        raise InputError(
            f"{file}: the checkpoint has format {version}{of}, this {package} reads up to {newest}; upgrade with: "
            f"pip install -U {package}"
        )


@contextlib.contextmanager
def writing(path: Path, consequence: str) -> Iterator[None]:
    """Turns a failed write of a training into an error for people.

    Args:
        path: what is written.
        consequence: what it means that it can't be.

    Raises:
        StorageError: names the file, what failed, and what that means.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path}: can't be written: {error.strerror or error}; {consequence}; make room, then resume with --resume"
        ) from error


def _read_object(folder: Path, file: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected a checkpoint, as written by: proofsearch train --out")
    try:
        values = json.loads(file.read_bytes())
    except FileNotFoundError:
        if (folder / SETTINGS).is_file():
            raise InputError(
                f"{folder}: its training did not come to its end, so there is nothing to use yet (it has no "
                f"{MANIFEST}); resume with: proofsearch train --resume --out {folder}"
            ) from None
        raise InputError(
            f"{folder}: not a complete checkpoint (it has no {MANIFEST}); expected what proofsearch train --out writes"
        ) from None
    except OSError as error:
        raise InputError(f"{file}: can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: damaged: not JSON: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{file}: damaged: expected a JSON object, found {type(values).__name__}")
    return values


def _inside(folder: Path, name: str, source: Path) -> Path:
    """The file of that name in the folder. Refuses what could be anywhere else, links included."""
    parts = PurePosixPath(name)
    plain = name and not parts.is_absolute() and parts.as_posix() == name and name != "." and "\0" not in name
    if not plain or ".." in parts.parts or PureWindowsPath(name).drive or "\\" in name:
        raise InputError(f"{source}: the file {name!r} is no plain path inside the checkpoint folder; refused")
    path = folder / name
    inside = path.resolve()
    if not any(inside.is_relative_to(root) for root in _roots(folder.resolve())):
        raise InputError(f"{source}: the file {name!r} is a link that leads out of the checkpoint folder; refused")
    return path


def _roots(folder: Path) -> list[Path]:
    """Where a checkpoint's files may be: in its folder, and where that is in the hub's cache among the contents there.

    That cache has ``models--USER--NAME/snapshots/COMMIT/…``, whose files are links into ``models--USER--NAME/blobs``.
    """
    repositories = [
        snapshots.parent
        for snapshots in folder.parents
        if snapshots.name == "snapshots" and _CACHED.fullmatch(snapshots.parent.name)
    ]
    return [folder, *(repository / "blobs" for repository in repositories)]


def _sha256(path: Path, source: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(
            f"{path}: missing, but {source} needs it; copy the checkpoint again or train it again"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
