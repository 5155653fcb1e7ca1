"""What a merge joins: which runs, and from which of them each theorem's result comes."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsearch.config.shard import Shards
from proofsearch.errors import RunFolderError
from proofsearch.protocols.events import OnEvent, Preparing
from proofsearch.runs.folder import RunFolder
from proofsearch.runs.merging.comparison import refuse_different_results, refuse_different_runs, unrelated
from proofsearch.runs.provenance import merged
from proofsearch.types import Theorem

_NONE = -1


@dataclass(frozen=True, slots=True)
class Plan:
    """What is joined, found out without copying anything.

    Attributes:
        paths: the run folders.
        first: the first of them, from which comes what all have in common.
        shards: those of all of them together.
        theorems: the theorems of these, in the selection's order.
        source: by theorem the number of the folder that its result is taken from; without those that have none.
        repeated: how many further results were equal.
        environment: what they ran on, as ``environment.json`` of the merged run says it.
        notes: in what they differ without harm, a sentence each.
    """

    paths: Sequence[Path]
    first: RunFolder
    shards: Shards
    theorems: tuple[Theorem, ...]
    source: dict[str, int]
    repeated: int
    environment: Mapping[str, Any]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, paths: Sequence[Path], on_event: OnEvent) -> Plan:
        """Looks at the folders.

        Raises:
            RunFolderError: they don't belong together, or one is damaged.
        """
        first = RunFolder.open(paths[0])
        joint = _Joint(paths, first.whole.theorems)
        origins = []
        notes: list[str] = []
        for number, path in enumerate(paths):
            on_event(Preparing("comparing the runs", number, len(paths)))
            folder = RunFolder.open(path) if number else first
            refuse_different_runs(first, folder)
            notes += unrelated(first, folder)
            joint.add(number, folder)
            origins.append((folder.run_id, str(folder.config.select.shards), folder.environment))
        theorems = [(one, joint.source[place]) for place, one in enumerate(joint.theorems) if one is not None]
        return cls(
            paths,
            first,
            Shards(tuple(sorted(joint.shards)), first.config.select.shards.of),
            tuple(theorem for theorem, _ in theorems),
            {theorem.name: number for theorem, number in theorems if number != _NONE},
            joint.repeated,
            merged(origins),
            tuple(notes),
        )


class _Joint:
    """A selection that is put together from runs, by places.

    Args:
        paths: the run folders.
        size: how many theorems the whole selection has.
    """

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        self.shards: set[int] = set()
        self.theorems: list[Theorem | None] = [None] * size
        self.source = array("l", [_NONE]) * size
        self.repeated = 0
        self._failed = bytearray(size)
        self._paths = paths

    def add(self, number: int, folder: RunFolder) -> None:
        """Adds a run.

        Raises:
            RunFolderError: it doesn't have its shard's theorems, or other results than the runs before it.
        """
        shards = folder.config.select.shards
        places = list(shards.places(len(self.theorems)))
        if len(places) != len(folder.theorems):
            raise RunFolderError(
                f"{folder.path}: damaged: {len(folder.theorems)} theorems, expected {len(places)} for the shard "
                f"{shards} of {len(self.theorems)}; restore its files from a copy"
            )
        self.shards.update(shards.numbers)
        results = folder.results()
        again: dict[int, list[str]] = defaultdict(list)
        for place, theorem in zip(places, folder.theorems, strict=True):
            if self.theorems[place] not in (None, theorem):
                raise RunFolderError(
                    f"{folder.path}: the theorem {theorem.name!r} is not as in the runs before it; only shards of one "
                    f"selection can be merged"
                )
            self.theorems[place] = theorem
            result = results.get(theorem.name)
            if result is None or (result.failure and self.source[place] != _NONE):
                continue
            if self.source[place] == _NONE or self._failed[place]:
                self.source[place] = number
                self._failed[place] = bool(result.failure)
            else:
                again[self.source[place]].append(theorem.name)
        for earlier, names in again.items():
            other = RunFolder.open(self._paths[earlier])
            for name in names:
                refuse_different_results(other, other.results()[name], folder, results[name])
            self.repeated += len(names)
