"""Which searches a dataset is made from, and that they belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from proofsearch.errors import InputError
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import Theorem

_SPLITS = ("test", "validation")
"""The splits that hold, the stronger first, where searches of one theorem disagree."""


@dataclass
class Origin:
    """Where searches come from; all must come from one environment.

    Attributes:
        environment, fingerprint: of the first search that was checked.
        first: the path that it was at.
        generators, scorers: names of the components of all searches.
    """

    environment: str = ""
    fingerprint: str = ""
    first: str = ""
    generators: set[str] = field(default_factory=set)
    scorers: set[str] = field(default_factory=set)

    def check(self, path: Path, search: RecordedSearch) -> None:
        """Notes a search.

        Raises:
            InputError: it ran in another environment than the first, or with another library.
        """
        if not self.first:
            self.environment, self.fingerprint = search.environment, search.fingerprint
            self.first = str(path)
        elif (search.environment, search.fingerprint) != (self.environment, self.fingerprint):
            raise InputError(
                f"{path}: search {search.search_id} of {search.theorem.name!r} was recorded in environment "
                f"{search.environment!r} with fingerprint {search.fingerprint!r}, the first one in {self.first} in "
                f"{self.environment!r} with fingerprint {self.fingerprint!r}; train on runs of one environment, with "
                f"the same library"
            )
        self.generators.add(search.generator)
        self.scorers.add(search.scorer)


def searches_at(paths: Sequence[Path]) -> Iterator[tuple[Path, RecordedSearch]]:
    """Every search at these paths, once each by its id, with the path.

    Raises:
        InputError: as :func:`proofsearch.trajectory.reader.read_searches`.
    """
    seen: set[str] = set()
    for path in paths:
        for search in read_searches([path]):
            if search.search_id not in seen:
                seen.add(search.search_id)
                yield path, search


def strictest_split(known: Theorem | None, theorem: Theorem) -> Theorem:
    """The theorem with the stricter of two recorded splits.

    Runs may have been split with different seeds: what was ever held out stays held out.
    """
    if known is None:
        return theorem
    for split in _SPLITS:
        if split in (known.split, theorem.split):
            return replace(known, split=split)
    return known
