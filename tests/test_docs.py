"""What the documentation says of formats holds: every column and every field of a result is described."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from proofsearch.runs import TheoremResult
from proofsearch.testing import CHECKS
from proofsearch.testing.cases import CONFIG_CHECKS
from proofsearch.trajectory.schema import SCHEMA, VERSION
from proofsearch.types import OutcomeKind

ROOT = Path(__file__).parent.parent
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def test_every_column_of_the_schema_is_described() -> None:
    rows = "\n".join(line.split("|")[1] for line in FORMATS.splitlines() if line.startswith("| `"))
    described = set(re.findall(r"`(\w+)`", rows))
    assert set(SCHEMA.names) <= described
    assert f"## Trajectories (schema {VERSION})" in FORMATS


def test_every_field_of_a_result_is_described() -> None:
    text = FORMATS[FORMATS.index("A line of `results.jsonl`") : FORMATS.index("## Trajectories")]
    described = set(re.findall(r"`(\w+)`", text))
    assert {field.name for field in dataclasses.fields(TheoremResult)} <= described


@pytest.mark.parametrize("kind", list(OutcomeKind))
def test_every_outcome_is_described(kind: OutcomeKind) -> None:
    assert f"{kind.value} {kind.name.lower().replace('_', ' ')}" in FORMATS


@pytest.mark.parametrize("kind", [*CHECKS, "options"])
def test_every_check_is_described(kind: str) -> None:
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    headings = {"options": "Options of any component", "loss": "Losses"}
    section = text.partition(f"\n### {headings.get(kind, f'{kind.capitalize()}s')}\n")[2].partition("\n### ")[0]
    own = set(CONFIG_CHECKS.names)
    checks = CONFIG_CHECKS if kind == "options" else CHECKS[kind]
    rows = [f"| {check.name} | {check.rule} |" for check in checks if kind == "options" or check.name not in own]
    assert section.strip().splitlines()[2:] == rows


def test_links_between_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"
