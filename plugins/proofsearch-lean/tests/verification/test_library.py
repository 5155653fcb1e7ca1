"""The library's own proofs are accepted, in every layout that they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.scripts import heading, indented
from proofsearch_lean.theorems import read_library
from proofsearch_lean.toolchain import Toolchain
from proofsearch_lean.verification import verify

FOLDER = Path(__file__).parents[1] / "library" / "theorems"
LIBRARY = read_library(LeanConfig(file=FOLDER))
EVERY = 28
"""So many of the four hundred are checked: all of them, in other versions of the library too, would take minutes."""

PROVED = [theorem.name for theorem in LIBRARY.theorems if (LIBRARY.lean(theorem.name).proof or "").startswith("by")]


def test_the_library_is_large() -> None:
    assert len(PROVED) >= 400


@pytest.mark.parametrize("name", PROVED[::EVERY])
def test_is_accepted(name: str, toolchain: Toolchain, config: LeanConfig) -> None:
    theorem = LIBRARY.lean(name)
    assert theorem.proof is not None
    script = theorem.proof.removeprefix("by").lstrip(" ").lstrip("\n")
    verdict = verify(toolchain, config, theorem, heading(theorem) + indented(script))
    assert verdict.message == "" and verdict.proved
