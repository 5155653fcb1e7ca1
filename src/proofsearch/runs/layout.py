"""The files of a run folder that are written once, and what a folder must look like."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proofsearch import storage
from proofsearch.errors import RunFolderError, UsageError
from proofsearch.types import Theorem

FORMAT = 1
"""The version of the folder's layout that this module writes, and the newest that it reads."""

_OWN_NAMES = {
    "run.lock",
    "config.toml",
    "environment.json",
    "theorems.jsonl",
    "results.jsonl",
    "proofs",
    "trajectories",
}
"""What creation writes before ``run.json``."""


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
    if path.exists() and not path.is_dir():
        raise RunFolderError(f"{path}: a file is in the way; choose another folder with --out")
    if is_run_folder(path):
        raise RunFolderError(
            f"{path}: already holds a run; go on with it with --resume {path}, or choose another folder with --out"
        )
    names = {entry.name for entry in path.iterdir()} if path.exists() else set()
    # A run killed while it was being created has its lock and perhaps more of our files, and nothing to lose.
    if names and not ("run.lock" in names and all(n in _OWN_NAMES or n.endswith(storage.PART_SUFFIX) for n in names)):
        raise RunFolderError(
            f"{path}: the folder is not empty and not a run (it holds {sorted(names)[0]!r}); choose another with --out"
        )


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
    if not isinstance(header.get("theorems"), int):
        raise RunFolderError(f"{file}: damaged: theorems is {header.get('theorems')!r}, expected their number")
    return header


def read_theorems(file: Path) -> list[Theorem]:
    """Reads ``theorems.jsonl``.

    Raises:
        RunFolderError: missing or damaged; the message names the line.
    """
    theorems: list[Theorem] = []
    for number, line in enumerate(read_text(file).split("\n")[:-1], start=1):
        try:
            theorems.append(Theorem(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise RunFolderError(f"{file}:{number}: damaged: {error}; restore the file from a copy") from None
    return theorems


def read_text(file: Path) -> str:
    """Reads a file of the run folder.

    Raises:
        RunFolderError: missing, unreadable or not UTF-8.
    """
    try:
        return file.read_bytes().decode()  # read_text would change line ends
    except UnicodeDecodeError as error:
        raise RunFolderError(f"{file}: damaged: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise RunFolderError(f"{file}: can't be read: {error.strerror or error}") from None


def read_object(file: Path) -> dict[str, Any]:
    """Reads a JSON object of the run folder.

    Raises:
        RunFolderError: missing, unreadable or no JSON object.
    """
    try:
        value = json.loads(read_text(file))
    except ValueError as error:
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
