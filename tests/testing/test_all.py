"""No check goes without a component that it was made for: one that breaks its rule and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofsearch.testing import CHECKS
from proofsearch.testing.cases import CONFIG_CHECKS

ROOT = Path(__file__).parents[2]
PLURALS = {"strategy": "strategies", "priority": "priorities"}
WHERE = {"loss": ROOT / "plugins" / "proofsearch-ebm" / "tests" / "losses" / "test_conformance.py"}


@pytest.mark.parametrize("kind", [*CHECKS, "config"])
def test_every_check_has_a_broken_component(kind: str) -> None:
    folder = Path(__file__).parent
    text = WHERE.get(kind, folder / f"test_{PLURALS.get(kind, kind + 's')}.py").read_text(encoding="utf-8")
    # What holds for all that is asked is tried with one kind or another; what sessions can do besides, by itself.
    shared = "".join(
        (folder / f"test_{one}.py").read_text(encoding="utf-8")
        for one in ("scorers", "generators", "configs", "abilities")
    )
    own = CONFIG_CHECKS.names if kind == "config" else CHECKS[kind].names
    assert [name for name in own if f'"{name}"' not in text and f'"{name}"' not in shared] == []
