"""The theorems that a run can search for, with what was left out and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

from proofsearch.errors import InputError, UsageError
from proofsearch.types import Theorem, Unusable
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.theorems.datasets import read_dataset
from proofsearch_lean.theorems.declarations import Declaration
from proofsearch_lean.theorems.sources import Source, Trouble, read_files

_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """A theorem where it stands; its texts are cut out when they are asked for, since a file's are nested."""

    source: Source
    declaration: Declaration
    split: str

    @property
    def origin(self) -> str:
        # A row's label says all: lines would be those of the row's own text.
        return self.source.label if self.source.name else f"{self.source.label}:{self.declaration.line}"


class LeanLibrary:
    """Theorems of files and data sets, in their order: files by name, then the data set's rows.

    Attributes:
        unusable: what was left out, with the reason.
    """

    def __init__(self, sources: Sequence[Source], unusable: Sequence[Unusable], splits: _Splits) -> None:
        self._sources = sources
        self._entries: dict[str, _Entry] = {}
        self.unusable = list(unusable)
        counts = Counter(source.name or found.name for source in sources for found in source.found)
        for source in sources:
            for found in source.found:
                name = source.name or found.name
                key = name if counts[name] == 1 else f"{name}@{source.label}"
                entry = _Entry(source, found, splits.choose(source, found))
                if found.trouble or key in self._entries:
                    reason = found.trouble or f"another theorem at {self._entries[key].origin} has the same name"
                    self.unusable.append(Unusable(key, entry.origin, reason))
                else:
                    self._entries[key] = entry

    @cached_property
    def theorems(self) -> Sequence[Theorem]:
        """The theorems, with their positions in the library's order."""
        return [
            Theorem(
                name=name,
                statement=entry.source.text[entry.declaration.start : entry.declaration.end],
                source=entry.origin,
                position=position,
                split=entry.split,
            )
            for position, (name, entry) in enumerate(self._entries.items())
        ]

    @cached_property
    def by_name(self) -> dict[str, Theorem]:
        """The theorems by their names, which are unique: where several are called the same, the source stands in it."""
        return {theorem.name: theorem for theorem in self.theorems}

    def lean(self, name: str) -> LeanTheorem:
        """A theorem as it stands in its source, cut off where its proof begins."""
        entry = self._entries[name]
        text, found = entry.source.text, entry.declaration
        begin, end = found.proof
        return LeanTheorem(
            name=found.name,
            statement=text[found.start : found.end],
            preamble=text[: found.start],
            split=entry.split,
            file=entry.source.label,
            line=found.line,
            proof=text[begin:end] if found.is_proved else None,
        )

    def groups(self) -> Iterator[tuple[Source, Sequence[tuple[str, Declaration]]]]:
        """The sources with the names and places of their theorems; what was left out isn't among them."""
        by_source: dict[int, list[tuple[str, Declaration]]] = {}
        for name, entry in self._entries.items():
            by_source.setdefault(id(entry.source), []).append((name, entry.declaration))
        for source in self._sources:
            if id(source) in by_source:
                yield source, by_source[id(source)]

    @property
    def toolchains(self) -> Counter[str]:
        """The Lean versions that the sources were written for, where anything says so, with the number of sources."""
        return Counter(source.toolchain for source in self._sources if source.toolchain)

    def sha256(self) -> str:
        """A hash of all texts: what a run's results depend on."""
        digest = hashlib.sha256()
        for source in self._sources:
            digest.update(f"{source.label}\0{source.name}\0{source.split}\0{source.text}\0".encode())
        return digest.hexdigest()


class _Splits:
    """Says which split a theorem is in.

    What the data set says, or the name of a file or folder, holds. Else a theorem without a proof is in ``test``: there
    is nothing to learn from it. One with a proof is in ``train`` where those without are searched; where all are, the
    hash of its name decides, so that it is the same whatever else is there.
    """

    def __init__(self, sources: Sequence[Source], only: Literal["auto", "all", "sorry"], held_out: float) -> None:
        unproved = any(not found.is_proved for source in sources for found in source.found)
        self._by_hash = only == "all" or (only == "auto" and not unproved)
        self._held_out = held_out

    def choose(self, source: Source, found: Declaration) -> str:
        if source.split:
            return source.split
        if not found.is_proved:
            return "test"
        return split_of(found.name, self._held_out) if self._by_hash else "train"


def split_of(name: str, held_out: float) -> str:
    """The split of a proved theorem, by the hash of its name.

    Args:
        name: its full name.
        held_out: the share of ``test`` and ``validation`` together, half of it each, in [0, 1].
    """
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % _BUCKETS / _BUCKETS
    return "test" if place < held_out / 2 else "validation" if place < held_out else "train"


def read_library(config: LeanConfig) -> LeanLibrary:
    """Reads what the options name.

    Raises:
        UsageError: they name nothing.
        InputError: something can't be read, or holds no theorem.
    """
    if config.file is None and config.theorems is None:
        raise UsageError(
            "--env lean searches the theorems of --lean-file (a .lean file or a folder) or --lean-theorems "
            "(a data set); give one of them"
        )
    files = read_files(config.file) if config.file is not None else ()
    rows = read_dataset(config.theorems, config.header) if config.theorems is not None else ()
    sources: list[Source] = []
    unusable: list[Unusable] = []
    for source in chain(files, rows):
        if isinstance(source, Trouble):
            unusable.append(Unusable(source.name or source.label, source.label, source.reason))
        else:
            sources.append(source)
    library = LeanLibrary(sources, unusable, _Splits(sources, config.only, config.held_out))
    if not library.theorems:
        where = " and ".join(str(path) for path in (config.file, config.theorems) if path is not None)
        first = f", the first one {unusable[0].source}: {unusable[0].reason}" if library.unusable else ""
        raise InputError(f"{where}: no theorem that can be searched; {len(library.unusable)} were left out{first}")
    return library
