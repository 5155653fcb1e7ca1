"""The options of the environment ``sat`` and of its generator. Nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from proofsearch.config import ComponentConfig


class SatConfig(ComponentConfig):
    """Options of the environment ``sat``."""

    folder: Path | None = Field(
        default=None, description="A folder of DIMACS files (*.cnf) to refute, instead of the collection."
    )


class JeroslowWangConfig(ComponentConfig):
    """Options of the generator ``jeroslow-wang``."""

    base: float = Field(default=2.0, gt=1, description="How many times less a clause counts for each further literal.")
    sharpness: float = Field(default=1.0, gt=0, description="Exponent of the scores: high prefers the first.")
