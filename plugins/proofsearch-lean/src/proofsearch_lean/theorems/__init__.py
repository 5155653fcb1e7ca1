"""Theorems to be proved, out of ``.lean`` files and data sets."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch_lean.config import LeanConfig
from proofsearch_lean.statements import LeanTheorem


def read_theorems(config: LeanConfig) -> Sequence[LeanTheorem]:
    """Reads what the options name, in order; no two have one name.

    Raises:
        UsageError: the options name nothing to read, or two things.
        InputError: a file is missing or malformed.
    """
    raise NotImplementedError
