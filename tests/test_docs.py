"""What the documentation says of formats holds: every column and every field of a result is described."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.model import checkpoint as ebm_checkpoint
from proofsearch_ebm.training import history
from proofsearch_metamath.ranker import cuts as ranker_cuts
from proofsearch_metamath.ranker import folds as ranker_folds
from proofsearch_metamath.ranker import loop as ranker_loop
from proofsearch_metamath.ranker import weights as ranker_weights

from proofsearch import checkpoint
from proofsearch.evaluation import result as report
from proofsearch.protocols import TheoremResult
from proofsearch.runs import layout
from proofsearch.testing import CHECKS
from proofsearch.testing.cases import CONFIG_CHECKS
from proofsearch.trainers import state
from proofsearch.trajectory.schema import SCHEMA, VERSION
from proofsearch.types import OutcomeKind

ROOT = Path(__file__).parent.parent
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def shipped_manifests() -> dict[str, Any]:
    """Those of the checkpoints that come with the energy-based model, by folder."""
    found = (ROOT / "plugins" / "proofsearch-ebm" / "src").glob("*/checkpoints/*/manifest.json")
    return {manifest.parent.name: json.loads(manifest.read_text()) for manifest in found}


def test_every_column_of_the_schema_is_described() -> None:
    text = FORMATS[FORMATS.index("## Trajectories") : FORMATS.index("### Types")]
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    described = set(re.findall(r"`(\w+)`", rows))
    assert set(SCHEMA.names) <= described
    assert f"## Trajectories (schema {VERSION})" in FORMATS


def test_every_field_of_a_result_is_described() -> None:
    text = FORMATS[FORMATS.index("A line of `results.jsonl`") : FORMATS.index("## Trajectories")]
    described = set(re.findall(r"`(\w+)`", text))
    assert {field.name for field in dataclasses.fields(TheoremResult)} <= described


def test_the_columns_have_the_types_that_are_said() -> None:
    said = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (yes|no) \|$", FORMATS, re.M)
    written = [(field.name, str(field.type).replace("element: ", ""), field.nullable) for field in SCHEMA]
    assert [(name, kind, empty == "yes") for name, kind, empty in said] == written


def test_the_newest_version_of_every_format_is_said() -> None:
    said = dict(re.findall(r"^\| ([^|]+) \| (\d+) \| [^|]*\|$", FORMATS, re.M))
    newest = {
        "run folder": layout.FORMAT,
        "trajectories": VERSION,
        "checkpoint": checkpoint.FORMAT,
        "checkpoint of the energy-based model": ebm_checkpoint.FORMAT,
        "`training.parquet` of the energy-based model": history.FORMAT,
        "`latest.json` of a training": state.FORMAT,
        "`training.json` of a training of `metamath-ranker`": ranker_loop.FORMAT,
        "weights of `metamath-ranker`: of one policy": ranker_weights.FORMAT,
        "weights of `metamath-ranker`: of folds": ranker_folds.FORMAT,
        "weights of `metamath-ranker`: of cuts": ranker_cuts.FORMAT,
        "`proofsearch evaluate --json`": report.FORMAT,
    }
    assert said == {name: str(version) for name, version in newest.items()}
    assert f"## Run folder (format {layout.FORMAT})" in FORMATS
    assert f"## Checkpoint (format {checkpoint.FORMAT})" in FORMATS
    assert f"### Of the energy-based model (format {ebm_checkpoint.FORMAT})" in FORMATS


def test_every_key_of_a_manifest_is_described() -> None:
    section = FORMATS[FORMATS.index("## Checkpoint") :]
    own, of_the_model = section.split("### Of the energy-based model")
    keys = {name for row in re.findall(r"^\| (`.*?`) \|", own, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert keys == {field.name for field in dataclasses.fields(checkpoint.Manifest)} | {"format"}
    shipped = shipped_manifests()
    rows = {name for row in re.findall(r"^\| (`.*?`) \|", of_the_model, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert rows == {key for one in shipped.values() for key in one["config"]}
    (shown,) = re.findall(r"```text\n(.*?)```", own, re.S)
    for said in re.findall(r'"[\w.]+": "[^"]+"', shown):
        assert said in json.dumps(shipped["prefix"]), said


@pytest.mark.parametrize("page", ["ebm.md", "results.md"])
def test_the_value_beside_the_ranker_was_trained_by_the_command_that_is_said(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("\\\n", " ")
    (command,) = re.findall(r"proofsearch (train --plugin ebm [^\n]*--ebm-beside [^\n]*)", text)
    (manifest,) = (ROOT / "plugins" / "proofsearch-ebm" / "src").glob(
        "*/checkpoints/prefix-metamath-ranker/manifest.json"
    )
    shipped = json.loads(manifest.read_text())
    assert "hidden = [128, 64]" in text
    given = dict(re.findall(r"--ebm-([\w-]+) (\S+)", command)) | {"hidden": (128, 64)}
    options = {name.replace("-", "_"): (value,) if name == "append" else value for name, value in given.items()}
    trained = EbmTrainerConfig.model_validate_json(json.dumps(shipped["config"]["training"]))
    assert trained == EbmTrainerConfig.model_validate(options)
    assert shipped["config"]["appended"]["policy"]["generator"] == "metamath-ranker"


@pytest.mark.parametrize("kind", list(OutcomeKind))
def test_every_outcome_is_described(kind: OutcomeKind) -> None:
    assert f"{kind.value} {kind.name.lower().replace('_', ' ')}" in FORMATS


@pytest.mark.parametrize("kind", [*CHECKS, "options"])
def test_every_check_is_described(kind: str) -> None:
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    headings = {
        "options": "Options of any component",
        "loss": "Losses",
        "strategy": "Strategies",
        "priority": "Priorities",
    }
    section = text.partition(f"\n### {headings.get(kind, f'{kind.capitalize()}s')}\n")[2].partition("\n### ")[0]
    own = set(CONFIG_CHECKS.names)
    checks = CONFIG_CHECKS if kind == "options" else CHECKS[kind]
    rows = [f"| {check.name} | {check.rule} |" for check in checks if kind == "options" or check.name not in own]
    assert section.strip().splitlines()[2:] == rows


def test_links_between_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"
