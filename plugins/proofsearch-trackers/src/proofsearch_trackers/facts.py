"""What trackers are told about a run or a training: its settings as a flat table, its figures as numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

Setting = str | int | float | bool

_OF_ONE_THEOREM = ("expansions", "steps", "nodes", "seconds")
"""Figures of a result that are added up and averaged."""


def settings(config: BaseModel) -> dict[str, Setting]:
    """A configuration as a flat table, its keys joined by dots; what is empty is left out."""
    return dict(_leaves(config.model_dump(mode="json"), ()))


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, Setting]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*place, str(key)))
    elif isinstance(value, list | tuple):
        if value:
            yield ".".join(place), ", ".join(map(str, value))
    elif isinstance(value, PurePath):
        yield ".".join(place), str(value)
    elif value is not None:
        yield ".".join(place), value


def numbers(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The finite numbers among metrics, those inside of tables with their keys joined by a slash."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            found |= numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[f"{prefix}{name}"] = float(value)
    return found


class Tally:
    """What a run has come to so far, theorem by theorem.

    Args:
        done: theorems that had a result before.
    """

    def __init__(self, done: int) -> None:
        self.done = done
        self._searched = self._proved = 0
        self._sums = dict.fromkeys(_OF_ONE_THEOREM, 0.0)

    def add(self, result: Any) -> None:
        """Takes a theorem's result."""
        self.done += 1
        self._searched += 1
        self._proved += result.proved
        for name in _OF_ONE_THEOREM:
            self._sums[name] += getattr(result, name)

    def figures(self) -> dict[str, float]:
        """The figures of the theorems that were searched since the run began or was resumed."""
        searched = max(1, self._searched)
        means = {f"search/{name} per theorem": total / searched for name, total in self._sums.items()}
        return {"search/proved": self._proved, "search/proved share": self._proved / searched} | means
