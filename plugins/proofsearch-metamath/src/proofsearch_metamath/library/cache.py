"""The cache of prepared libraries: a folder each, whole, current, undamaged, and data only.

It holds ``.npy`` files (memory-mapped when loaded, so that worker processes share them), texts, and a manifest with the
hash of the database, which notices a changed database, and with a checksum of every file, which notices a damaged one:
proofs are verified against what is stored. Nothing in it can run code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from proofsearch_metamath.database.files import read_bytes
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.tables import ARRAYS, Syntax, Tables
from proofsearch_metamath.proofs.soundness import Flaw

FORMAT = 3
"""The version of the store; another one is prepared anew."""

_TEXTS = ("symbols", "typecodes", "labels", "float_labels", "essential_labels", "variables")
_RULES, _FLAWS = "rules.json", "flaws.json"
_FILES = {*(f"{name}.npy" for name in ARRAYS), *(f"{name}.txt" for name in _TEXTS), _RULES, _FLAWS}


def sha256_of(files: Iterable[Path]) -> str:
    """The hex digest of the files' bytes, unpacked, one after another: a database's ``sha256``.

    Raises:
        ReadError: a file can't be read.
    """
    digest = hashlib.sha256()
    for file in files:
        digest.update(read_bytes(file))
    return digest.hexdigest()


def store(tables: Tables, folder: Path) -> None:
    """Writes a library's arrays to a folder, which appears whole or not at all.

    Raises:
        OSError: it can't be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        for name, array in tables.arrays.items():
            np.save(scratch / f"{name}.npy", array, allow_pickle=False)
        for name in _TEXTS:
            (scratch / f"{name}.txt").write_text("\n".join(getattr(tables, name)), encoding="utf-8", newline="\n")
        rules = [[rule.label, rule.symbols, rule.order, rule.typecode, rule.position] for rule in tables.rules]
        (scratch / _RULES).write_text(json.dumps(rules), encoding="utf-8")
        flaws = [[position, flaw.kind, flaw.message] for position, flaw in tables.flaws.items()]
        (scratch / _FLAWS).write_text(json.dumps(flaws), encoding="utf-8")
        manifest = {
            "format": FORMAT,
            "sha256": tables.sha256,
            "sources": [str(source) for source in tables.sources],
            "files": {file.name: _checksum(file) for file in sorted(scratch.iterdir())},
        }
        (scratch / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        old = scratch.with_suffix(".old")
        with contextlib.suppress(FileNotFoundError):
            folder.rename(old)
        try:
            scratch.rename(folder)
        except OSError:
            # Another process stored the same library between the two renames; theirs is as good.
            if not (folder / "manifest.json").exists():
                raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def load(folder: Path) -> Library | None:
    """A stored library.

    Returns:
        ``None`` where there is none, or it is of another format, damaged, or of another state of the database.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT or set(manifest["files"]) != _FILES:
            return None
        sources = [Path(source) for source in manifest["sources"]]
        if sha256_of(sources) != manifest["sha256"]:
            return None
        if any(_checksum(folder / name) != checksum for name, checksum in manifest["files"].items()):
            return None
        texts = {name: (folder / f"{name}.txt").read_text(encoding="utf-8") for name in _TEXTS}
        # Plain arrays over the mapped files: those of np.memmap are slow to take rows of.
        arrays = {
            name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)) for name in ARRAYS
        }
        rules = [
            Syntax(sys.intern(label), tuple(symbols), tuple(order), typecode, position)
            for label, symbols, order, typecode, position in json.loads((folder / _RULES).read_text(encoding="utf-8"))
        ]
        found = json.loads((folder / _FLAWS).read_text(encoding="utf-8"))
        flaws = {position: Flaw(kind, message) for position, kind, message in found}
    except (MetamathError, OSError, ValueError, KeyError, TypeError):
        # Whatever is wrong with a cache, the answer is to make it again.
        return None
    lists = {name: text.split("\n") if text else [] for name, text in texts.items()}
    return Library(Tables(**lists, rules=rules, sources=sources, arrays=arrays, flaws=flaws, sha256=manifest["sha256"]))


def _checksum(file: Path) -> int:
    checksum = 0
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum
