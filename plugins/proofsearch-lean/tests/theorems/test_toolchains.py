"""Would catch: theorems of another Lean that are searched without a word."""

from __future__ import annotations

import pytest
from proofsearch_lean.theorems.toolchains import compare_versions, version_in


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("leanprover/lean4:v4.20.0\n", "4.20.0"),
        ("leanprover/lean4:v4.20.0-rc1", "4.20.0-rc1"),
        ("v4.9.0", "4.9.0"),
        ("Lean (version 4.9.0)", "4.9.0"),
        ("leanprover/lean4:stable", "leanprover/lean4:stable"),
    ],
)
def test_versions_are_found_in_what_is_said(said: str, version: str) -> None:
    assert version_in(said) == version


def test_nothing_is_said_where_no_source_says_anything() -> None:
    assert compare_versions({}, "4.35.0") == ("", False)


@pytest.mark.parametrize(
    ("written_for", "warns", "said"),
    [
        ({"leanprover/lean4:v4.35.0": 3, "4.35.0": 1}, False, "for which the theorems were written"),
        ({"v4.9.0": 2, "v4.35.0": 1}, True, "written for v4.9.0 (2 of 3 sources)"),
        ({"v4.35.0-rc1": 1}, True, "written for v4.35.0-rc1 (1 of 1 sources)"),
    ],
)
def test_they_are_compared(written_for: dict[str, int], warns: bool, said: str) -> None:
    sentence, warning = compare_versions(written_for, "4.35.0")
    assert warning is warns
    assert said in sentence
