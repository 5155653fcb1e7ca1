"""The weights of the value, and how they are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from pathlib import Path
from typing import Any, Self

import numpy as np

from proofsearch import storage
from proofsearch.builtins.confidence.features import COLUMNS, Floats
from proofsearch.errors import InputError
from proofsearch.measures.conditional_logit import most_likely


@dataclass(frozen=True, slots=True)
class LinearValue:
    """A value that is linear in standardised columns; one that is missing counts as the mean, and by its own weight.

    Attributes:
        means, scales: of the columns, where they aren't missing, shape ``(columns,)``; scales are above 0.
        weights: of the standardised columns, shape ``(columns,)``.
        missing: what is added where a column is missing, shape ``(columns,)``.
    """

    means: Floats
    scales: Floats
    weights: Floats
    missing: Floats

    def values(self, rows: Floats) -> Floats:
        """The value of each row, in nats of log-probability, shape ``(len(rows),)``; higher is better.

        Args:
            rows: shape ``(n, columns)``, ``nan`` where something is missing.
        """
        return _filled(rows, self.means, self.scales) @ np.concatenate((self.weights, self.missing))

    def save(self, file: Path) -> None:
        """Writes it as JSON; the file appears whole or not at all."""
        values = {name: getattr(self, name).tolist() for name in self.__slots__}
        storage.write_whole(file, json.dumps({"columns": COLUMNS} | values, indent=1).encode())

    @classmethod
    def read(cls, file: Path) -> Self:
        """Reads what :meth:`save` has written.

        Raises:
            InputError: it is damaged, or made for other columns.
        """
        try:
            values: dict[str, Any] = json.loads(file.read_bytes())
            columns = tuple(values["columns"])
            arrays = {name: np.asarray(values[name], dtype=np.float64) for name in cls.__slots__}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: damaged: {type(error).__name__}: {error}; train again") from None
        if columns != COLUMNS:
            raise InputError(f"{file}: was made for the columns {columns}, here are {COLUMNS}; train again")
        for name, array in arrays.items():
            if array.shape != (len(COLUMNS),) or not np.isfinite(array).all():
                raise InputError(f"{file}: damaged: {name} is no list of {len(COLUMNS)} finite numbers; train again")
        return cls(**arrays)


class QuickValue:
    """What :meth:`LinearValue.values` says, for one row after the other and without the cost of small arrays."""

    def __init__(self, value: LinearValue) -> None:
        slopes = value.weights / value.scales
        shifts = slopes * value.means
        self._constant = -float(shifts.sum())
        self._slopes: list[float] = slopes.tolist()
        self._missing: list[float] = (value.missing + shifts).tolist()

    def __call__(self, row: Sequence[float]) -> float:
        """The value of a row, ``nan`` in it where something is missing."""
        total = sum(map(mul, self._slopes, row), self._constant)
        if total == total:
            return total
        known = [
            slope * number if number == number else missing
            for slope, number, missing in zip(self._slopes, row, self._missing, strict=True)
        ]
        return sum(known, self._constant)


def fit(rows: Floats, logprob: Floats, goals: Floats, positive: Any, offsets: Any) -> LinearValue:
    """The value that, beside log-probability and goals, makes the good members of sets likeliest.

    Args:
        rows: of the members, shape ``(members, columns)``, ``nan`` where something is missing.
        logprob: cumulative log-probability of each member.
        goals: open goals of each member.
        positive: whether it leads on to the proof.
        offsets: where each set begins, shape ``(sets + 1,)``.
    """
    known = np.isfinite(rows)
    counts = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, rows, 0.0).sum(axis=0) / counts
    scales = np.sqrt(np.where(known, np.square(rows - means), 0.0).sum(axis=0) / counts)
    scales[~(scales > 1e-9)] = 1.0
    filled = _filled(rows, means, scales)
    columns = np.column_stack((filled, logprob, -goals))
    spreads = columns.std(axis=0)
    varies = spreads > 1e-9
    spreads[~varies] = 1.0
    standardised = (columns - columns.mean(axis=0))[:, varies] / spreads[varies]
    weights = np.zeros(columns.shape[1])
    weights[varies] = most_likely(standardised, positive, offsets)[0]
    weights /= spreads
    # In nats of log-probability, where that says anything: then the value can be added to it as it is.
    unit = weights[-2] if weights[-2] > 1e-3 else 1.0
    width = rows.shape[1]
    return LinearValue(means, scales, weights[:width] / unit, weights[width : 2 * width] / unit)


def _filled(rows: Floats, means: Floats, scales: Floats) -> Floats:
    """Standardised columns, 0 where they are missing, and whether they are; shape ``(n, 2 · columns)``."""
    absent = ~np.isfinite(rows)
    return np.concatenate((np.where(absent, 0.0, (rows - means) / scales), absent), axis=1)
