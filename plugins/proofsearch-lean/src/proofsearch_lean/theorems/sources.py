"""The sources of theorems: ``.lean`` files, and the rows of data sets made into such."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proofsearch.errors import InputError
from proofsearch.storage.texts import read_text
from proofsearch_lean.theorems.declarations import Declaration, declarations
from proofsearch_lean.theorems.scanner import ScanError

TOOLCHAIN = "lean-toolchain"
"""The file in which a project says which Lean it is for."""
_NOT_SEARCHED = frozenset((".lake", "lake-packages", "build"))
_SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Lean text with theorems in it.

    Attributes:
        label: where it came from, for people: a path, or a data set's path with the row.
        text: all of it, with line feeds as its only line breaks.
        found: the theorems in it, in order.
        split: the split that file or row belong to; ``""`` where neither says.
        name: what the row calls its theorem; ``""`` for files, where the declarations say.
        toolchain: the Lean that it was written for, as ``lean-toolchain`` files name it; ``""`` where nothing says.
    """

    label: str
    text: str
    found: tuple[Declaration, ...]
    split: str = ""
    name: str = ""
    toolchain: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A source in which nothing can be searched, and why."""

    label: str
    reason: str
    name: str = ""


def read_split(word: str) -> str:
    """The split that a word means: a folder's name or a row's entry; ``""`` where it means none."""
    return _SPLITS.get(word.strip().casefold(), "")


def read_files(path: Path) -> Iterator[Source | Trouble]:
    """The sources at a path, in the order of their names.

    Args:
        path: a ``.lean`` file, or a folder that is searched with all folders in it, but for what Lake builds and
            downloads. A part of a path below it such as ``Test`` or ``Valid.lean`` says which split is there.

    Raises:
        InputError: nothing is there, or no ``.lean`` file.
    """
    path = path.expanduser()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.lean") if _is_searched(file.relative_to(path)))
        if not files:
            raise InputError(f"{path}: no .lean file is in this folder; give --lean-file another one")
    elif path.suffix == ".lean" or path.is_file():
        files = [path]
    else:
        raise InputError(f"{path}: no such file or folder; give --lean-file a .lean file or a folder of them")
    for file in files:
        below = file.relative_to(path) if path.is_dir() else Path(file.name)
        split = next(filter(None, map(read_split, (*below.parent.parts, below.stem))), "")
        yield parse_source(str(below), read_text(file, "a Lean file"), split=split, toolchain=nearest_toolchain(file))


def parse_source(label: str, text: str, *, split: str = "", name: str = "", toolchain: str = "") -> Source | Trouble:
    """A source of a text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        found = declarations(text)
    except ScanError as error:
        return Trouble(f"{label}:{text.count(chr(10), 0, error.offset) + 1}", str(error), name)
    return Source(label, text, tuple(found), split, name, toolchain)


def nearest_toolchain(file: Path) -> str:
    """What the nearest ``lean-toolchain`` says, in the folder of a file or above; ``""`` where there is none."""
    for folder in file.resolve().parents:
        if (folder / TOOLCHAIN).is_file():
            return read_text(folder / TOOLCHAIN, "the name of a toolchain").strip()
    return ""


def _is_searched(below: Path) -> bool:
    if below.name == "lakefile.lean":
        return False
    return not any(part in _NOT_SEARCHED or part.startswith(".") for part in below.parts)
