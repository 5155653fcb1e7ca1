"""What all configuration models share: frozen, refusing keys that they don't know, with bounded numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

from annotated_types import Le, Lt
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from proofsearch.config.bounds import LARGEST, LARGEST_SEARCH_SEED, LARGEST_SEED, MOST_WORKERS

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
"""The seed of a training or a draw."""

SearchSeed = Annotated[int, Field(ge=-LARGEST_SEARCH_SEED - 1, le=LARGEST_SEARCH_SEED)]
"""The seed of searches."""

Workers = Annotated[int, Field(ge=0, le=MOST_WORKERS)]
"""A number of processes or threads; what 0 means the field says."""


class FrozenModel(BaseModel):
    """Base of every configuration: immutable, unknown keys are errors, defaults are checked too.

    Numbers are finite, and between minus and plus :data:`proofsearch.config.bounds.LARGEST` where their field has no
    upper bound of its own, those in tuples too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @field_validator("*")
    @classmethod
    def _bounded(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        own = any(isinstance(bound, Le | Lt) for bound in field.metadata)
        for number in _numbers(value):
            if isinstance(number, float) and not math.isfinite(number):
                raise PydanticCustomError("finite_number", "input should be a finite number")
            if abs(number) > LARGEST and not own:
                raise PydanticCustomError(
                    "number_too_large", "input should be between -{most} and {most}", {"most": LARGEST}
                )
        return value


def _numbers(value: object) -> Iterator[int | float]:
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from _numbers(entry)


class ComponentConfig(FrozenModel):
    """Base of a plugin component's configuration.

    Each field becomes the option ``--<component>-<field>`` with the field's description as its help. Fields are
    strings, numbers, booleans, literals or optional ones of these, or ``tuple[str, ...]``: an option that is repeated.
    """
