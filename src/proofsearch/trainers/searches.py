"""What may be learnt from: nothing of the split ``test``, whoever learns and whatever else is recorded of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from proofsearch.errors import InputError
from proofsearch.trajectory.reader import read_searches, recorded_splits
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import Theorem

_STRICTEST = ("test", "validation", "train", "")
"""The splits, the stricter first; any other is less strict than all of them."""


def strictest_split(splits: Iterable[str]) -> str:
    """The split that holds where several are recorded of a theorem: what was ever held out stays held out."""
    return min(splits, key=lambda split: _STRICTEST.index(split) if split in _STRICTEST else len(_STRICTEST))


def learnable_theorems(theorems: Sequence[Theorem]) -> list[Theorem]:
    """The theorems of a library whose proofs may be learnt from: those of the splits ``train`` and ``validation``.

    In a library without splits these are all. In one with splits, what is in none of them is no theorem to be proved,
    such as an axiom.
    """
    if not any(theorem.split for theorem in theorems):
        return list(theorems)
    return [theorem for theorem in theorems if theorem.split in ("train", "validation")]


def drawn_place(name: str, seed: int) -> bytes:
    """Where a theorem stands in a random order that depends on its name and the seed alone."""
    return hashlib.blake2b(f"{seed} {name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


class LearnableSearches:
    """The recorded searches that may be learnt from, each once by its id.

    Searches of theorems of the split ``test`` are left out. Runs may have been split with different seeds: the
    strictest split that any search at these paths records of a theorem holds for all of them, and each search's
    ``theorem`` has it.

    Args:
        paths: trajectory files, folders of them, or run folders.
        same_library: whether all searches must have the same library, and not only the same environment.

    Attributes:
        num_read: searches that were read in the last iteration, those left out included.
        num_left_out: those of them that were left out.
    """

    def __init__(self, paths: Iterable[Path], *, same_library: bool = False) -> None:
        self.num_read = 0
        self.num_left_out = 0
        self._paths = list(paths)
        self._same_library = same_library

    @cached_property
    def splits(self) -> Mapping[str, str]:
        """The strictest split of every theorem at these paths, by name; those of the split ``test`` included."""
        splits: dict[str, str] = {}
        for path in self._paths:
            for name, split in recorded_splits(path):
                splits[name] = strictest_split((splits.get(name, split), split))
        return splits

    def __iter__(self) -> Iterator[RecordedSearch]:
        """The searches, place by place, of each place in the order of their library.

        Raises:
            InputError: searches of several environments, or as :func:`proofsearch.trajectory.reader.read_searches`.
        """
        self.num_read = self.num_left_out = 0
        seen: set[str] = set()
        first: tuple[Path, RecordedSearch] | None = None
        for path in self._paths:
            for search in read_searches([path]):
                if search.search_id in seen:
                    continue
                seen.add(search.search_id)
                self.num_read += 1
                first = first or (path, search)
                self._refuse_foreign(path, search, *first)
                theorem = search.theorem
                split = strictest_split((self.splits.get(theorem.name, theorem.split), theorem.split))
                if split == "test":
                    self.num_left_out += 1
                    continue
                search.theorem = replace(theorem, split=split)
                yield search

    def _refuse_foreign(self, path: Path, search: RecordedSearch, first_path: Path, first: RecordedSearch) -> None:
        origin, expected = (
            [repr(source.environment), *([f"with fingerprint {source.fingerprint!r}"] if self._same_library else [])]
            for source in (search, first)
        )
        if origin != expected:
            raise InputError(
                f"{path}: search {search.search_id} of {search.theorem.name!r} was recorded in environment "
                f"{' '.join(origin)}, expected {' '.join(expected)}, as the first one in {first_path}; train on "
                f"runs of one environment{', with the same library' * self._same_library}"
            )
