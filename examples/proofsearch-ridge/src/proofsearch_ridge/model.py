"""Ridge regression with its uncertainty, and how it is kept.

With standardised columns X, targets y and a penalty λ, the weights are w = (XᵀX + λI)⁻¹Xᵀ(y − ȳ) (Hoerl and Kennard
1970). As a Bayesian's estimate under a normal prior of variance σ²/λ, what is expected at x has the variance
σ²·(xᵀ(XᵀX + λI)⁻¹x + 1/n) about its truth, with σ² the mean squared residual (Bishop 2006, 3.3): it grows with the
distance from what was learnt from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from proofsearch import storage
from proofsearch.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ridge:
    """A fitted regression.

    Attributes:
        means, scales: of the columns, shape ``(columns,)``; a column that was constant has the scale 1.
        weights: of the standardised columns, shape ``(columns,)``.
        offset: what is expected where all columns have their mean.
        covariance: of the weights, shape ``(columns, columns)``.
        spread: variance of the offset.
    """

    means: Array
    scales: Array
    weights: Array
    offset: float
    covariance: Array
    spread: float

    @classmethod
    def fit(cls, rows: Array, targets: Array, penalty: float) -> Self:
        """Fits the regression.

        Args:
            rows: shape ``(n, columns)``, with ``n`` at least 1.
            targets: shape ``(n,)``.
            penalty: λ, above 0.
        """
        means, scales = rows.mean(axis=0), rows.std(axis=0)
        scales = np.where(scales > 0, scales, 1.0)
        columns, offset = (rows - means) / scales, float(targets.mean())
        inverse = np.linalg.inv(columns.T @ columns + penalty * np.eye(rows.shape[1]))
        weights = inverse @ columns.T @ (targets - offset)
        variance = float(np.square(columns @ weights + offset - targets).mean())
        return cls(means, scales, weights, offset, variance * inverse, variance / len(rows))

    def expected(self, rows: Array) -> Array:
        """What is expected, shape ``(n,)``."""
        return (rows - self.means) / self.scales @ self.weights + self.offset

    def deviations(self, rows: Array) -> Array:
        """Standard deviations of what is expected, shape ``(n,)``."""
        columns = (rows - self.means) / self.scales
        return np.sqrt(np.einsum("ni,ij,nj->n", columns, self.covariance, columns) + self.spread)

    def save(self, file: Path) -> None:
        """Writes it as JSON; the file appears whole or not at all."""
        values = {name: np.asarray(getattr(self, name)).tolist() for name in self.__slots__}
        storage.write_whole(file, json.dumps(values).encode())

    @classmethod
    def read(cls, file: Path, columns: int) -> Self:
        """Reads what :meth:`save` has written.

        Raises:
            InputError: it is damaged, or has another number of columns.
        """
        try:
            values = json.loads(file.read_bytes())
            arrays = {name: np.asarray(values[name], dtype=np.float64) for name in cls.__slots__}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: damaged: {type(error).__name__}: {error}; train again") from None
        shapes = dict.fromkeys(("means", "scales", "weights"), (columns,))
        for name, array in arrays.items():
            wanted = (columns, columns) if name == "covariance" else shapes.get(name, ())
            if array.shape != wanted or not np.isfinite(array).all():
                raise InputError(f"{file}: damaged: {name} is no finite array of shape {wanted}; train again")
        return cls(
            means=arrays["means"],
            scales=arrays["scales"],
            weights=arrays["weights"],
            offset=float(arrays["offset"]),
            covariance=arrays["covariance"],
            spread=float(arrays["spread"]),
        )
