"""Pages say what is so: what comes along, and which script a figure is from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_pages import shipped_plugins

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PLUGINS = shipped_plugins(ROOT)

ALIASES = {("encoder", "embeddings"), ("encoder", "pooled")}
"""Second names of encoders."""


def test_concepts_name_every_component_that_comes_along() -> None:
    rows = re.findall(r"^\| ([\w ]+) \| [^|]* \| ([^|]*) \| `", (DOCS / "concepts.md").read_text(), re.M)
    named = {(kind.split()[-1], name) for kind, names in rows for name in re.findall(r"`([\w-]+)`", names)}
    assert named == {(entry.kind, entry.name) for entry in PLUGINS.components()} - ALIASES


def sections(page: Path) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", page.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("title", sections(DOCS / "results.md"))
def test_every_section_of_the_results_names_what_its_figures_come_from(title: str) -> None:
    section = sections(DOCS / "results.md")[title]
    assert re.search(r"benchmarks/\w+\.py|proofsearch (?:search|evaluate)", section)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_scripts_that_are_named_are_there(page: Path) -> None:
    for script in re.findall(r"(?<![\w-])(?:benchmarks|examples|plugins)/[\w./-]+\.(?:py|sh)\b", page.read_text()):
        assert (ROOT / script).is_file(), script
