"""The files of a run folder that are written once, and what a folder must look like."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from proofsearch import storage
from proofsearch.errors import RunFolderError, UsageError
from proofsearch.runs.fields import from_json
from proofsearch.storage.outputs import check_folder
from proofsearch.types import Theorem

FORMAT = 1
"""The version of the folder's layout that this module writes, and the newest that it reads."""

STATUS = {"running", "stopped", "finished"}
"""How far a run is."""

WRITTEN_ONCE = ("config.toml", "environment.json", "theorems.jsonl")
"""What is never changed after creation."""

_OWN_NAMES = {"run.lock", *WRITTEN_ONCE, "results.jsonl", "proofs", "trajectories"}
"""What creation writes before ``run.json``."""

OWN_NAMES = frozenset({"run.json", *_OWN_NAMES})
"""What a run folder consists of. Whatever else lies in it, such as a report, is not the run's."""


def is_run_folder(path: Path) -> bool:
    """Whether the path is a run folder, of whatever version."""
    return (path / "run.json").is_file()


def check_selection(theorems: Sequence[Theorem]) -> None:
    """Refuses a selection that no run can be about.

    Raises:
        UsageError: no theorem, or two of one name.
    """
    if not theorems:
        raise UsageError("a run needs at least one theorem; see: proofsearch theorems")
    seen: set[str] = set()
    for theorem in theorems:
        if theorem.name in seen:
            raise UsageError(f"theorem {theorem.name!r} is selected twice")
        seen.add(theorem.name)


def refuse_taken(path: Path) -> None:
    """Refuses a folder that a new run can't have.

    Raises:
        RunFolderError: it holds a run or anything else, or is a file.
    """
    if is_run_folder(path):
        raise RunFolderError(
            f"{path}: already holds a run; resume it with --resume {path}, or choose another folder with --out"
        )
    check_folder(path, own=_foreign, kind="a run", error=RunFolderError)


def _foreign(names: set[str]) -> set[str]:
    # A run killed while it was being created has its lock and perhaps more of our files, and nothing to lose.
    begun = "run.lock" in names and all(name in _OWN_NAMES or name.endswith(storage.PART_SUFFIX) for name in names)
    return set() if begun else names


def own_files(paths: Iterable[Path]) -> list[Path]:
    """The files and folders of runs; what else lies in a run folder, such as a report, is not its own."""
    return [path / name for path in paths for name in sorted(OWN_NAMES)]


def read_header(path: Path) -> dict[str, Any]:
    """Reads and checks ``run.json``.

    Raises:
        RunFolderError: not a run folder, of a newer format, or damaged.
    """
    if not path.is_dir():
        raise RunFolderError(f"{path}: no such folder; expected a run folder, as written by: proofsearch search --out")
    if not is_run_folder(path):
        started = (path / "run.lock").exists()
        raise RunFolderError(
            f"{path}: this run was killed before it began; start it again with --out {path}"
            if started
            else f"{path}: not a run folder (it has no run.json); expected what proofsearch search --out writes"
        )
    file = path / "run.json"
    header = read_object(file)
    version = header.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RunFolderError(f"{file}: damaged: format is {version!r}, expected a whole number from 1")
    if version > FORMAT:
        raise RunFolderError(
            f"{file}: the run folder has format {version}, this proofsearch reads up to {FORMAT}; "
            f"upgrade with: pip install -U proofsearch"
        )
    for key in ("run_id", "created", "status", "proof_suffix"):
        if not isinstance(header.get(key), str):
            raise RunFolderError(f"{file}: damaged: {key} is {header.get(key)!r}, expected a string")
    if header["status"] not in STATUS:
        raise RunFolderError(
            f"{file}: damaged: status is {header['status']!r}, expected one of {', '.join(sorted(STATUS))}"
        )
    if any(mark in header["proof_suffix"] for mark in "/\\\0"):
        raise RunFolderError(
            f"{file}: damaged: proof_suffix is {header['proof_suffix']!r}, expected how the name of a file ends"
        )
    selected = header.get("selected", {"theorems": 1, "sha256": ""})  # early runs were whole, and did not say so
    if (
        not isinstance(selected, dict)
        or selected.keys() != {"theorems", "sha256"}
        or not isinstance(selected["sha256"], str)
    ):
        raise RunFolderError(f"{file}: damaged: selected is {selected!r}, expected theorems and their sha256")
    for name, number in (("theorems", header.get("theorems")), ("selected.theorems", selected.get("theorems"))):
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise RunFolderError(f"{file}: damaged: {name} is {number!r}, expected their number")
    return header


