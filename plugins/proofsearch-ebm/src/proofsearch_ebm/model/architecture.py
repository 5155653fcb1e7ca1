"""The architecture of the head, as a checkpoint keeps it. No torch here: a search reads it without."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proofsearch.config import FrozenModel
from proofsearch.config.bounds import WIDEST


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
