"""The towers' shape: which tensors there are, in training and in search alike. No torch here.

A goal's vector: the table's rows of a part's features are summed by weight; the sums of the parts of each role are
averaged by the square root of their number, multiplied by the role's matrix and added up, together with the rows of
the state as a whole; a residual layer follows. An assertion's vector is made likewise of its conclusion, its
hypotheses and its measures; its own id vector is added at the end. One of the theorem's hypotheses has the vector of a
conclusion that it is, by a matrix of its own. Their logit is

    exp(scale) · ⟨goal, assertion⟩ + bias of the assertion + measures · weights + recency of the assertion · weights

where recency is what :func:`recency` makes of how many assertions stand between this one and the theorem.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.ranker.reading import CONTEXT_ROWS, Role
from proofsearch_metamath.ranker.statements import MEASURES

ROLES = len(Role)
_LINEAR = ("biases", "unused_bias", "own_bias", "measures_bias.weight", "recency")
"""Beside the scale, what a logit is made of."""


def recency(earlier: NDArray[np.int64] | int, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """How near to the theorem assertions stand, shape ``(…, 2)``.

    Args:
        earlier: how many provable assertions stand before the theorem.
        numbers: of assertions; those that may be used are less.
    """
    gap = np.maximum(earlier - numbers, 1).astype(np.float32)
    return np.stack((np.log(gap) / 4, 1 / gap), axis=-1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Architecture:
    """What decides the shapes of the tensors.

    Attributes:
        rows: of the features' table.
        width: of the vectors.
        labels: assertions that have a vector of their own.
        surroundings: whether parts other than the first goal, and features of the state as a whole, are read.
    """

    rows: int
    width: int
    labels: int
    surroundings: bool = True

    def divided(self, tensors: Mapping[str, NDArray[np.float32]], temperature: float) -> dict[str, NDArray[np.float32]]:
        """The tensors of the model whose logits are those of this one divided by a temperature."""
        changed = {name: tensors[name] / np.float32(temperature) for name in _LINEAR}
        return {**tensors, **changed, "scale": tensors["scale"] - np.float32(math.log(temperature))}

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each tensor, by name."""
        width, hidden = self.width, 2 * self.width
        layers = {
            f"{tower}.{name}": shape
            for tower in ("goal", "assertion")
            for name, shape in (
                ("inner.weight", (hidden, width)),
                ("inner.bias", (hidden,)),
                ("outer.weight", (width, hidden)),
                ("outer.bias", (width,)),
            )
        }
        return layers | {
            "table": (self.rows, width),
            "context": (CONTEXT_ROWS, width),
            "roles": (ROLES, width, width),
            "premises": (width, width),
            "own": (width, width),
            "own_vector": (width,),
            "own_bias": (),
            "measures.weight": (width, MEASURES),
            "measures.bias": (width,),
            "measures_bias.weight": (1, MEASURES),
            "ids": (self.labels, width),
            "biases": (self.labels,),
            "unused_bias": (),
            "recency": (2,),
            "scale": (),
        }