def hashes(path: Path) -> dict[str, str]:
    """SHA-256 of the files that are written once, by name; ``run.json`` keeps them."""
    return {name: hashlib.sha256(read_bytes(path / name)).hexdigest() for name in WRITTEN_ONCE}


def check_hashes(path: Path, header: Mapping[str, Any]) -> None:
    """Refuses a folder in which a file was changed that is written once. Early runs have no hashes.

    Raises:
        RunFolderError: changed, or missing; the message names the file.
    """
    recorded = header.get("sha256")
    if recorded is None:
        return
    if not isinstance(recorded, dict) or recorded.keys() != set(WRITTEN_ONCE):
        raise RunFolderError(
            f"{path / 'run.json'}: damaged: sha256 is {recorded!r}, expected one of each of {', '.join(WRITTEN_ONCE)}"
        )
    for name, found in hashes(path).items():
        if found != recorded[name]:
            raise RunFolderError(
                f"{path / name}: was changed, emptied or cut since the run began (its SHA-256 is {found[:12]}…, "
                f"run.json says {str(recorded[name])[:12]}…); restore it from a copy, or start a new run if you want "
                f"another setting"
            )


def read_theorems(file: Path) -> list[Theorem]:
    """Reads ``theorems.jsonl``.

    Raises:
        RunFolderError: missing or damaged; the message names the line.
    """
    theorems: list[Theorem] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(read_text(file).split("\n")[:-1], start=1):
        try:
            theorem, _ = from_json(Theorem, line)
            if lines.setdefault(theorem.name, number) != number:
                raise ValueError(f"the theorem {theorem.name!r} stands in line {lines[theorem.name]} already")
        except ValueError as error:
            raise RunFolderError(f"{file}:{number}: damaged: {error}; restore the file from a copy") from None
        theorems.append(theorem)
    return theorems


def read_bytes(file: Path) -> bytes:
    """Reads a file of the run folder.

    Raises:
        RunFolderError: missing, unreadable, or no regular file: a pipe would keep its reader waiting for ever.
    """
    try:
        if file.exists() and not file.is_file():
            raise RunFolderError(f"{file}: damaged: no regular file; restore it from a copy")
        return file.read_bytes()
    except OSError as error:
        raise RunFolderError(f"{file}: can't be read: {error.strerror or error}") from None


def read_text(file: Path) -> str:
    """Reads a file of the run folder.

    Raises:
        RunFolderError: missing, unreadable or not UTF-8.
    """
    try:
        # An editor may have put a byte-order mark before it. Opened as text its line ends would change.
        return read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RunFolderError(f"{file}: damaged: not UTF-8 at byte {error.start}") from None


def read_object(file: Path) -> dict[str, Any]:
    """Reads a JSON object of the run folder.

    Raises:
        RunFolderError: missing, unreadable or no JSON object.
    """
    try:
        value = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{file}: damaged: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RunFolderError(f"{file}: damaged: expected a JSON object, found {type(value).__name__}")
    return value


def to_json(value: Mapping[str, Any]) -> bytes:
    """A JSON object as the run folder keeps it: indented, for people."""
    return json.dumps(value, indent=2).encode("ascii") + b"\n"


def now() -> str:
    """The time, ISO 8601 in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
