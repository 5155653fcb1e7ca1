"""The options of the scorer ``ridge`` and of its trainer. Nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from proofsearch.config import ComponentConfig


class RidgeConfig(ComponentConfig):
    """Options of the scorer ``ridge``."""

    path: Path = Field(description="The checkpoint folder, as proofsearch train --plugin ridge writes it.")
    caution: float = Field(
        default=0.0,
        ge=0,
        description="Standard deviations by which a state counts as farther than is expected: high shuns states unlike "
        "those that were learnt from.",
    )


class RidgeTrainerConfig(ComponentConfig):
    """Options of the trainer ``ridge``."""

    folds: int = Field(default=5, ge=2, description="Parts of the theorems that measure a penalty in turn.")
    penalties: int = Field(
        default=9, ge=1, le=100, description="Penalties to try, from 0.01 on, each ten times the last."
    )
