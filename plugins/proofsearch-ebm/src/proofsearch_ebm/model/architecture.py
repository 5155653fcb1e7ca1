"""The architecture of the head, as a checkpoint keeps it. No torch here: a search reads it without."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, field_validator

from proofsearch.config import FrozenModel
from proofsearch.config.bounds import WIDEST

BOUNDS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
"""What a second output by buckets tells apart: each step near the end, a third or a half more at a time further off."""


class HeadConfig(FrozenModel):
    """The architecture: a checkpoint is read with the one that it was made with."""

    width: int = Field(ge=1, le=WIDEST, description="Width of an encoder row.")
    hidden: tuple[Annotated[int, Field(ge=1, le=WIDEST)], ...] = Field(
        default=(512, 256), min_length=1, description="Widths of the hidden layers."
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Share of hidden units dropped in training.")
    spectral_norm: bool = Field(default=True, description="Give every layer of the energy spectral norm 1.")
    layer_norm: bool = Field(default=False, description="Normalise each hidden layer's output before its SiLU.")
    inputs: Literal["zscore", "l2", "raw"] = Field(
        default="zscore", description="Standardise the columns of rows, scale rows to unit length, or neither."
    )
    learnable_scale: bool = Field(default=True, description="Learn the temperature of the energy; otherwise it is 1.")
    output_bias: bool = Field(default=False, description="Let each part cost a learnt constant.")
    remaining_output: bool = Field(default=True, description="Estimate the remaining steps with a second output.")
    remaining_bounds: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(), description="Estimate how likely more remains than each of these, increasing; none: one number."
    )

    @field_validator("remaining_bounds")
    @classmethod
    def _increasing(cls, bounds: tuple[float, ...]) -> tuple[float, ...]:
        if any(left >= right for left, right in itertools.pairwise(bounds)):
            raise ValueError("expected increasing numbers")
        return bounds


def bucket_values(bounds: tuple[float, ...]) -> tuple[float, ...]:
    """What stands for each bucket between bounds, one more than these: its middle; for the last 1.5 times its bound."""
    return (*((left + right) / 2 for left, right in itertools.pairwise((0.0, *bounds))), 1.5 * bounds[-1])
