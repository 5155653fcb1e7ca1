"""The order in which recorded searches are read: that of the library, in whatever order they were filed.

A run files each search when it ends, so with several workers, or after it was stopped and resumed, the same run is
filed in another order every time. What draws, splits or adds up by that order would then come out otherwise, so no
reader gets to see it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

Rows = TypeVar("Rows")

KEPT_GROUPS = 4
"""Row groups that are held at a time. Filing disturbs the order a little only, so that each is read once or twice."""


@dataclass(frozen=True, slots=True, order=True)
class Filed:
    """Where a search is filed. They sort by the theorem's position, those without one last, and by its name.

    Of several searches of one theorem the first given comes first: by file, then by place in it.

    Attributes:
        unplaced: whether the theorem has no position in its library.
        position: that position; 0 without one.
        theorem: its name.
        number: of the file, by the order in which files are given; ``group`` is the row group in it, and ``place`` the
            search's in that.
        group, place: see there.
        search_id: the search.
        file: the file.
    """

    unplaced: bool
    position: int
    theorem: str
    number: int
    group: int
    place: int
    search_id: str = field(compare=False)
    file: Path = field(compare=False)


class RecentGroups(Generic[Rows]):
    """Row groups, each as its searches, read when one of these is asked for; the last few are kept.

    Args:
        read: reads a row group of a file.
        most: how many are kept.
    """

    def __init__(self, read: Callable[[Path, int], list[Rows]], most: int = KEPT_GROUPS) -> None:
        self._read = read
        self._most = most
        self._kept: OrderedDict[tuple[Path, int], list[Rows]] = OrderedDict()

    def search(self, filed: Filed) -> Rows:
        """The search that is filed there; raises what reading does."""
        key = (filed.file, filed.group)
        rows = self._kept.get(key)
        if rows is None:
            while len(self._kept) >= self._most:
                self._kept.popitem(last=False)
            rows = self._kept[key] = self._read(*key)
        self._kept.move_to_end(key)
        return rows[filed.place]


def in_order(found: Iterator[Filed]) -> list[Filed]:
    """What was found, sorted, each search once: where it is filed twice, the first place of it."""
    once: dict[str, Filed] = {}
    for filed in found:
        once.setdefault(filed.search_id, filed)
    return sorted(once.values())
