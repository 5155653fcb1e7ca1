"""Shards: equal parts of what a run selects, so that many machines can search them without knowing each other.

A selection is dealt out like cards: of ``N`` shards the first gets the theorems at the places 0, N, 2 N, … of the
selection, the second those at 1, N + 1, …. So the shards differ by at most one theorem in size, and as theorems that
stand together in a library are of a kind, hardly in difficulty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from proofsearch.config.bounds import MOST_SHARDS

Item = TypeVar("Item")

_FORM = re.compile(r"\s*(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\s*/\s*(\d+)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shards:
    """Some of the equal parts of a selection: as a rule one, after merging several.

    Attributes:
        numbers: which, ascending, each from 1 to ``of``.
        of: how many there are in all.
    """

    numbers: tuple[int, ...]
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads ``"3/16"``, or ``"1-2,5/16"`` for three of them.

        Raises:
            ValueError: anything else; the message says what is expected.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(f"expected I/N, such as 3/16 for the third of 16 shards, found {text!r}")
        of = int(form[2]) if len(form[2]) < 20 else MOST_SHARDS + 1
        if not 1 <= of <= MOST_SHARDS:
            raise ValueError(f"expected 1 to {MOST_SHARDS:,} shards, found {text!r}")
        numbers: set[int] = set()
        for part in form[1].split(","):
            first, last = (int(end[:20]) for end in (part.split("-") * 2)[:2])
            if not 1 <= first <= last <= of:
                raise ValueError(f"the shards of {of} are numbered from 1 to {of}, found {part!r} in {text!r}")
            numbers.update(range(first, last + 1))
        return cls(tuple(sorted(numbers)), of)

    def __str__(self) -> str:
        parts: list[list[int]] = []
        for number in self.numbers:
            if parts and number == parts[-1][1] + 1:
                parts[-1][1] = number
            else:
                parts.append([number, number])
        said = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
        return f"{said}/{self.of}"

    @property
    def whole(self) -> bool:
        """Whether these are all."""
        return len(self.numbers) == self.of

    def of_them(self, selected: Sequence[Item]) -> list[Item]:
        """Those of a whole selection, in its order, that belong to these shards."""
        return [selected[place] for place in self.places(len(selected))]

    def places(self, selected: int) -> Iterable[int]:
        """The places from 0 that these shards have in a selection of a size, ascending."""
        for first in range(0, selected, self.of):
            for number in self.numbers:
                if first + number <= selected:
                    yield first + number - 1

    def others(self, selected: int) -> Self | None:
        """The shards that are missing from these, those without a theorem of the selection aside; ``None`` if none."""
        have = set(self.numbers)
        missing = tuple(number for number in range(1, min(self.of, selected) + 1) if number not in have)
        return type(self)(missing, self.of) if missing else None
